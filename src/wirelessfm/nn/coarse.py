"""Blocks that see two neighbouring tokens as one: half the tokens, so half of the work.

As the inner layers of a U-Net (O. Ronneberger et al., MICCAI 2015), or of an hourglass of tokens (P. Nawrot et al.,
"Hierarchical Transformers Are More Efficient Language Models", NAACL 2022): what is fine goes past them.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from wirelessfm.nn.beams import side_by_side


def mean_of_pairs(width: int) -> nn.Linear:
    """A layer from two tokens side by side to one, at first their mean."""
    layer = nn.Linear(2 * width, width)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(width).repeat(1, 2) / 2)
        layer.bias.zero_()
    return layer


def through(blocks: Iterable[nn.Module], x: Tensor) -> Tensor:
    """One block after the other."""
    for block in blocks:
        x = block(x)
    return x


def through_in_pairs(blocks: Iterable[nn.Module], merge: nn.Module, x: Tensor) -> Tensor:
    """Two neighbours as one through all blocks, and what became of it added to both.

    Args:
        blocks: float [batch, token, width] to the same.
        merge: float [batch, pair, 2 · width] to [batch, pair, width]; see :func:`mean_of_pairs`.
        x: float [batch, 1 + token, width]; the first, a summary, stays alone, and the last if it has no neighbour.
    """
    merged = merge(side_by_side(x[:, 1:], 2))
    y = through(blocks, torch.cat([x[:, :1], merged.to(x.dtype)], dim=1))
    change = (y[:, 1:] - merged).repeat_interleave(2, dim=1)
    return torch.cat([y[:, :1], x[:, 1:] + change[:, : x.shape[1] - 1]], dim=1)
