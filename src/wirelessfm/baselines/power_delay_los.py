"""Zero-label rule for line of sight: is the received power what free space gives for the delay?"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wirelessfm.baselines.raw import log_power
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError

# A direct path loses 0 dB against free space of its own length; a wall of ordinary concrete (relative permittivity
# 5.3, ITU-R P.2040) reflects 20·log10((√5.3 − 1)/(√5.3 + 1)) = −8.1 dB at normal incidence. Halfway between.
MAX_EXCESS_LOSS_DB = 4.0


def los_from_power_and_delay(csi: CSI, n_classes: int = 2, max_excess_loss_db: float = MAX_EXCESS_LOSS_DB) -> Tensor:
    """Scores [sample, 2] in dB for NLoS and LoS: LoS when the excess loss is below ``max_excess_loss_db``.

    Excess loss = −(power in dB + 20·log10(4π·f_c·τ)). The delay τ is the power-weighted one, from the mean phase
    step between neighbouring subcarriers, so paths must keep their absolute delay, below 1/(subcarrier spacing),
    and power must be physical: isotropic antennas, path loss included.

    Raises:
        WirelessFMError: CSI without carrier or subcarrier frequencies, or with one subcarrier.
    """
    if n_classes != 2:
        raise WirelessFMError(f"the line-of-sight rule decides between 2 classes, found {n_classes}")
    delay_s = delay_from_phase_slope(csi)
    if csi.meta.carrier_hz is None:
        raise WirelessFMError("the line-of-sight rule needs the carrier; set CSIMeta.carrier_hz")
    power_db = log_power(csi.tensor("sample antenna subcarrier")).squeeze(1)
    free_space_db = -20 * torch.log10((4 * math.pi * csi.meta.carrier_hz * delay_s).clamp(min=1))
    margin_db = power_db - free_space_db + max_excess_loss_db
    return torch.stack([-margin_db, margin_db], dim=1) / 2


def delay_from_phase_slope(csi: CSI) -> Tensor:
    """τ = −arg(Σ h[k+1]·h*[k]) / (2π·spacing), in [0, 1/spacing): float32 [sample] in seconds."""
    values = csi.tensor("sample antenna subcarrier")
    frequencies = csi.coords.get("subcarrier")
    if frequencies is None or len(frequencies) < 2:
        raise WirelessFMError("a delay needs coords['subcarrier'] in Hz and at least 2 subcarriers")
    step_hz = float(frequencies[1] - frequencies[0])
    step = (values[..., 1:] * values[..., :-1].conj()).flatten(1).to(torch.complex128).sum(dim=1)
    turns = (-torch.angle(step) / (2 * math.pi)) % 1.0
    return (turns / step_hz).to(values.real.dtype)
