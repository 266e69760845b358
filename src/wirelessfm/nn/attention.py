"""The pre-norm transformer block every model of our own uses."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn


def attend(query: Tensor, key: Tensor, value: Tensor, causal: bool = False) -> Tensor:
    """Softmax attention over [batch, head, token, width]; ``causal``: to a token and those before it only.

    On the CPU a plain product, softmax and product under bf16 autocast trains 2–3 times faster than the fused
    kernel, whose backward pass there is thousands of small products; elsewhere the fused kernel is used.
    """
    if query.device.type != "cpu":
        return nn.functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
    if causal:
        later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(later, -torch.inf)
    return scores.softmax(dim=-1).to(value.dtype) @ value


class Attention(nn.Module):
    """Multi-head self-attention, float [batch, token, width] to the same."""

    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, causal: bool = False) -> Tensor:
        """Every token attends to every token, or to those before it."""
        query, key, value = rearrange(self.qkv(tokens), "b n (c h d) -> c b h n d", c=3, h=self.n_heads)
        return self.out(rearrange(attend(query, key, value, causal), "b h n d -> b n (h d)"))


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, width: int, n_heads: int, mlp_ratio: float = 2.0) -> None:
        super().__init__()
        hidden = int(width * mlp_ratio)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, n_heads)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, tokens: Tensor, causal: bool = False) -> Tensor:
        """Float [batch, token, width] to the same."""
        tokens = tokens + self.attention(self.norm1(tokens), causal)
        return tokens + self.mlp(self.norm2(tokens))


def take_tokens(tokens: Tensor, index: Tensor) -> Tensor:
    """Select tokens: [batch, token, width] and int64 [batch, kept] to [batch, kept, width]."""
    return torch.gather(tokens, 1, index[..., None].expand(-1, -1, tokens.shape[-1]))
