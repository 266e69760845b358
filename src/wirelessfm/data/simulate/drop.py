"""Where the users of a sector are and how they move."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from wirelessfm.data.simulate.channel_request import SimulationRequest


class Sector(NamedTuple):
    """A 120° sector in the horizontal plane; the array looks along its middle, the x axis."""

    bs_height_m: float
    user_height_m: float
    min_distance_m: float
    max_distance_m: float


def draw_positions(sector: Sector, n: int, generator: torch.Generator) -> Tensor:
    """User positions, float32 [n, 3] in metres, uniform over the area of the sector."""
    square = torch.rand(n, generator=generator) * (sector.max_distance_m**2 - sector.min_distance_m**2)
    distance_m = (square + sector.min_distance_m**2).sqrt()
    azimuth = (torch.rand(n, generator=generator) * 2 - 1) * math.pi / 3
    height_m = torch.full((n,), sector.user_height_m)
    return torch.stack([distance_m * azimuth.cos(), distance_m * azimuth.sin(), height_m], dim=1)


def draw_motion(request: SimulationRequest, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Speeds, float32 [n] in m/s, and velocities, float32 [n, 3], level and in uniform directions."""
    spread = request.max_speed_m_per_s - request.min_speed_m_per_s
    speed = request.min_speed_m_per_s + spread * torch.rand(n, generator=generator)
    heading = 2 * math.pi * torch.rand(n, generator=generator)
    return speed, torch.stack([speed * heading.cos(), speed * heading.sin(), torch.zeros(n)], dim=1)
