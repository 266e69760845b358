"""Masked channel modelling: reconstruct the patches the encoder did not see."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.nn.attention import take_tokens
from wirelessfm.nn.masks import random_mask


def masked_nmse(model: Any, csi: CSI, generator: torch.Generator, mask_ratio: float = 0.6) -> Tensor:
    """Squared error over the masked patches divided by their energy, both summed over the batch.

    The ratio of sums is used because the energy of a single sample's masked patches can be next to nothing.
    Objective after K. He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022.

    Args:
        model: offers ``tokenize``, ``encode`` and ``decode``.
        csi: the batch.
        generator: draws the mask.
        mask_ratio: fraction of patches hidden; real and imaginary parts of a patch are hidden together.

    Returns:
        float [], 1 for predicting zero.
    """
    tokens = model.tokenize(csi)
    visible, masked = random_mask(len(tokens.patches), tokens.patches.shape[1], mask_ratio, generator)
    predicted = model.decode(model.encode(tokens, visible), tokens, visible)
    target = take_tokens(tokens.patches, masked)
    error = take_tokens(predicted, masked).float() - target
    return error.square().sum() / target.square().sum().clamp_min(1e-12)
