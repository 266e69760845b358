"""Autocorrelation prediction: from a partly hidden channel, the antenna autocorrelation a better receiver would see."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.nn.masks import random_mask
from wirelessfm.signal.correlation import antenna_autocorrelation


def autocorrelation_error(model: Any, csi: CSI, generator: torch.Generator, mask_ratio: float = 0.3) -> Tensor:
    """Mean squared error of the normalised antenna autocorrelation predicted from the pooled patches.

    The target is computed from the batch itself, or from its label ``reference`` where there is one: the same users
    seen at the same carrier without noise by a larger array, so that a small or noisy view has to be sharpened.
    Phase-free, bounded by 1, and the same quantity for every array. No property of a task is used.

    Args:
        model: offers ``tokenize``, ``encode``, ``pool`` and ``predict_autocorrelation``.
        csi: the batch.
        generator: draws the mask.
        mask_ratio: fraction of patches hidden from the encoder.

    Returns:
        float [], mean of |error|² over samples and lags.
    """
    tokens = model.tokenize(csi)
    visible, _ = random_mask(len(tokens.patches), tokens.patches.shape[1], mask_ratio, generator)
    pooled = model.pool(model.encode(tokens, visible), tokens, visible)
    predicted = model.predict_autocorrelation(pooled).float()
    seen = csi.labels.get("reference", csi.tensor("sample antenna subcarrier"))
    target = torch.view_as_real(antenna_autocorrelation(seen))
    lags = min(target.shape[1], predicted.shape[1] // 2)
    return (predicted.unflatten(1, (-1, 2))[:, :lags] - target[:, :lags]).square().sum(dim=2).mean()
