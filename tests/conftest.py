"""Fixtures several test files share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from wirelessfm import Paths, PathsMeta

torch.set_num_threads(1)


def random_paths(n_users: int = 7, n_paths: int = 4, seed: int = 0, doppler: bool = False) -> Paths:
    """Users with 0 to n_paths random paths; the first is path-less, the second has all."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float) -> torch.Tensor:
        return (low + (high - low) * torch.rand(n_users, n_paths, generator=generator)) * mask

    count = torch.randint(1, n_paths + 1, (n_users,), generator=generator)
    count[: min(2, n_users)] = torch.tensor([0, n_paths])[: min(2, n_users)]
    mask = torch.arange(n_paths) < count[:, None]
    los = torch.where(count > 0, torch.randint(0, 2, (n_users,), generator=generator), -1).to(torch.int8)
    return Paths(
        gain=torch.randn(n_users, n_paths, dtype=torch.complex64, generator=generator) * 1e-5 * mask,
        delay_s=uniform(1e-7, 2e-6),
        departure_azimuth_rad=uniform(-3.1, 3.1),
        departure_elevation_rad=uniform(-0.8, 0.3),
        arrival_azimuth_rad=uniform(-3.1, 3.1),
        arrival_elevation_rad=uniform(-0.3, 0.8),
        position_m=torch.rand(n_users, 3, generator=generator) * 200,
        los=los,
        n_paths=count,
        meta=PathsMeta(3.5e9, (0.0, 0.0, 20.0), (0.3, 0.1, 0.0), scene="random", seed=seed),
        doppler_hz=uniform(-80, 80) if doppler else None,
    )


@pytest.fixture
def make_paths() -> Callable[..., Paths]:
    """The factory :func:`random_paths`."""
    return random_paths
