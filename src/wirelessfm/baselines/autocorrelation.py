"""Spatial autocorrelation over antenna lags: the angle-power spectrum seen from its Fourier transform."""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.raw import log_power
from wirelessfm.csi import CSI


def autocorrelation_features(csi: CSI) -> Tensor:
    """r(l)/r(0) for lags 1 … n−1, real and imaginary, with log power: float32 [sample, 2(n − 1) + 1].

    r(l) = Σ_k Σ_a h[a+l, k] · h*[a, k] / (n − l): the mean over all antenna pairs l apart, summed over
    subcarriers. Free of the common phase, and of power once divided by r(0).
    """
    values = csi.tensor("sample antenna subcarrier")
    n = values.shape[1]
    # Zero-padding to 2n makes the circular correlation of the transform the linear one.
    power = torch.fft.fft(values, n=2 * n, dim=1).abs().square().sum(dim=2)
    sums = torch.fft.ifft(power, dim=1)[:, :n]
    means = sums / torch.arange(n, 0, -1, device=values.device)
    relative = means[:, 1:] / means[:, :1].real.clamp(min=1e-30)
    return torch.cat([relative.real, relative.imag, log_power(values)], dim=1)
