"""The written-out attention, forwards and backwards, in the precisions in which its formulas can be checked."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from wirelessfm.nn import exponential_attention
from wirelessfm.nn.exponential_attention import ExponentialAttention

HEADS, DIM, SAMPLES, QUERIES, TOKENS = 3, 5, 2, 4, 6


def attend(q: Tensor, kv: Tensor) -> Tensor:
    attended: Tensor = ExponentialAttention.apply(q, kv, HEADS, SAMPLES)
    return attended


def textbook(q: Tensor, kv: Tensor) -> Tensor:
    q, k, v = (t.view(HEADS, DIM, SAMPLES, -1).permute(0, 2, 3, 1) for t in (q, *kv.chunk(2)))
    mixed = (q @ k.transpose(-1, -2) / DIM**0.5).softmax(-1) @ v
    return mixed.permute(0, 3, 1, 2).reshape(HEADS * DIM, -1)


def draw(dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(HEADS * DIM, SAMPLES * QUERIES, dtype=dtype, generator=generator)
    kv = torch.randn(2 * HEADS * DIM, SAMPLES * TOKENS, dtype=dtype, generator=generator)
    return q.requires_grad_(), kv.requires_grad_()


@pytest.fixture(params=[(60.0, 2**20), (0.0, 2**20), (60.0, 2 * QUERIES * TOKENS)], ids=["safe", "maximum", "pieces"])
def variant(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small scores, scores from which the maximum is taken, and several pieces of which the last is not full."""
    monkeypatch.setattr(exponential_attention, "SAFE_SCORE", request.param[0])
    monkeypatch.setattr(exponential_attention, "SCORES_IN_CACHE", request.param[1])


@pytest.mark.usefixtures("variant")
def test_gradients_are_those_of_finite_differences() -> None:
    torch.autograd.gradcheck(attend, draw(torch.float64))


@pytest.mark.usefixtures("variant")
def test_values_and_gradients_are_those_of_the_textbook() -> None:
    inputs = draw(torch.float32)
    expected, found = textbook(*inputs), attend(*inputs)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
    upstream = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    slow, fast = (torch.autograd.grad(y, inputs, upstream) for y in (expected, found))
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-6)


def test_nothing_is_kept_when_no_gradient_is_asked_for() -> None:
    with torch.no_grad():
        assert attend(*draw(torch.float32)).grad_fn is None
