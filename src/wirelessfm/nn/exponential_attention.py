"""Attention in bfloat16 on a CPU, where PyTorch's fused kernel is the slow one, with a backward pass written out.

The weights are exponentiated without the usual subtraction of the row maximum whenever the scores are provably small,
and one further value column of ones gives their sum, so that the normalisation costs no pass over the [token, token]
matrix, forwards or backwards.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# exp(±60) and sums over thousands of tokens stay far inside the range of bfloat16 (about 1e±38).
SAFE_SCORE = 60.0
# Scores are written and read several times; about 1.5 MB of them stays in the cache of a core.
SCORES_IN_CACHE = 3 * 2**18
# Matrix products over fewer or odd columns fall off the vectorised path.
COLUMN_MULTIPLE = 8


class ExponentialAttention(torch.autograd.Function):
    """Softmax attention without masks and without dropout; features along rows, tokens along columns."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, kv: Tensor, heads: int, samples: int) -> Tensor:
        """Attend.

        Args:
            ctx: of autograd.
            q: [head · feature, sample · query].
            kv: [2 · head · feature, sample · token], keys and then values.
            heads: number of heads.
            samples: number of samples.

        Returns:
            as ``q``.
        """
        dim = len(q) // heads
        q_columns, k, v = (_columns(part, heads, samples) for part in (q, *kv.chunk(2)))
        q_columns *= dim**-0.5
        v[:, dim] = 1
        safe = dim * _largest(q_columns) * _largest(k) < SAFE_SCORE
        mixed, kept, step = torch.empty_like(q_columns), [], _step(q_columns, k)
        for some_q, some_k, some_v, out in zip(*(t.split(step) for t in (q_columns, k, v, mixed)), strict=True):
            # Keys along rows, queries along columns: every product is then of a shape that is fast.
            weights = torch.bmm(some_k.transpose(1, 2), some_q)
            weights = (weights if safe else weights.sub_(weights.amax(1, keepdim=True))).exp_()
            torch.bmm(some_v, weights, out=out)
            if any(ctx.needs_input_grad):
                kept.append(weights)
        total = mixed[:, dim, None].clone()
        mixed /= total
        ctx.heads, ctx.samples = heads, samples
        ctx.save_for_backward(q_columns, k, v, mixed, total, *kept)
        return _rows(mixed, heads, dim)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of ``q`` and ``kv``.

        With P = exp(scores) and Z its sum over keys: dV = dO/Z · Pᵀ and dS = P ∘ (Vᵀ dO - Σ dO ∘ O) / Z, whose
        second term comes out of the same product through the column of ones.
        """
        q, k, v, mixed, total, *kept = ctx.saved_tensors
        dim = len(grad) // ctx.heads
        grad = _columns(grad, ctx.heads, ctx.samples).div_(total)
        grad[:, dim] = -(grad * mixed).sum(1)
        dq, dk, dv = (torch.empty_like(t) for t in (q, k, v))
        pieces = zip(kept, *(t.split(_step(q, k)) for t in (q, k, v, grad, dq, dk, dv)), strict=True)
        for weights, some_q, some_k, some_v, some_grad, out_q, out_k, out_v in pieces:
            torch.bmm(some_grad, weights.transpose(1, 2), out=out_v)
            scores = torch.bmm(some_v.transpose(1, 2), some_grad).mul_(weights)
            torch.bmm(some_k, scores, out=out_q)
            torch.bmm(some_q, scores.transpose(1, 2), out=out_k)
        dq, dk, dv = (_rows(t, ctx.heads, dim) for t in (dq, dk, dv))
        return dq.mul_(dim**-0.5), torch.cat([dk, dv]), None, None


def _columns(x: Tensor, heads: int, samples: int) -> Tensor:
    """[head · feature, sample · token] to [head · sample, column, token], with columns of zeros appended."""
    x = x.view(heads, len(x) // heads, samples, -1).transpose(1, 2)
    columns = -(-(x.shape[2] + 1) // COLUMN_MULTIPLE) * COLUMN_MULTIPLE
    padded = x.new_zeros(heads, samples, columns, x.shape[3])
    padded[:, :, : x.shape[2]] = x
    return padded.flatten(0, 1)


def _rows(x: Tensor, heads: int, dim: int) -> Tensor:
    """The way back, without the columns appended."""
    return x[:, :dim].unflatten(0, (heads, -1)).transpose(1, 2).reshape(heads * dim, -1)


def _step(q: Tensor, k: Tensor) -> int:
    """Heads at a time whose scores stay in the cache."""
    return max(1, SCORES_IN_CACHE // (q.shape[-1] * k.shape[-1]))


def _largest(x: Tensor) -> float:
    low, high = x.aminmax()
    return max(-float(low), float(high))
