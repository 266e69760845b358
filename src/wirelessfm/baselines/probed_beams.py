"""Beams from the received amplitudes of a few beams of a sweep, evenly spread from the first on.

The ports of the CSI are the probed beams: beam b·(n_beams/n_probes) for b = 0 … n_probes − 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.raw import log_power
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import dft_codebook

_PER_BEAM = 8  # directions tried around each beam


def strongest_probed_beam(csi: CSI, n_classes: int) -> Tensor:
    """Power of each probed beam relative to the mean, -1 for the others: float32 [sample, beam].

    What a base station does that measures a subset of its beams and predicts nothing.
    """
    scaled, step = _unit_power(csi), _step(csi, n_classes)
    scores = scaled.new_full((len(scaled), n_classes), -1.0, dtype=torch.float32)
    scores[:, ::step] = scaled.abs().square().mean(dim=2)
    return scores


def probed_beam_match(csi: CSI, n_classes: int, n_antennas: int = 32) -> Tensor:
    """The best fit of one plane wave to the probed amplitudes, per beam: float32 [sample, beam], 1 for a perfect fit.

    The first step of matching pursuit (Alkhateeb et al. 2014): for the response p(u) of the probes to a wave from
    direction cosine u, Σ_k |p(u)ᴴ y_k|² / (‖p(u)‖² Σ_k ‖y_k‖²), the highest of the directions around each beam.
    Knows the codebook and the number of antennas of the array, not its channel.
    """
    scaled, step = _unit_power(csi), _step(csi, n_classes)
    probes = dft_codebook(n_antennas, n_classes)[::step]
    # Directions an eighth of a beam apart, moved so that each beam is in the middle of its own.
    waves = dft_codebook(n_antennas, n_classes * _PER_BEAM).roll(_PER_BEAM // 2, dims=0)
    response = waves @ probes.mH
    response = response / response.norm(dim=1, keepdim=True).clamp(min=1e-3)
    parts = (torch.einsum("db,sbk->sdk", response.conj(), part) for part in scaled.split(256))
    fit = torch.cat([part.abs().square().sum(dim=2) for part in parts]) / scaled[0].numel()
    return fit.unflatten(1, (n_classes, _PER_BEAM)).amax(dim=2)


def probe_power_features(csi: CSI) -> Tensor:
    """Power of each port in dB relative to the strongest, with log power: float32 [sample, port + 1].

    What a terminal reports for a set of beams (L1-RSRP), the input of beam prediction in TR 38.843.
    """
    values = csi.tensor("sample antenna subcarrier")
    power = values.abs().square().mean(dim=2)
    relative = power / power.amax(dim=1, keepdim=True).clamp(min=1e-30)
    return torch.cat([10 * torch.log10(relative.clamp(min=1e-6)), log_power(values)], dim=1)


def _unit_power(csi: CSI) -> Tensor:
    values = csi.tensor("sample antenna subcarrier")
    return values / 10 ** (log_power(values)[..., None] / 20)


def _step(csi: CSI, n_classes: int) -> int:
    n_probes = csi.size("antenna")
    if n_classes % n_probes:
        raise WirelessFMError(f"{n_probes} probed beams are not evenly spread over a sweep of {n_classes}")
    return n_classes // n_probes
