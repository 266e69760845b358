"""Both ways to the solution: that of the dense system, whichever is taken."""

from __future__ import annotations

import pytest
import torch

from wirelessfm.nn import wave_solvers
from wirelessfm.nn.plane_waves import antenna_waves, delay_waves, direction_grid
from wirelessfm.nn.wave_solvers import covariance, solve, solve_by_iterations, solve_directly
from wirelessfm.signal import OFDM, PlanarArray


def problem(rows: int, columns: int, noise: float, n: int = 3):
    """Channels of a few strong waves among many weak ones, in noise."""
    g = torch.Generator().manual_seed(0)
    array, ofdm = PlanarArray(rows), OFDM(columns, 3e5)
    left = antenna_waves(array.positions_wavelengths(), direction_grid(array.positions_wavelengths(), 32))
    right = delay_waves(ofdm.frequencies_hz(), torch.arange(8) * 2e-7)
    power = torch.rand(n, len(left.T), 8, generator=g) ** 12
    amounts = torch.randn(power.shape, dtype=torch.complex64, generator=g) * power.sqrt()
    values = left @ amounts @ right.T
    values = values + noise**0.5 * torch.randn(values.shape, dtype=torch.complex64, generator=g)
    return power, values, torch.full((n,), noise), left, right


def misfit(solution, power, values, noise, left, right) -> float:
    """Of the system in double precision, relative."""
    wide = [x.to(torch.complex128) for x in (solution, left, right)]
    solution, left, right = wide
    image = left @ (power * (left.mH @ solution @ right.conj())) @ right.T + noise[:, None, None] * solution
    return float((image - values).abs().max() / values.abs().max())


@pytest.mark.parametrize("noise", [1e-1, 1e-3, 1e-5])
def test_direct_solutions_solve(noise) -> None:
    asked = problem(6, 8, noise)
    assert misfit(solve_directly(*asked), *asked) < 1e-4


def test_iterations_come_to_the_direct_solution() -> None:
    asked = problem(6, 8, 0.1)
    direct = solve_directly(*asked)
    assert torch.allclose(solve_by_iterations(*asked, 200), direct, atol=1e-3 * float(direct.abs().max()))


def test_without_noise_iterations_end_before_the_solution() -> None:
    asked = problem(12, 16, 1e-5)
    assert misfit(solve_by_iterations(*asked, 300), *asked) > 10 * misfit(solve_directly(*asked), *asked)


def test_samples_may_be_solved_in_parts(monkeypatch) -> None:
    asked = problem(6, 8, 0.01, n=5)
    whole = solve_directly(*asked)
    monkeypatch.setattr(wave_solvers, "_MATRIX_BYTES", 2 * 16 * 48**2)
    assert torch.allclose(solve_directly(*asked), whole, rtol=1e-4)


@pytest.mark.parametrize(
    ("rows", "columns", "noise", "direct"),
    [(16, 16, 0.1, True), (16, 17, 0.1, False), (32, 32, 1e-5, True), (33, 32, 1e-5, False), (2, 64, 0.1, False)],
)
def test_the_way_is_chosen_by_size_and_noise(monkeypatch, rows, columns, noise, direct) -> None:
    ways = []

    def way(name):
        return lambda power, values, *_: ways.append(name) or values

    monkeypatch.setattr(wave_solvers, "solve_directly", way(True))
    monkeypatch.setattr(wave_solvers, "solve_by_iterations", way(False))
    solve(*problem(rows, columns, noise, n=1), 10)
    assert ways == [direct]


def test_a_large_planar_array_is_not_made_a_matrix_of_all_its_directions() -> None:
    positions = PlanarArray(32, 32).positions_wavelengths()
    left = antenna_waves(positions, direction_grid(positions))
    right = delay_waves(OFDM(1, 1e5).frequencies_hz(), torch.zeros(1))
    power, values = torch.ones(1, left.shape[1], 1), torch.ones(1, 1024, 1, dtype=torch.complex64)
    assert torch.isfinite(solve(power, values, torch.full((1,), 1e-5), left, right, 5).abs()).all()


def test_a_sample_is_solved_in_its_own_way_whatever_stands_beside_it() -> None:
    power, values, noise, left, right = problem(12, 24, 0.1, n=4)
    noise = torch.tensor([0.1, 1e-5, 0.1, 1e-5])
    together = solve(power, values, noise, left, right, 40)
    alone = [solve(power[i : i + 1], values[i : i + 1], noise[i : i + 1], left, right, 40) for i in range(4)]
    assert torch.allclose(together, torch.cat(alone), rtol=1e-3, atol=1e-3 * float(together.abs().max()))


def test_the_covariance_is_that_of_the_waves() -> None:
    power, _, _, left, right = problem(3, 4, 0.1, n=2)
    part = torch.kron(left, right)
    expected = (part * power.flatten(1)[:, None].to(torch.complex64)) @ part.mH
    assert torch.allclose(covariance(power, left, right), expected, atol=1e-5)
