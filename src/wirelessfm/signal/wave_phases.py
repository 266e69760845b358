"""What is left of the phases of waves far from where they were seen: at another carrier, for one.

A wave turns on with frequency by its delay. Whether a delay is known well enough to say its phase at a distance a
thousand times the bandwidth is for the noise to say, by the Cramér–Rao bound of all waves together (S. Kay,
Fundamentals of Statistical Signal Processing I, 1993, section 15.7).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wirelessfm.signal.power import squared_magnitude
from wirelessfm.signal.wave_fit import Waves, about_middle, turned

# Of the largest information, what is left where waves cannot be told apart.
_LEAST_INFORMATION = 1e-15
_AT_ONCE = 256


def expected_products(waves: Waves, shape: tuple[int, int], place: tuple[float, float]) -> Tensor:
    """Products of an entry of each wave with the conjugate of one of each wave, as they are to be expected at a place.

    Phases are Gaussian, so a product keeps e^{−v/2} of itself if the difference of two phases has the variance v. Where
    nothing is known of phases any more, the powers of the waves are all that is left: the diagonal, which stays.

    Args:
        waves: [sample, wave], as fitted, their columns without ambiguity, see :meth:`.wave_fit.Waves.delayed`.
        shape: rows and columns of the grid that they were fitted to.
        place: how many rows and columns from the middle of the grid.

    Returns:
        complex128 [sample, wave, wave], positive semidefinite.
    """
    return torch.cat([_products(part, shape, place) for part in waves.split(_AT_ONCE)])


def _products(waves: Waves, shape: tuple[int, int], place: tuple[float, float]) -> Tensor:
    angle = 2 * math.pi * (place[0] * waves.rows + place[1] * waves.columns).remainder(1)
    gain = waves.gain * torch.polar(torch.ones_like(angle), angle)
    covariance = _phase_covariance(waves, shape, place)
    own = covariance.diagonal(dim1=1, dim2=2)
    variance = own[:, :, None] + own[:, None] - 2 * covariance
    return gain[:, :, None] * gain[:, None].conj() * (-variance.clamp_min(0) / 2).exp()


def _phase_covariance(waves: Waves, shape: tuple[int, int], place: tuple[float, float]) -> Tensor:
    """Cramér–Rao bound of the phases at a place, float64 [sample, wave, wave]."""
    n = waves.gain.shape[1]
    information = _information(waves, shape)
    size = information.diagonal(dim1=1, dim2=2).sqrt()
    size = torch.where(size > 0, size, 1.0)
    values, vectors = torch.linalg.eigh(information / size[:, :, None] / size[:, None])
    # Phases at the middle, and the turns on the way.
    _, phase, rows, columns = (vectors / size[:, :, None]).unflatten(1, (4, n)).unbind(dim=1)
    moved = phase + 2 * math.pi * (place[0] * rows + place[1] * columns)
    noise, power = waves.noise(math.prod(shape)), squared_magnitude(waves.gain).sum(dim=1)
    # Waves that fit anything say nothing of noise: as much as there is of them.
    noise = torch.where(noise.isfinite(), noise, power)
    bound = moved / values.clamp_min(_LEAST_INFORMATION)[:, None] @ moved.mT
    return bound * (noise / 2)[:, None, None]


def _information(waves: Waves, shape: tuple[int, int]) -> Tensor:
    """Of log amplitudes, phases, rows and columns in noise of power 2: float64 [sample, 4 · wave, 4 · wave]."""
    left, right = about_middle(waves.rows, shape[0]), about_middle(waves.columns, shape[1])
    derivatives = [(left, right), (left, 1j * right), (turned(left), right), (left, turned(right))]
    gains = waves.gain[:, :, None].conj() * waves.gain[:, None]
    rows = [[((a.mH @ b) * (c.mH @ d) * gains).real for b, d in derivatives] for a, c in derivatives]
    return torch.cat([torch.cat(row, dim=2) for row in rows], dim=1)
