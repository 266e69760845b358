"""Multi-head self-attention and dropout shared by the published encoders, arranged for speed with the same numbers.

One linear map yields queries, keys and values. In float32, and on a GPU, PyTorch's fused attention is used; in
bfloat16 on a CPU, :class:`~wirelessfm.nn.exponential_attention.ExponentialAttention`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from wirelessfm.nn.exponential_attention import COLUMN_MULTIPLE, ExponentialAttention


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
        return x * self.factors(x)

    def factors(self, x: Tensor) -> Tensor:
        """0 or 1 / (1 - probability) for every element of ``x``, in its type; for tensors on a CPU."""
        words = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None)
        threshold = round(self.probability * 2**16) - 2**15
        # Zeros and ones of the same integer type, the vectorised path; booleans are not.
        kept = words.view(torch.int16)[: x.numel()].view(x.shape).ge_(threshold)
        factor = torch.tensor(1 / (1 - self.probability), dtype=x.dtype)
        if x.dtype == torch.bfloat16:
            return kept.mul_(factor.view(torch.int16)).view(torch.bfloat16)
        return kept.to(x.dtype).mul_(factor)


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
        dropping = self.training and self.weight_dropout.probability > 0
        slow_kernel = torch.is_grad_enabled() or self.head_dim < COLUMN_MULTIPLE
        if x.device.type == "cpu" and dtype == torch.bfloat16 and slow_kernel and not dropping:
            return self._explicit(x, x if queries is None else queries, dtype)
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

    def _explicit(self, x: Tensor, queries: Tensor, dtype: torch.dtype) -> Tensor:
        inner = self.heads * self.head_dim
        weights, biases = (t.tensor_split([inner]) for t in (self.qkv.weight, self.qkv.bias))
        # Features along rows: products and sums for the gradients are faster so.
        rows = (t.to(dtype).flatten(0, 1).T for t in (queries, x))
        q, kv = (torch.addmm(b[:, None], w, r) for w, b, r in zip(weights, biases, rows, strict=True))
        mixed: Tensor = ExponentialAttention.apply(q, kv, self.heads, len(x))
        return self.out(mixed.T).view(*queries.shape)
