"""Beam codebooks and sweeps."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wirelessfm.signal.power import squared_magnitude


def dft_codebook(n_antennas: int, n_beams: int) -> Tensor:
    """Unit-norm beams of a half-wavelength linear array, complex64 [beam, antenna].

    Beam b looks at the direction cosine -1 + 2b/n_beams: a half-open sweep. A closed one would contain the
    directions -1 and +1, which are the same vector at half-wavelength spacing, and one of the two beams could
    never be the best.
    """
    cosine = -1 + 2 * torch.arange(n_beams, dtype=torch.float64) / n_beams
    phase = math.pi * cosine[:, None] * torch.arange(n_antennas, dtype=torch.float64)
    return (torch.polar(torch.ones_like(phase), phase) / math.sqrt(n_antennas)).to(torch.complex64)


def beam_powers(values: Tensor, codebook: Tensor) -> Tensor:
    """Received power of each beam of a sweep, summed over subcarriers: float [sample, beam].

    Args:
        values: complex [sample, antenna, subcarrier].
        codebook: complex [beam, antenna]; p_b = Σ_k |w_bᴴ h_k|².
    """
    return squared_magnitude(torch.einsum("ba,sak->sbk", codebook.conj().to(values.device), values)).sum(dim=2)
