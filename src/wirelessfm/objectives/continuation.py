"""Continuation: the second half of a block, in time or over subcarriers, from its noisy first half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.signal.noise import add_noise

_AXES = ("time", "subcarrier")


def continuation_error(
    model: Any,
    csi: CSI,
    generator: torch.Generator,
    axes: Sequence[str] = _AXES,
    known_share: Sequence[float] = (0.4, 0.7),
    snr_db: Sequence[float] = (5.0, 30.0),
) -> Tensor:
    """Mean NMSE of the unknown part.

    Args:
        model: offers ``continue_csi(csi)``, complex in the shape of the unknown part.
        csi: axes (sample, time, antenna, subcarrier), without noise.
        generator: draws axis, share and noise.
        axes: which of them may be continued.
        known_share: smallest and largest share of the axis that is known.
        snr_db: smallest and largest, one for the batch; the model is told.
    """
    device = csi.values.device

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand(1, generator=generator, device=device))

    axis = axes[int(torch.randint(len(axes), (1,), generator=generator, device=device))]
    dim, n = csi.axes.index(axis), csi.size(axis)
    n_known = min(n - 1, max(2, round(n * uniform(*known_share))))
    first = csi.values.narrow(dim, 0, n_known)
    snr = uniform(*snr_db)
    noisy, seen = torch.zeros_like(csi.values), torch.zeros(csi.values.shape, dtype=torch.bool, device=device)
    noisy.narrow(dim, 0, n_known).copy_(add_noise(first, snr, generator))
    seen.narrow(dim, 0, n_known).fill_(True)
    noise = first.abs().square().mean(dim=(1, 2, 3)) * 10 ** (-snr / 10)
    found = model.continue_csi(replace(csi, values=noisy, labels={"observed": seen, "noise_power": noise}))
    wanted = csi.values.narrow(dim, n_known, n - n_known)
    error = (found - wanted).abs().square().mean(dim=(1, 2, 3))
    return (error / wanted.abs().square().mean(dim=(1, 2, 3)).clamp_min(1e-30)).mean()
