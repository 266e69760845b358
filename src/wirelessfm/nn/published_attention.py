"""Multi-head self-attention and dropout shared by the published encoders, arranged for speed with the same numbers.

One linear map yields queries, keys and values. In float32, and on a GPU, PyTorch's fused attention is used. In
bfloat16 on a CPU the fused kernel is the slow one: there the weights are exponentiated without the usual
subtraction of the row maximum whenever the scores are provably small, and one further value column of ones gives
their sum, so that the normalisation costs no pass over the [token, token] matrix, forwards or backwards.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

# exp(±60) and sums over thousands of tokens stay far inside the range of bfloat16 (about 1e±38).
SAFE_SCORE = 60.0
# Scores are written and read several times; about 1 MB of them stays in the cache of a core.
SCORES_IN_CACHE = 2**19
# Matrix products over fewer or odd columns fall off the vectorised path.
COLUMN_MULTIPLE = 8


class Dropout(nn.Module):
    """Dropout with the probability rounded to 1/65536, several times faster than PyTorch's on a CPU.

    Four decisions are taken from each 64-bit random number; on other devices PyTorch's own dropout is used.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Args: x: any shape. Returns: the same shape; unchanged in evaluation mode."""
        if not self.training or self.probability == 0:
            return x
        if x.device.type != "cpu":
            return functional.dropout(x, self.probability)
        words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        threshold = round(self.probability * 2**16) - 2**15
        # Zeros and ones of the same integer type: the vectorised path, unlike booleans.
        kept = words.view(torch.int16)[: x.numel()].view(x.shape).ge_(threshold)
        factor = torch.tensor(1 / (1 - self.probability), dtype=x.dtype)
        if x.dtype == torch.bfloat16:
            return x * kept.mul_(factor.view(torch.int16)).view(torch.bfloat16)
        return x * kept.to(x.dtype).mul_(factor)


