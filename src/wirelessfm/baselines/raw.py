"""The channel itself as features."""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.csi import CSI


def raw_features(csi: CSI) -> Tensor:
    """Real and imaginary parts on one scale for the whole set: float32 [sample, 2·antenna·subcarrier].

    The scale only moves the numbers away from the edge of float32; relative power between samples stays.
    """
    values = csi.tensor("sample antenna subcarrier")
    scale = values.abs().square().mean().sqrt()
    return torch.view_as_real(values / torch.where(scale > 0, scale, torch.ones_like(scale))).flatten(1)


def log_power(values: Tensor) -> Tensor:
    """Mean power of complex [sample, ...] in dB, float32 [sample, 1]; 300 dB below 1 for a zero channel."""
    return 10 * torch.log10(values.abs().square().flatten(1).mean(dim=1, keepdim=True).clamp(min=1e-30))
