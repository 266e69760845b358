"""Angle–delay power spectrum: how much power arrives from where and when."""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.raw import log_power
from wirelessfm.csi import CSI
from wirelessfm.signal import to_angle_delay

_FLOOR = 1e-6  # as in the angle spectrum


def angle_delay_features(csi: CSI) -> Tensor:
    """Power per angle and delay bin relative to the strongest, linear, with log power: float32 [sample, n·k + 1]."""
    values = csi.tensor("sample antenna subcarrier")
    return torch.cat([_relative_power(values), log_power(values)], dim=1)


def angle_delay_db_features(csi: CSI) -> Tensor:
    """The same in dB, at most 60 dB below the strongest bin: weak paths count, and so do sidelobes."""
    values = csi.tensor("sample antenna subcarrier")
    decibel = 10 * torch.log10(_relative_power(values).clamp(min=_FLOOR))
    return torch.cat([decibel, log_power(values)], dim=1)


def _relative_power(values: Tensor) -> Tensor:
    power = to_angle_delay(values).abs().square().flatten(1)
    return power / power.amax(dim=1, keepdim=True).clamp(min=1e-30)
