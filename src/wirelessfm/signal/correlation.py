"""Second-order statistics over antenna lags: free of phase, and the Fourier transform of the angle-power spectrum."""

from __future__ import annotations

import torch
from torch import Tensor


def antenna_autocorrelation(values: Tensor) -> Tensor:
    """r(l)/r(0) for lags 1 … n−1 of a linear array: complex [sample, antenna, subcarrier] to [sample, n − 1].

    r(l) = Σ_k Σ_a h[a+l, k] · h*[a, k] / (n − l): the mean over all antenna pairs l apart, summed over subcarriers.
    Zero for a sample without power.
    """
    n = values.shape[1]
    # Zero-padding to 2n makes the circular correlation of the transform the linear one.
    power = torch.fft.fft(values, n=2 * n, dim=1).abs().square().sum(dim=2)
    sums = torch.fft.ifft(power, dim=1)[:, :n]
    means = sums / torch.arange(n, 0, -1, device=values.device)
    return means[:, 1:] / means[:, :1].real.clamp(min=1e-30)
