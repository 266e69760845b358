"""Orthogonal matching pursuit: a few plane waves that explain what was observed."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wirelessfm.baselines.observed import Observed, observed_part
from wirelessfm.csi import CSI

# Grid points per resolution cell: 2 is up to 1 dB worse, for waves between grid points.
_OVERSAMPLING = 4
# Samples of noise alone in which the best wave still stands out.
_FALSE_ALARM = 0.02
_MAX_ATOMS, _BATCH = 32, 128
# float32 cannot explain more: the residual is then rounding.
_EXPLAINED = 1e-10


def omp(csi: CSI, n_outputs: int = 0) -> Tensor:
    """Sparse recovery over a grid of directions × delays: complex64 [sample, antenna, subcarrier].

    Pati, Rezaiifar and Krishnaprasad 1993; over angles and delays as in Venugopal et al. 2017. Waves are taken as long
    as the best one stands out of the noise: its energy exceeds σ²·ln(G/0.02), which the strongest of G correlations
    with noise alone does in 2 of 100 samples. Half-wavelength linear arrays; delays within what the smallest gap
    between observed subcarriers tells apart, a quarter of it before the first path.
    """
    seen = observed_part(csi)
    angles, delays = _grids(seen)
    parts = zip(seen.values.split(_BATCH), seen.noise.split(_BATCH), strict=True)
    found = [_pursue(values, noise, angles, delays, seen) for values, noise in parts]
    return torch.cat(found) * seen.scale


def _grids(seen: Observed) -> tuple[Tensor, Tensor]:
    """Waves along antennas [antenna, angle] and along subcarriers [subcarrier, delay], complex64 of modulus 1."""
    n_antennas, n_subcarriers = seen.shape
    gap = int(seen.subcarriers.diff().min()) if len(seen.subcarriers) > 1 else 1
    n_angles, n_delays = _OVERSAMPLING * n_antennas, _OVERSAMPLING * max(1, n_subcarriers // gap)
    cosine_cycles = torch.arange(n_angles) / n_angles - 0.5
    delay_cycles = -(torch.arange(n_delays) - n_delays // 4) / (n_delays * gap)
    return _waves(n_antennas, cosine_cycles), _waves(n_subcarriers, delay_cycles)


def _waves(n: int, cycles: Tensor) -> Tensor:
    phase = 2 * math.pi * torch.arange(n)[:, None] * cycles
    return torch.polar(torch.ones_like(phase), phase)


def _pursue(values: Tensor, noise: Tensor, angles: Tensor, delays: Tensor, seen: Observed) -> Tensor:
    """Gram–Schmidt on the observed entries of the atoms, and the same steps on the complete atoms."""
    left, right = angles[seen.antennas].mH, delays[seen.subcarriers].conj()
    n, entries = len(values), values[0].numel()
    residual = values.flatten(1)
    basis, complete = residual.new_zeros(n, 0, entries), residual.new_zeros(n, 0, len(angles) * len(delays))
    estimate = residual.new_zeros(n, len(angles) * len(delays))
    threshold = noise * math.log(left.shape[0] * right.shape[1] / _FALSE_ALARM)
    active = torch.ones(n, dtype=torch.bool)
    for step in range(min(_MAX_ATOMS, entries)):
        match = (left @ residual.reshape(values.shape) @ right).flatten(1)
        energy, best = match.abs().square().max(dim=1)
        # The first wave is always taken: an estimate of nothing is of no use.
        stands_out = (energy / entries > threshold) | (step == 0)
        active = active & stands_out & (residual.abs().square().mean(dim=1) > _EXPLAINED)
        if not active.any():
            break
        row, column = best // right.shape[1], best % right.shape[1]
        whole = (angles.T[row][:, :, None] * delays.T[column][:, None, :]).flatten(1)
        atom = whole[:, seen.flat]
        shared = torch.einsum("bie,be->bi", basis.conj(), atom)
        atom, whole = atom - _combined(shared, basis), whole - _combined(shared, complete)
        length = atom.norm(dim=1, keepdim=True)
        # What is left of a wave already taken is rounding.
        active = active & (length[:, 0] > 1e-3 * math.sqrt(entries))
        weight = torch.where(active[:, None], 1 / length, 0)
        atom, whole = atom * weight, whole * weight
        amount = (atom.conj() * residual).sum(dim=1, keepdim=True)
        residual, estimate = residual - amount * atom, estimate + amount * whole
        basis, complete = torch.cat([basis, atom[:, None]], dim=1), torch.cat([complete, whole[:, None]], dim=1)
    return estimate.reshape(n, *seen.shape)


def _combined(amounts: Tensor, vectors: Tensor) -> Tensor:
    return torch.einsum("bi,bie->be", amounts, vectors)
