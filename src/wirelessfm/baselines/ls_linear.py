"""Least squares at the pilots, linear interpolation between them: what a receiver does that knows nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.observed import Observed, observed_part
from wirelessfm.csi import CSI


def ls_linear(csi: CSI, n_outputs: int = 0) -> Tensor:
    """Interpolate complex values over subcarriers, then over antennas: complex64 [sample, antenna, subcarrier].

    Coleri, Ergen, Puri and Bahai 2002, the first-order interpolator. Observed entries stay as they are. Beyond the
    outermost ones the line goes on for one spacing and is held from there.
    """
    seen = observed_part(csi)
    return interpolate(seen) * seen.scale


def interpolate(seen: Observed) -> Tensor:
    """The same at the scale of ``seen``."""
    return fill_antennas(seen, seen.values @ linear_weights(seen.subcarriers, seen.shape[1]).T)


def fill_antennas(seen: Observed, values: Tensor) -> Tensor:
    """From the observed to all antennas: complex [sample, observed antenna, n] to [sample, antenna, n]."""
    return linear_weights(seen.antennas, seen.shape[0]) @ values


def linear_weights(known: Tensor, n: int) -> Tensor:
    """Weights of the values at positions ``known`` (int64, ascending) for positions 0 … n−1: complex64 [n, known]."""
    if len(known) == 1:
        return torch.ones(n, 1, dtype=torch.complex64)
    position = torch.arange(n)
    right = torch.searchsorted(known, position).clamp(1, len(known) - 1)
    start, end = known[right - 1], known[right]
    part = ((position - start) / (end - start)).clamp(-1, 2)[:, None]
    weights = torch.zeros(n, len(known)).scatter_(1, right[:, None] - 1, 1 - part).scatter_(1, right[:, None], part)
    return weights.to(torch.complex64)
