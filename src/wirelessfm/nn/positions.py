"""Position codes from physical coordinates, so that no grid size is built in."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def octave_code(coordinate: Tensor, n_octaves: int) -> Tensor:
    """Sines and cosines at octave spacing: float [...] to [..., 2 · n_octaves].

    Octave 0 has period 2 (a coordinate is meant to span about -1 to 1), each further one half of it. Few numbers
    for a wide range of scales.
    """
    return _code(coordinate, 2.0 ** torch.arange(n_octaves, device=coordinate.device))


def harmonic_code(coordinate: Tensor, n_harmonics: int) -> Tensor:
    """Sines and cosines of the harmonics 1 … n of period 2: float [...] to [..., 2 · n_harmonics].

    Of a direction cosine these are the phases between half-wavelength antennas 1 … n apart, so that a sum over
    directions weighted by power is the antenna autocorrelation.
    """
    return _code(coordinate, torch.arange(1, n_harmonics + 1, device=coordinate.device))


def _code(coordinate: Tensor, frequency: Tensor) -> Tensor:
    angle = math.pi * coordinate[..., None] * frequency
    return torch.cat([torch.sin(angle), torch.cos(angle)], dim=-1)
