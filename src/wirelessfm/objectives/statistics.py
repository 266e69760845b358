"""Second-order statistics: the summary of a partly hidden channel says how power is spread over angle and delay."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.nn.masks import random_mask
from wirelessfm.signal.transforms import to_angle_delay

N_STATISTICS = 5


def statistics_error(model: Any, csi: CSI, generator: torch.Generator, mask_ratio: float = 0.3) -> Tensor:
    """Mean squared error of the statistics predicted from the compressed summary.

    They are computed from the label ``reference`` where there is one (the same users seen without noise by a larger
    array with more bandwidth), else from the batch itself; no property of a task is used. Phase-free quantities,
    so that the summary need not spend itself on phases.

    Args:
        model: offers ``tokenize``, ``encode``, ``compress`` and ``predict_statistics``.
        csi: the batch.
        generator: draws the mask.
        mask_ratio: fraction of patches hidden from the encoder.
    """
    tokens = model.tokenize(csi)
    visible, _ = random_mask(len(tokens.patches), tokens.patches.shape[1], mask_ratio, generator)
    predicted = model.predict_statistics(model.compress(model.encode(tokens, visible)[:, 0])).float()
    seen = csi.labels.get("reference", csi.tensor("sample antenna subcarrier"))
    return (predicted - second_order_statistics(seen)).square().mean()


def second_order_statistics(values: Tensor) -> Tensor:
    """Float [sample, 5] of complex [sample, antenna, subcarrier], each of about unit spread.

    Log power (in 10 dB above -110 dB), share of the strongest angle–delay bin (in 10 dB), logarithm of the effective
    number of angle bins and of delay bins (the exponential of the entropy), and log10 of the strongest delay bin,
    counted from 1.
    """
    bins = to_angle_delay(values).abs().square()
    total = bins.sum(dim=(1, 2)).clamp_min(1e-30)
    power = torch.log10(total / (values.shape[1] * values.shape[2])) + 11
    peak = torch.log10(bins.amax(dim=(1, 2)).clamp_min(1e-30) / total)
    spread = [_entropy(bins.sum(dim=dim) / total[:, None]) for dim in (2, 1)]
    delay = torch.log10(1.0 + bins.sum(dim=1).argmax(dim=1))
    return torch.stack([power, peak, *spread, delay], dim=1)


def _entropy(share: Tensor) -> Tensor:
    return -(share * share.clamp_min(1e-12).log()).sum(dim=1)
