"""Unitary transforms between the antenna–subcarrier and the angle–delay domain."""

from __future__ import annotations

import torch
from torch import Tensor


def to_angle_delay(values: Tensor) -> Tensor:
    """Antenna–subcarrier to angle–delay: complex [..., antenna, subcarrier] to [..., angle, delay], same size.

    A plane wave from direction cosine u at half-wavelength spacing appears at angle bin n·(u + 1)/2 (bin n/2 is
    broadside); a path of delay τ at delay bin τ·bandwidth, modulo the number of bins. Unitary.
    """
    angle = torch.fft.fftshift(torch.fft.fft(values, dim=-2, norm="ortho"), dim=-2)
    return torch.fft.ifft(angle, dim=-1, norm="ortho")


def from_angle_delay(values: Tensor) -> Tensor:
    """The inverse of :func:`to_angle_delay`."""
    frequency = torch.fft.fft(values, dim=-1, norm="ortho")
    return torch.fft.ifft(torch.fft.ifftshift(frequency, dim=-2), dim=-2, norm="ortho")