class SelfAttention(nn.Module):
    """Multi-head self-attention with biases, without masks.

    Args:
        width: features per token.
        heads: number of heads.
        head_dim: features per head; ``width // heads`` when None. heads * head_dim may differ from width.
        weight_dropout: dropout on the attention weights, in training.
    """

    def __init__(self, width: int, heads: int, head_dim: int | None = None, weight_dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.head_dim = head_dim or width // heads
        inner = heads * self.head_dim
        self.qkv = nn.Linear(width, 3 * inner)
        self.out = nn.Linear(inner, width)
        self.weight_dropout = Dropout(weight_dropout)
        columns = -(-(self.head_dim + 1) // COLUMN_MULTIPLE) * COLUMN_MULTIPLE
        ones = torch.zeros(3, heads, columns)
        ones[2, :, self.head_dim] = 1
        self.register_buffer("ones", ones, persistent=False)
        self.ones: Tensor

    def forward(self, x: Tensor, queries: Tensor | None = None) -> Tensor:
        """Attend from ``queries`` (``x`` when None) to ``x``.

        Args:
            x: float [sample, token, width].
            queries: float [sample, query, width], for a last layer that is read at few tokens.

        Returns:
            float [sample, query, width].
        """
        # Autocast decides the precision inside the linear maps, so it is asked of and not read from x.
        amp = torch.is_autocast_enabled(x.device.type)
        dtype = torch.get_autocast_dtype(x.device.type) if amp else x.dtype
        slow_kernel = torch.is_grad_enabled() or self.head_dim < COLUMN_MULTIPLE
        if x.device.type == "cpu" and dtype == torch.bfloat16 and slow_kernel:
            return self._explicit(x, queries)
        return self.out(self._fused(x, queries))

    def _fused(self, x: Tensor, queries: Tensor | None) -> Tensor:
        inner = self.heads * self.head_dim
        if queries is None:
            parts = self.qkv(x).split(inner, dim=-1)
        else:
            q = functional.linear(queries, self.qkv.weight[:inner], self.qkv.bias[:inner])
            joint = functional.linear(x, self.qkv.weight[inner:], self.qkv.bias[inner:])
            parts = (q, *joint.split(inner, dim=-1))
        q, k, v = (part.unflatten(-1, (self.heads, self.head_dim)).transpose(1, 2) for part in parts)
        if self.training and self.weight_dropout.probability:
            weights = (q @ k.transpose(-1, -2)).mul(self.head_dim**-0.5).softmax(-1)
            mixed = self.weight_dropout(weights) @ v
        else:
            mixed = functional.scaled_dot_product_attention(q, k, v)
        return mixed.transpose(1, 2).flatten(2)

    def _explicit(self, x: Tensor, queries: Tensor | None) -> Tensor:
        q, k, v = self._columns(x, queries)
        safe = self.head_dim * _largest(q) * _largest(k) < SAFE_SCORE
        mixed: Tensor = ExponentialAttention.apply(q, k, v, self.head_dim, safe)
        rows = mixed.unflatten(0, (self.heads, len(x))).transpose(1, 2).flatten(0, 1).flatten(1).T
        spare = self.ones.shape[-1] - self.head_dim
        weight = functional.pad(self.out.weight.unflatten(1, (self.heads, self.head_dim)), (0, spare)).flatten(1)
        return functional.linear(rows, weight, self.out.bias).unflatten(0, (len(x), -1))

    def _columns(self, x: Tensor, queries: Tensor | None) -> list[Tensor]:
        """Queries, keys and values of every head, each [head · sample, column, token]."""
        weight, bias = self._widened()
        projected: list[Tensor] = []
        for tokens, chosen in ((x, slice(0, 3)),) if queries is None else ((queries, slice(0, 1)), (x, slice(1, 3))):
            rows = weight[chosen]
            joint = torch.addmm(bias[chosen].flatten()[:, None], rows.flatten(0, 2), tokens.flatten(0, 1).T)
            columns = joint.view(*rows.shape[:3], *tokens.shape[:2]).transpose(2, 3)
            projected += columns.flatten(1, 2).unbind(0)
        return projected

    def _widened(self) -> tuple[Tensor, Tensor]:
        """The joint projection, [part, head, column, width] and [part, head, column].

        The scale is folded into the queries; the columns are padded, with a bias of one for the values.
        """
        spare = self.ones.shape[-1] - self.head_dim
        weight = self.qkv.weight.view(3, self.heads, self.head_dim, -1)
        bias = self.qkv.bias.view(3, self.heads, self.head_dim)
        scale = torch.tensor([self.head_dim**-0.5, 1, 1], dtype=weight.dtype).view(3, 1, 1)
        weight = functional.pad(weight * scale[..., None], (0, 0, 0, spare))
        return weight, functional.pad(bias * scale, (0, spare)) + self.ones


class ExponentialAttention(torch.autograd.Function):
    """values · exp(keysᵀ queries), divided by the sum of the exponentials."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, ones: int, safe: bool) -> Tensor:
        mixed, kept = torch.empty_like(q), []
        step = _step(q, k)
        for some_q, some_k, some_v, some in zip(*(t.split(step) for t in (q, k, v, mixed)), strict=True):
            # Keys along rows, queries along columns.
            weights = torch.bmm(some_k.transpose(1, 2), some_q)
            weights = (weights if safe else weights.sub_(weights.amax(1, keepdim=True))).exp_()
            torch.bmm(some_v, weights, out=some)
            if any(ctx.needs_input_grad):
                kept.append(weights)
        total = mixed[:, ones, None].clone()
        mixed /= total
        ctx.ones = ones
        ctx.save_for_backward(q, k, v, mixed, total, *kept)
        return mixed

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, mixed, total, *kept = ctx.saved_tensors
        grad = grad / total
        grad[:, ctx.ones] = -(grad * mixed).sum(1)
        grads = [torch.empty_like(t) for t in (q, k, v)]
        pieces = zip(kept, *(t.split(_step(q, k)) for t in (q, k, v, grad, *grads)), strict=True)
        for weights, some_q, some_k, some_v, some_grad, dq, dk, dv in pieces:
            torch.bmm(some_grad, weights.transpose(1, 2), out=dv)
            scores = torch.bmm(some_v.transpose(1, 2), some_grad).mul_(weights)
            torch.bmm(some_k, scores, out=dq)
            torch.bmm(some_q, scores.transpose(1, 2), out=dk)
        return *grads, None, None


def _step(q: Tensor, k: Tensor) -> int:
    """Heads at a time whose scores stay in the cache."""
    return max(1, SCORES_IN_CACHE // (q.shape[-1] * k.shape[-1]))


def _largest(x: Tensor) -> float:
    low, high = x.detach().aminmax()
    return max(-float(low), float(high))
