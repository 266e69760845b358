"""Spatial autocorrelation over antenna lags: the angle-power spectrum seen from its Fourier transform."""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.raw import log_power
from wirelessfm.csi import CSI
from wirelessfm.signal.correlation import antenna_autocorrelation


def autocorrelation_features(csi: CSI) -> Tensor:
    """r(l)/r(0) for lags 1 … n−1, real and imaginary, with log power: float32 [sample, 2(n − 1) + 1]."""
    values = csi.tensor("sample antenna subcarrier")
    relative = antenna_autocorrelation(values)
    return torch.cat([relative.real, relative.imag, log_power(values)], dim=1)
