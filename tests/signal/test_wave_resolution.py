from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest
import torch

from wirelessfm.signal.esprit import esprit
from wirelessfm.signal.wave_fit import Waves, _at, _step, fit_waves
from wirelessfm.signal.wave_resolution import _fewer, resolve_waves


def waves(rows, columns, gain) -> Waves:
    parts = (torch.tensor([part], dtype=torch.float64) for part in (rows, columns))
    return Waves(*parts, torch.tensor([gain], dtype=torch.complex128), torch.zeros(1).double())


def noisy(values: torch.Tensor, power: float, seed: int = 0) -> torch.Tensor:
    noise = torch.randn(values.shape, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))
    return values + noise * math.sqrt(power)


def strongest(found: Waves, n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of the first sample, in the order of rows."""
    order = found.gain[0].abs().argsort(descending=True)[:n]
    order = order[found.rows[0, order].argsort()]
    return found.rows[0, order], found.columns[0, order], found.gain[0, order]


@pytest.mark.parametrize("shape", [(32, 32), (8, 24), (4, 32), (2, 12), (16, 5), (128, 32), (5, 600)])
def test_finds_waves_of_complex64_channels(shape) -> None:
    true = waves([-0.21, 0.17], [-0.13, -0.05], [0.4 + 0.8j, -0.5j])
    found = resolve_waves(true.on_grid(*shape).to(torch.complex64))
    rows, columns, gain = strongest(found, 2)
    assert torch.allclose(rows, true.rows[0], atol=1e-5) and torch.allclose(columns, true.columns[0], atol=1e-5)
    assert torch.allclose(gain, true.gain[0], atol=1e-4)
    assert float(found.rest[0]) < 1e-11


def test_says_the_same_whatever_memory_held_before() -> None:
    generator = torch.Generator().manual_seed(0)
    rows, columns = (0.3 * torch.rand(20, 12, dtype=torch.float64, generator=generator) for _ in range(2))
    gain = torch.randn(20, 12, dtype=torch.complex128, generator=generator)
    values = Waves(rows, columns, gain, torch.zeros(20).double()).on_grid(8, 32).to(torch.complex64)
    first = resolve_waves(values)
    for left_behind in (1, 7):
        for size in range(1, 40):
            torch.full((size,), left_behind, dtype=torch.int32)
        again = resolve_waves(values)
        assert all(torch.equal(getattr(first, name), getattr(again, name)) for name in ("rows", "columns", "gain"))


@pytest.mark.parametrize("apart", [0.2, 0.05, 0.02])
def test_waves_closer_than_the_resolution_are_told_apart_without_noise(apart) -> None:
    """The resolution of 32 antennas is 1/32 of a turn; here as small a share of it in both directions."""
    turn = apart / 32
    true = waves([0.1, 0.1 + turn], [-0.02, -0.02 - turn], [1.0, 0.6j])
    found = resolve_waves(true.on_grid(32, 32).to(torch.complex64))
    rows, _, gain = strongest(found, 2)
    assert float((rows - true.rows[0]).abs().max()) < 0.05 * turn
    assert float((gain - true.gain[0]).abs().max()) < 0.05


def test_errors_in_noise_are_those_of_the_cramer_rao_bound() -> None:
    true, snr = waves([0.13], [-0.07], [1.0]), 100.0
    values = torch.cat([noisy(true.on_grid(16, 16), 1 / snr, seed) for seed in range(60)])
    found = resolve_waves(values)
    best = found.gain.abs().argmax(dim=1, keepdim=True)
    error = found.rows.gather(1, best)[:, 0] - 0.13
    bound = math.sqrt(6 / (snr * 16 * 16 * (16**2 - 1))) / (2 * math.pi)
    assert 0.6 * bound < float(error.square().mean().sqrt()) < 1.6 * bound
    others = found.gain.abs().scatter(1, best, 0.0)
    assert float((others.amax(dim=1) < 0.3).double().mean()) > 0.9  # next to nothing is made of noise


@pytest.mark.parametrize(("shape", "power"), [((32, 8), 3.0), ((32, 32), 0.1), ((4, 32), 0.1), ((8, 6), 1.0)])
def test_noise_makes_next_to_no_waves(shape, power) -> None:
    """Few windows fit on few columns, and eigenvalues of noise spread."""
    true = waves([0.13], [-0.07], [1.0])
    found = resolve_waves(torch.cat([noisy(true.on_grid(*shape), power, seed) for seed in range(40)]))
    assert float((found.gain != 0).sum(dim=1).double().mean()) < 1.3


def test_a_faint_wave_is_found_in_noise() -> None:
    """20 dB below the other and 13 dB below the noise of an entry, of which there are 256."""
    true = waves([0.13, -0.21], [-0.07, -0.02], [1.0, 0.1])
    values = torch.cat([noisy(true.on_grid(8, 32), 0.1, seed) for seed in range(40)])
    found = resolve_waves(values)
    near = (found.gain != 0) & ((found.rows + 0.21).abs() < 0.05) & ((found.columns + 0.02).abs() < 0.01)
    assert float(near.any(dim=1).double().mean()) > 0.95


def test_what_is_missed_of_a_wave_is_what_the_others_cannot_replace() -> None:
    true = waves([0.1, 0.12, -0.3, 0.0], [-0.07, -0.08, 0.2, 0.0], [1.0, 0.5j, 0.3, 0.0])
    values = noisy(true.on_grid(8, 12), 0.01)
    found = fit_waves(values, true.rows[:, :3], true.columns[:, :3], torch.full((1,), 1e-13).double(), 0)
    missed = found.missed(8, 12)
    for i in range(3):
        others = [j for j in range(3) if j != i]
        fewer = fit_waves(values, true.rows[:, others], true.columns[:, others], torch.full((1,), 1e-13).double(), 0)
        assert float(missed[0, i]) == pytest.approx(float(fewer.rest - found.rest), rel=1e-6)
    assert true.missed(8, 12)[0, 3] == torch.inf


def test_next_to_nothing_is_missed_of_one_of_two_waves_at_one_place() -> None:
    twice = waves([0.1, 0.1, -0.3], [-0.07, -0.07, 0.2], [0.5, 0.5, 0.5])
    missed = twice.missed(8, 12)[0]
    assert bool(missed.isfinite().all()) and float(missed[:2].max()) < 1e-9 and 0.2 < float(missed[2]) < 0.26


def test_waves_that_replace_each_other_do_not_go_together() -> None:
    """Three waves in noise, each begun at twice."""
    true = waves([0.13, -0.21, 0.05], [-0.07, -0.02, -0.1], [1.0, 0.6, 0.3j])
    values = torch.cat([noisy(true.on_grid(8, 16), 0.1, seed) for seed in range(60)])
    twice = [torch.cat([turn, turn + 0.004], dim=1).expand(60, -1) for turn in (true.rows, true.columns)]
    noise = torch.full((60,), 0.1).double()
    many = _padded(fit_waves(values, *twice, noise, 5), 16)
    fewer = _fewer(values, many, noise)
    assert bool((fewer.rest < 1.2 * many.rest).all())
    assert 3 <= float((fewer.gain != 0).sum(dim=1).double().mean()) < 4


def _padded(found: Waves, most: int) -> Waves:
    rows, columns, gain = (
        torch.nn.functional.pad(each, (0, most - each.shape[1])) for each in (found.rows, found.columns, found.gain)
    )
    return Waves(rows, columns, gain, found.rest)


@pytest.mark.parametrize("shape", [(4, 4), (2, 8), (4, 1), (1, 2), (2, 2)])
def test_on_small_grids_waves_leave_some_freedom(shape) -> None:
    found = resolve_waves(noisy(torch.zeros(100, *shape, dtype=torch.complex128), 1.0))
    counts = (found.gain != 0).sum(dim=1)
    assert found.gain.shape == (100, 16)
    assert bool(((4 * counts < 2 * math.prod(shape)) | (counts == 1)).all())


def test_more_waves_than_it_may_find_and_none_at_all() -> None:
    generator = torch.Generator().manual_seed(0)
    many = torch.randn(1, 12, 12, dtype=torch.complex64, generator=generator)
    found = resolve_waves(torch.cat([many, torch.zeros_like(many)]), most=3)
    assert found.gain.shape == (2, 3) and bool(torch.isfinite(torch.view_as_real(found.gain)).all())
    assert 0 < float(found.rest[0]) < float(many.abs().square().mean())
    assert not found.gain[1].any() and float(found.rest[1]) == 0


def test_scale_and_phase_pass_through() -> None:
    true = waves([-0.3, 0.2], [-0.2, -0.1], [1.0, 0.3])
    values, factor = true.on_grid(8, 16), 1e-7 * complex(0.6, -0.8)
    small = resolve_waves(values * factor)
    whole = resolve_waves(values)
    assert torch.allclose(small.gain, whole.gain * factor, atol=1e-12)
    assert torch.allclose(small.rows, whole.rows, atol=1e-9)


@pytest.mark.parametrize("shape", [(1, 16), (16, 1), (1, 1)])
def test_a_single_antenna_or_subcarrier_is_enough(shape) -> None:
    true = waves([0.0 if shape[0] == 1 else 0.2], [0.0 if shape[1] == 1 else -0.3], [2.0])
    found = resolve_waves(true.on_grid(*shape))
    assert float(found.rest[0]) < 1e-9
    assert torch.allclose(found.on_grid(*shape), true.on_grid(*shape), atol=1e-4)


def test_least_squares_never_get_worse_and_a_ridge_keeps_gains_small() -> None:
    values = noisy(waves([0.1, 0.11], [-0.1, -0.1], [1.0, -0.9]).on_grid(16, 16), 1e-4)
    rows, columns = torch.tensor([[0.1, 0.1001]]).double(), torch.tensor([[-0.1, -0.1001]]).double()
    start = fit_waves(values, rows, columns, torch.full((1,), 1e-12).double(), 0)
    rests = [
        float(fit_waves(values, rows, columns, torch.full((1,), 1e-12).double(), n).rest) for n in (0, 1, 2, 5, 20)
    ]
    assert rests[0] == float(start.rest) and all(b <= a * (1 + 1e-9) for a, b in itertools.pairwise(rests))
    worse = fit_waves(values, rows + 0.01, columns - 0.01, torch.full((1,), 1e-12).double(), 0)
    better = fit_waves(values, rows + 0.01, columns - 0.01, torch.full((1,), 1e-12).double(), 20)
    assert float(better.rest) < 0.1 * float(worse.rest)
    strict = fit_waves(values, rows, columns, torch.full((1,), 1e2).double(), 0)
    assert float(strict.gain.abs().max()) < 1 < float(start.gain.abs().max())


def test_esprit_counts_waves_and_says_how_much_noise_there_is() -> None:
    true = waves([-0.2, 0.0, 0.3], [-0.3, -0.1, -0.2], [1.0, 1.0, 1.0])
    turns, noise = esprit(noisy(true.on_grid(32, 32), 1e-2))
    assert len(turns[0][0]) == 3 and float(noise[0]) == pytest.approx(1e-2, rel=0.6)
    assert torch.allclose(turns[0][0].sort().values, true.rows[0], atol=2e-3)


def test_a_step_goes_downhill_even_where_gains_are_costly() -> None:
    """The gradient of the cost with the best gains, by finite differences."""
    values = noisy(waves([0.1, 0.2], [-0.1, -0.3], [1.0, -0.9]).on_grid(6, 7), 1e-2)
    turns, ridge = torch.tensor([[[0.12, 0.17], [-0.13, -0.28]]]).double(), torch.ones(1).double()
    state = _at(values, turns, ridge)
    slope = torch.zeros(4).double()
    for i in range(4):
        moved = [turns.clone(), turns.clone()]
        for each, by in zip(moved, (1e-6, -1e-6), strict=True):
            each.view(-1)[i] += by
        slope[i] = float((_at(values, moved[0], ridge).cost - _at(values, moved[1], ridge).cost) / 2e-6)
    # With so much damping a step is minus half the gradient, each entry over its damped curvature.
    damping = 1e12
    step = _step(state, torch.full((1,), damping).double()).flatten() * damping
    curvatures = -slope / 2 / step
    assert float(curvatures.min()) > 0
    again = _step(_at(values * 2, turns, ridge), torch.full((1,), damping).double()).flatten() * damping
    assert torch.allclose(again, step, rtol=1e-4)
    found = fit_waves(values, turns[:, 0], turns[:, 1], ridge, 50)
    final = _at(values, torch.stack([found.rows, found.columns], dim=1), ridge)
    assert float(_step(final, torch.full((1,), 1e-9).double()).abs().max()) < 1e-3 and final.cost < state.cost


def test_whole_turns_are_taken_off_without_changing_entries() -> None:
    odd = waves([0.7, -0.2], [-1.3, 0.1], [1.0, 0.5j])
    for shape in ((4, 6), (5, 7), (4, 7)):
        wrapped = odd.wrapped(*shape)
        assert float(wrapped.rows.abs().max()) <= 0.5 and float(wrapped.columns.abs().max()) <= 0.5
        assert torch.allclose(wrapped.on_grid(*shape), odd.on_grid(*shape))


@pytest.mark.parametrize("early", [0.05, 0.25])
def test_turns_become_delays_without_changing_entries(early: float) -> None:
    several = waves([0.2, -0.2, 0.1, 0.0], [0.9, -1.3, early, 0.0], [1.0, 0.5j, -0.3, 2.0])
    for n_columns in (6, 7):
        delayed = several.delayed(n_columns, early)
        assert bool((delayed.columns <= early).all()) and bool((delayed.columns > early - 1).all())
        assert torch.allclose(delayed.on_grid(4, n_columns), several.on_grid(4, n_columns))


def test_as_many_waves_as_entries_explain_nothing() -> None:
    # Power 4, of which a wave leaves 2: four of the eight real numbers of the entries are its own.
    values = torch.full((1, 2, 2), 2.0 + 0j)
    assert float(replace(waves([0.1], [0.1], [1.0]), rest=torch.full((1,), 2.0)).unexplained(values)[0]) == 1.0
    assert float(waves([0.1, 0.2], [0.1, 0.3], [1.0, 1.0]).unexplained(values)[0]) == float("inf")
    # Where there is no power, nothing is explained.
    assert float(waves([0.1], [0.1], [0.0]).unexplained(0 * values)[0]) == 1.0
