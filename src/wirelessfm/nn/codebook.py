"""Vector quantisation: the nearest of a set of learnt codes.

A. van den Oord et al., "Neural Discrete Representation Learning", NeurIPS 2017 (VQ-VAE), with loss and not averages
to move the codes. Vectors and codes lie on the unit sphere, which keeps more of the codes in use (J. Yu et al.,
"Vector-Quantized Image Modeling with Improved VQGAN", ICLR 2022).
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional


class Codebook(nn.Module):
    """``n_codes`` unit vectors of ``width`` numbers."""

    def __init__(self, n_codes: int, width: int) -> None:
        super().__init__()
        # As small as in the paper: only directions count, and short vectors turn fast.
        self.codes = nn.Parameter(torch.empty(n_codes, width).uniform_(-1 / n_codes, 1 / n_codes))

    def forward(self, ids: Tensor) -> Tensor:
        """The codes of int64 [...]: float [..., width], of norm 1."""
        return functional.normalize(self.codes, dim=-1)[ids]

    @torch.no_grad()
    def nearest(self, vectors: Tensor) -> Tensor:
        """The nearest code of each unit vector, float [..., width] to int64 [...]."""
        # Without autocast: in bf16 many codes are equally near.
        with torch.autocast(vectors.device.type, enabled=False):
            return (vectors.float() @ functional.normalize(self.codes.float(), dim=-1).T).argmax(dim=-1)


def straight_through(vectors: Tensor, codes: Tensor) -> Tensor:
    """The codes, with the gradient of the vectors they stand for."""
    return vectors + (codes - vectors).detach()


def codebook_error(vectors: Tensor, codes: Tensor, commitment: float) -> Tensor:
    """Mean over vectors of ‖sg[vector] - code‖² + commitment · ‖vector - sg[code]‖²; float [..., width] to []."""
    moves_codes = (vectors.detach() - codes).square().sum(dim=-1)
    moves_vectors = (vectors - codes.detach()).square().sum(dim=-1)
    return (moves_codes + commitment * moves_vectors).mean()


def unused_error(book: Codebook, vectors: Tensor, ids: Tensor, generator: Generator) -> Tensor:
    """Mean over codes that no vector of a batch has of their squared distance to vectors drawn at random.

    Otherwise codes far from all vectors stay where they are for ever. A gradient rather than a replacement, so that
    processes that train together keep one codebook.

    Args:
        book: the codes.
        vectors: float [..., width]; get no gradient.
        ids: int64 [...], the nearest code of each.
        generator: draws one vector for every such code.
    """
    flat = vectors.detach().flatten(0, -2)
    unused = (torch.bincount(ids.flatten(), minlength=len(book.codes)) == 0).nonzero()[:, 0]
    drawn = torch.randint(len(flat), (len(unused),), generator=generator, device=generator.device)
    return (book(unused) - flat[drawn]).square().sum() / max(1, len(unused))


def perplexity(ids: Tensor, n_codes: int) -> float:
    """How many codes are in use, exp of the entropy of int64 [...]: from 1 to ``n_codes``."""
    share = torch.bincount(ids.flatten(), minlength=n_codes).float() / max(1, ids.numel())
    return float(torch.exp(-(share * share.clamp_min(1e-12).log()).sum()))
