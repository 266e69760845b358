"""Masked channel modelling: reconstruct the patches the encoder did not see, or those of antennas and subcarriers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.nn.attention import take_tokens
from wirelessfm.nn.masks import CHANNEL_MASKS, MASKS, draw_kind, draw_ratio, replaced

STYLES = ("visible", "replace")


def masked_nmse(
    model: Any,
    csi: CSI,
    generator: torch.Generator,
    mask_ratio: float | Sequence[float] = 0.6,
    masks: Sequence[str] = ("random",),
    style: str = "visible",
) -> Tensor:
    """Squared error over the masked patches, or all of a masked channel, divided by their energy, both summed.

    The ratio of sums is used because the energy of a single sample's masked patches can be next to nothing.
    Objective after K. He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022.

    Args:
        model: offers ``tokenize``, ``encode`` and ``decode``.
        csi: the batch.
        generator: draws the mask.
        mask_ratio: fraction of patches hidden, or its smallest and largest, drawn for each batch; real and imaginary
            parts of a patch are hidden together.
        masks: names out of :data:`wirelessfm.nn.masks.MASKS` and :data:`~wirelessfm.nn.masks.CHANNEL_MASKS`, one
            drawn for each batch. Of the latter, ``antenna`` and ``frequency``, whole antennas or subcarriers of the
            channel become zero; as that changes every angle or delay, all patches are to be reconstructed.
        style: of masked patches. ``visible``, the encoder sees the visible ones only; ``replace``, it sees all of
            them, the masked ones replaced as in BERT (80 % zero, 10 % of another sample, 10 % kept).

    Returns:
        float [], 1 for predicting zero.
    """
    if style not in STYLES:
        raise unknown_name("style of masking", style, STYLES)
    kind = draw_kind(masks, [*MASKS, *CHANNEL_MASKS], generator)
    ratio = draw_ratio(mask_ratio, generator)
    if style == "replace" and not any(kind in MASKS for kind in masks):
        raise WirelessFMError(f"style 'replace' is for masked patches, found masks {list(masks)}; use style 'visible'")
    if kind in CHANNEL_MASKS:
        return _nmse_of_hidden_entries(model, csi, kind, ratio, generator)
    tokens = model.tokenize(csi)
    visible, masked = MASKS[kind](len(tokens.patches), tokens.grid.shape, ratio, generator)
    target = take_tokens(tokens.patches, masked)
    if style == "replace":
        tokens = replace(tokens, patches=replaced(tokens.patches, masked, generator))
        visible = _every(tokens.patches)
    return _nmse(take_tokens(model.decode(model.encode(tokens, visible), tokens, visible), masked), target)


def _nmse_of_hidden_entries(model: Any, csi: CSI, kind: str, ratio: float, generator: torch.Generator) -> Tensor:
    values = csi.tensor("sample antenna subcarrier")
    _, masked = CHANNEL_MASKS[kind](len(values), (values.shape[1], values.shape[2]), ratio, generator)
    seen = values.flatten(1).scatter(1, masked.to(values.device), 0).view_as(values)
    tokens = model.tokenize(replace(csi, values=seen, axes=("sample", "antenna", "subcarrier")))
    visible = _every(tokens.patches)
    wanted = _turned_to(model.tokenize(csi).patches, tokens.patches)
    return _nmse(model.decode(model.encode(tokens, visible), tokens, visible), wanted)


def _turned_to(patches: Tensor, seen: Tensor) -> Tensor:
    """``patches`` with the global phase of ``seen``, which has a strongest bin of its own to count from."""
    full, part = (torch.complex(*each.float().chunk(2, dim=-1)) for each in (patches, seen))
    product = (full.conj() * part).sum(dim=(1, 2), keepdim=True)
    turned = full * torch.where(product.abs() > 0, product / product.abs().clamp_min(1e-30), 1)
    return torch.cat([turned.real, turned.imag], dim=-1)


def _every(patches: Tensor) -> Tensor:
    return torch.arange(patches.shape[1], device=patches.device).expand(len(patches), -1)


def _nmse(predicted: Tensor, target: Tensor) -> Tensor:
    return (predicted.float() - target).square().sum() / target.square().sum().clamp_min(1e-12)
