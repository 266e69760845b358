"""White complex noise at a signal-to-noise ratio."""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.errors import WirelessFMError


def add_noise(values: Tensor, snr_db: float | Tensor, generator: torch.Generator | None) -> Tensor:
    """Add circular Gaussian noise; the ratio refers to each sample's own mean power.

    Args:
        values: complex [sample, ...].
        snr_db: one number, or float [sample].
        generator: source of the noise.

    Raises:
        WirelessFMError: no generator (noise without a seed cannot be repeated).
    """
    if generator is None:
        raise WirelessFMError("noise needs a torch.Generator; pass generator=torch.Generator().manual_seed(seed)")
    signal = values.abs().square().flatten(1).mean(dim=1)
    ratio = 10 ** (-torch.as_tensor(snr_db, dtype=signal.dtype, device=signal.device) / 10)
    scale = (signal * ratio).sqrt().reshape(-1, *[1] * (values.dim() - 1))
    shape, device = (*values.shape, 2), values.device
    noise = torch.randn(shape, generator=generator, dtype=signal.dtype, device=device) * 0.5**0.5
    return values + scale * torch.view_as_complex(noise)
