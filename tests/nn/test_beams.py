from __future__ import annotations

import math

import pytest
import torch

from wirelessfm.nn.beams import beam_harmonics, on_beam_grid, side_by_side
from wirelessfm.nn.plane_waves import direction_grid
from wirelessfm.signal import PlanarArray


def logits_of(n: int, strongest: int) -> torch.Tensor:
    return torch.full((1, n), -20.0).index_fill(1, torch.tensor([strongest]), 0.0)


def directions(*array: int) -> torch.Tensor:
    return direction_grid(PlanarArray(*array).positions_wavelengths().float())


def test_the_grid_itself_is_left_as_it_is() -> None:
    logits = torch.randn(3, 64, generator=torch.Generator().manual_seed(0))
    assert on_beam_grid(logits, directions(8), 64) is logits


@pytest.mark.parametrize("array", [(4, 4), (48, 1), (1, 8)])
def test_power_stays_where_it_comes_from(array) -> None:
    """Whatever the grid, the strongest beam looks at the cosine along y of the strongest direction."""
    grid = directions(*array)
    for strongest in (0, len(grid) // 3, len(grid) - 1):
        beam = int(on_beam_grid(logits_of(len(grid), strongest), grid, 64).argmax())
        cosine = -1 + 2 * beam / 64
        away = abs((cosine - float(grid[strongest, 0]) + 1) % 2 - 1)
        assert away <= 1 / 64 + 1e-6


@pytest.mark.parametrize("beam", [0, 5, 40])
def test_harmonics_of_one_beam_turn_with_it(beam) -> None:
    found = beam_harmonics(logits_of(64, beam))[0]
    turns = 2 * math.pi * beam * torch.arange(1, 32) / 64
    assert torch.allclose(found, torch.cat([turns.cos(), turns.sin()]), atol=1e-4)


def test_neighbours_stand_side_by_side_and_the_last_is_repeated() -> None:
    parts = torch.arange(10.0).view(1, 5, 2)
    joined = side_by_side(parts, 2)
    assert joined.shape == (1, 3, 4)
    assert torch.equal(joined[0, 0], torch.arange(4.0)) and joined[0, 2].tolist() == [8, 9, 8, 9]
    assert torch.equal(side_by_side(parts, 1), parts)
