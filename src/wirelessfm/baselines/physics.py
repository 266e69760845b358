"""Everything simple that physics offers, side by side: the features that a learned representation must beat."""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.angle_spectrum import angle_spectrum_features
from wirelessfm.baselines.autocorrelation import autocorrelation_features
from wirelessfm.baselines.delay_position import position_from_delay_and_angle
from wirelessfm.baselines.power_delay_los import delay_from_phase_slope
from wirelessfm.csi import CSI


def physics_features(csi: CSI) -> Tensor:
    """Angle spectrum (dB, linear), log power, autocorrelation over antenna lags, delay: float32 [sample, 6n + 3].

    The delay from the phase slope comes as microseconds, in dB (which a linear head adds to log power, as the
    line-of-sight rule does) and as the position it gives with the strongest angle. These four are absent where the
    CSI does not give subcarrier frequencies or has one subcarrier; measured channels, whose clocks are not
    synchronous, have a delay that says nothing.
    """
    known = [angle_spectrum_features(csi), autocorrelation_features(csi)[:, :-1]]
    frequencies = csi.coords.get("subcarrier")
    if frequencies is not None and len(frequencies) > 1:
        delay_us = 1e6 * delay_from_phase_slope(csi)[:, None]
        known += [delay_us, 10 * torch.log10(delay_us.clamp(min=1e-3)), position_from_delay_and_angle(csi)]
    return torch.cat(known, dim=1)
