"""Angle-power spectrum: how much power arrives from where."""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.raw import log_power
from wirelessfm.csi import CSI

_FLOOR = 1e-6  # 60 dB below the strongest direction: below it there are only sidelobes and rounding


def angle_spectrum_features(csi: CSI) -> Tensor:
    """Power per direction relative to the strongest, in dB and linear, with log power: float32 [sample, 4n + 1].

    2n directions for n antennas: the power spectrum of n antennas has 2n − 1 degrees of freedom (its Fourier
    transform is the autocorrelation over antenna lags −n+1 … n−1), so n directions would lose half of them.
    Power is summed over subcarriers.
    """
    values = csi.tensor("sample antenna subcarrier")
    n = values.shape[1]
    power = torch.fft.fftshift(torch.fft.fft(values, n=2 * n, dim=1), dim=1).abs().square().sum(dim=2)
    relative = power / power.amax(dim=1, keepdim=True).clamp(min=1e-30)
    return torch.cat([10 * torch.log10(relative.clamp(min=_FLOOR)), relative, log_power(values)], dim=1)
