"""Position codes from physical coordinates, so that no grid size is built in."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def fourier_code(coordinates: Tensor, n_octaves: int) -> Tensor:
    """Sines and cosines at octave spacing: float [..., d] to [..., d · 2 · n_octaves].

    Octave 0 has period 2 (coordinates are meant to span about -1 to 1), each further one half of it.
    """
    octaves = math.pi * 2.0 ** torch.arange(n_octaves, device=coordinates.device)
    angle = (coordinates[..., None] * octaves).flatten(-2)
    return torch.cat([torch.sin(angle), torch.cos(angle)], dim=-1)
