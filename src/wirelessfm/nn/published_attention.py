"""Multi-head self-attention and dropout shared by the published encoders, arranged for speed with the same numbers.

One linear map yields queries, keys and values. In float32, and on a GPU, PyTorch's fused attention is used. In
bfloat16 on a CPU the fused kernel is the slow one: there the weights are exponentiated without the usual
subtraction of the row maximum whenever the scores are provably small, and one further value column of ones gives
their sum, so that the normalisation costs no pass over the [token, token] matrix, forwards or backwards.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

# exp(±60) and sums over thousands of tokens stay far inside the range of bfloat16 (about 1e±38).
SAFE_SCORE = 60.0
# Scores are written and read several times; about 2 MB of them stay in the cache of a core.
SCORES_IN_CACHE = 2**20
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
        kept = words.view(torch.int16)[: x.numel()].view(x.shape) >= threshold
        return x * kept.to(x.dtype).mul_(1 / (1 - self.probability))


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
        if x.device.type == "cpu" and dtype == torch.bfloat16:
            mixed = self._explicit(x, queries)
        else:
            mixed = self._fused(x, queries)
        return self.out(mixed)

    def _fused(self, x: Tensor, queries: Tensor | None) -> Tensor:
        q, k, v = self._project(x, queries, self.qkv.weight, self.qkv.bias)
        if self.training and self.weight_dropout.probability:
            weights = (q @ k.transpose(-1, -2)).mul(self.head_dim**-0.5).softmax(-1)
            mixed = self.weight_dropout(weights) @ v
        else:
            mixed = functional.scaled_dot_product_attention(q, k, v)
        return mixed.transpose(1, 2).flatten(2)

    def _explicit(self, x: Tensor, queries: Tensor | None) -> Tensor:
        q, k, v = (part.flatten(0, 1) for part in self._project(x, queries, *self._widened()))
        safe = self.head_dim * _largest(q) * _largest(k) < SAFE_SCORE
        dropping = self.training and self.weight_dropout.probability > 0
        step = max(1, SCORES_IN_CACHE // (q.shape[1] * k.shape[1]))
        parts = []
        for some_q, some_k, some_v in zip(q.split(step), k.split(step), v.split(step), strict=True):
            scores = torch.bmm(some_q, some_k.transpose(1, 2))
            if dropping or not safe:
                parts.append(torch.bmm(self.weight_dropout(scores.softmax(-1)), some_v)[..., : self.head_dim])
            else:
                summed = torch.bmm(scores.exp_(), some_v)
                parts.append(summed[..., : self.head_dim] / summed[..., self.head_dim, None])
        return torch.cat(parts).unflatten(0, (-1, self.heads)).transpose(1, 2).flatten(2)

    def _widened(self) -> tuple[Tensor, Tensor]:
        """The joint projection with the scale folded into the queries and the columns padded, ones for the values."""
        spare = self.ones.shape[-1] - self.head_dim
        weight = self.qkv.weight.view(3, self.heads, self.head_dim, -1)
        bias = self.qkv.bias.view(3, self.heads, self.head_dim)
        scale = torch.tensor([self.head_dim**-0.5, 1, 1], dtype=weight.dtype).view(3, 1, 1)
        weight = functional.pad(weight * scale[..., None], (0, 0, 0, spare))
        bias = functional.pad(bias * scale, (0, spare)) + self.ones
        return weight.flatten(0, 2), bias.flatten()

    def _project(self, x: Tensor, queries: Tensor | None, weight: Tensor, bias: Tensor) -> list[Tensor]:
        """Queries, keys and values, each [sample, head, token, column]."""
        if queries is None:
            joint = functional.linear(x, weight, bias).unflatten(-1, (3, self.heads, -1))
            return list(joint.permute(2, 0, 3, 1, 4).unbind(0))
        third = weight.shape[0] // 3
        q = functional.linear(queries, weight[:third], bias[:third]).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        joint = functional.linear(x, weight[third:], bias[third:]).unflatten(-1, (2, self.heads, -1))
        return [q, *joint.permute(2, 0, 3, 1, 4).unbind(0)]


def _largest(x: Tensor) -> float:
    low, high = x.detach().aminmax()
    return max(-float(low), float(high))
