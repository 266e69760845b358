from __future__ import annotations

import pytest
import torch

from wirelessfm.nn.plane_waves import WaveEstimate, antenna_waves, delay_waves, direction_grid, wave_amounts
from wirelessfm.signal import OFDM, PlanarArray, channel_response


@pytest.fixture
def problem():
    """Waves on a small grid, observed on every second column, and the same as one dense matrix."""
    g = torch.Generator().manual_seed(0)
    left = antenna_waves(PlanarArray(6).positions_wavelengths(), torch.tensor([[-0.5, 0.0], [0.0, 0.0], [0.6, 0.0]]))
    right = delay_waves(OFDM(8, 1e6).frequencies_hz(), torch.tensor([0.0, 1e-7, 3e-7, 4e-7]))
    power = torch.rand(5, 3, 4, generator=g) + 0.05
    noise = torch.rand(5, generator=g) + 0.05
    seen = torch.randn(5, 6, 4, dtype=torch.complex64, generator=g)
    return power, seen, noise, left, right, left, right[::2]


def dense(power, seen, noise, left, right, left_seen, right_seen):
    whole, part = torch.kron(left, right), torch.kron(left_seen, right_seen)
    p = power.flatten(1).to(torch.complex64)
    covariance = (part * p[:, None]) @ part.mH + torch.diag_embed(noise[:, None].expand(-1, len(part))).to(p.dtype)
    solved = torch.linalg.solve(covariance, seen.flatten(1)[..., None])
    return ((whole * p[:, None]) @ part.mH @ solved)[..., 0].reshape(len(seen), len(left), len(right))


def test_the_estimate_is_the_linear_minimum_mean_squared_error(problem) -> None:
    assert torch.allclose(WaveEstimate.apply(*problem, 60), dense(*problem), atol=2e-4)


def test_the_amounts_make_up_the_estimate(problem) -> None:
    power, seen, noise, left, right, left_seen, right_seen = problem
    amounts = wave_amounts(power, seen, noise, left_seen, right_seen, 60)
    assert torch.allclose(left @ amounts @ right.T, WaveEstimate.apply(*problem, 60), atol=1e-5)


def test_the_gradient_is_that_of_the_dense_solution(problem) -> None:
    power, *rest = problem
    target = torch.randn(5, 6, 8, dtype=torch.complex64, generator=torch.Generator().manual_seed(1))
    gradients = []
    for estimate in (lambda p: WaveEstimate.apply(p, *rest, 80), lambda p: dense(p, *rest)):
        p = power.clone().requires_grad_()
        (estimate(p) - target).abs().square().sum().backward()
        gradients.append(p.grad)
    assert torch.allclose(*gradients, rtol=2e-3, atol=2e-3)


def test_waves_are_what_synthesis_makes_of_a_path(make_paths) -> None:
    paths = make_paths(6, 1).connected()
    array, ofdm = PlanarArray(5, 3), OFDM(16, 1e5)
    yaw, pitch, _ = paths.meta.bs_orientation_rad
    from wirelessfm.signal.arrays import direction_cosines

    cosines = direction_cosines(paths.departure_azimuth_rad, paths.departure_elevation_rad, yaw, pitch)
    left = antenna_waves(array.positions_wavelengths(), torch.stack([c[:, 0] for c in cosines], dim=1))
    right = delay_waves(ofdm.frequencies_hz(), paths.delay_s[:, 0])
    made = paths.gain[:, 0, None, None] * left.T[:, :, None] * right.T[:, None, :]
    assert torch.allclose(made, channel_response(paths, array, ofdm)[:, 0, 0], atol=1e-3 * float(made.abs().max()))


@pytest.mark.parametrize(
    ("array", "n"),
    [
        (PlanarArray(32), 64),
        (PlanarArray(8), 64),
        (PlanarArray(1), 1),
        (PlanarArray(64), 128),
        (PlanarArray(8, 4), 128),
    ],
)
def test_directions_cover_what_the_array_resolves_twice(array, n) -> None:
    grid = direction_grid(array.positions_wavelengths())
    assert grid.shape == (n, 2) and float(grid.min()) >= -1 and float(grid.max()) < 1
    assert len(torch.unique(grid, dim=0)) == n
