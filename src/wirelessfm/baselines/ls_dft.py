"""Least squares at the pilots, then only those delays that carry more signal than noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wirelessfm.baselines.ls_linear import fill_antennas
from wirelessfm.baselines.observed import observed_part
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError


def ls_dft(csi: CSI, n_outputs: int = 0) -> Tensor:
    """Transform the pilots to delay taps, drop taps, transform to all subcarriers: complex64 as the input.

    The DFT-based estimator of van de Beek et al. 1995 and Edfors et al. 2000. Rather than a window of fixed length,
    a tap stays when its power, a mean over antennas, is above twice that of the noise: of all choices of taps the one
    with the least unbiased estimate of the error (Mallows 1973), so there is nothing to tune. A quarter of the taps
    stand for delays before the first path, where the leakage of delays between taps goes. Missing antennas are
    interpolated linearly.

    Raises:
        WirelessFMError: observed subcarriers that are not equally spaced.
    """
    seen = observed_part(csi)
    steps = seen.subcarriers.diff()
    if len(steps) and not bool((steps == steps[0]).all()):
        raise WirelessFMError(
            f"ls-dft needs equally spaced observed subcarriers, found {seen.subcarriers.tolist()}; use ls-linear or omp"
        )
    n = len(seen.subcarriers)
    delay = (torch.arange(n) - n // 4) / (n * (int(steps[0]) if n > 1 else 1))
    phase = -2 * math.pi * torch.arange(seen.shape[1])[:, None] * delay
    tones = torch.polar(torch.ones_like(phase), phase)
    taps = seen.values @ tones[seen.subcarriers].conj() / n
    power = taps.abs().square().mean(dim=1, keepdim=True)
    kept = (power > 2 * seen.noise[:, None, None] / n) | (power == power.amax(dim=2, keepdim=True))
    return fill_antennas(seen, (taps * kept) @ tones.T) * seen.scale
