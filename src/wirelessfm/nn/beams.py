"""Numbers for every direction: on one grid of beams, as Fourier coefficients, and neighbours side by side."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def on_beam_grid(logits: Tensor, directions: Tensor, n_beams: int) -> Tensor:
    """Log power in given directions to the beams that look at the cosines −1 + 2b/n_beams along y.

    Args:
        logits: float32 [sample, direction].
        directions: float32 [direction, 2], cosines along y and z.
        n_beams: if the directions are these beams, nothing is changed.

    Returns:
        float32 [sample, n_beams]: power is gathered at the nearest of the beams, between which it is interpolated.
    """
    cosine = directions[:, 0]
    if len(cosine) == n_beams and not directions[:, 1].any():
        return logits
    beams = -1 + 2 * torch.arange(n_beams, device=cosine.device) / n_beams
    away = (beams[:, None] - cosine + 1).remainder(2) - 1
    width = 2 / max(2, len(cosine.unique()))
    near = (1 - away.abs() / max(width, 2 / n_beams)).clamp_min(0)
    shares = logits.softmax(dim=1) @ near.T
    return (shares + 1e-6).log()


def beam_harmonics(logits: Tensor) -> Tensor:
    """Fourier coefficients 1 … 31 of the squared softmax of logits over beams: float [sample, 62].

    Those of the powers themselves would be an antenna autocorrelation; squared, the strongest direction stands out. A
    linear head can read a beam from them as well as from the shares of 64 beams, most of which are nearly always zero,
    and which standardisation would blow up.
    """
    beams = logits.shape[1]
    angle = 2 * math.pi / beams * torch.arange(beams, device=logits.device)[:, None]
    turns = angle * torch.arange(1, beams // 2, device=logits.device)
    share = (2 * logits.float()).softmax(dim=1)
    return torch.cat([share @ turns.cos(), share @ turns.sin()], dim=1)


def mirrored_beams(logits: Tensor) -> Tensor:
    """Float [sample, beam] of the cosines −1 + 2b/beams, left and right exchanged; −1 and +1 are the same beam."""
    return logits.flip(1).roll(1, dims=1)


def side_by_side(parts: Tensor, group: int) -> Tensor:
    """Neighbours side by side: [..., direction, d] to [..., ceil(direction / group), group · d], the last repeated."""
    missing = -parts.shape[-2] % group
    parts = torch.cat([parts, parts[..., -1:, :].expand(*parts.shape[:-2], missing, -1)], dim=-2)
    return parts.unflatten(-2, (-1, group)).flatten(-2)
