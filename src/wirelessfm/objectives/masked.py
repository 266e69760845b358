"""Masked channel modelling: reconstruct the patches the encoder did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.errors import unknown_name
from wirelessfm.nn.attention import take_tokens
from wirelessfm.nn.masks import draw_mask, replaced

STYLES = ("visible", "replace")


def masked_nmse(
    model: Any,
    csi: CSI,
    generator: torch.Generator,
    mask_ratio: float | Sequence[float] = 0.6,
    masks: Sequence[str] = ("random",),
    style: str = "visible",
) -> Tensor:
    """Squared error over the masked patches divided by their energy, both summed over the batch.

    The ratio of sums is used because the energy of a single sample's masked patches can be next to nothing.
    Objective after K. He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022.

    Args:
        model: offers ``tokenize``, ``encode`` and ``decode``.
        csi: the batch.
        generator: draws the mask.
        mask_ratio: fraction of patches hidden, or its smallest and largest, drawn for each batch; real and imaginary
            parts of a patch are hidden together.
        masks: names out of :data:`wirelessfm.nn.masks.MASKS`, one drawn for each batch.
        style: ``visible``, the encoder sees the visible patches only; ``replace``, it sees all of them, the masked
            ones replaced as in BERT (80 % zero, 10 % of another sample, 10 % kept).

    Returns:
        float [], 1 for predicting zero.
    """
    if style not in STYLES:
        raise unknown_name("style of masking", style, STYLES)
    tokens = model.tokenize(csi)
    visible, masked = draw_mask(masks, len(tokens.patches), tokens.grid.shape, mask_ratio, generator)
    target = take_tokens(tokens.patches, masked)
    if style == "replace":
        tokens = replace(tokens, patches=replaced(tokens.patches, masked, generator))
        visible = torch.arange(tokens.patches.shape[1], device=visible.device).expand(len(visible), -1)
    predicted = model.decode(model.encode(tokens, visible), tokens, visible)
    error = take_tokens(predicted, masked).float() - target
    return error.square().sum() / target.square().sum().clamp_min(1e-12)
