"""The fast attention and dropout against their textbook definitions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from wirelessfm.nn import exponential_attention
from wirelessfm.nn.published_attention import Dropout, SelfAttention


def textbook(layer: SelfAttention, x: Tensor, queries: Tensor) -> Tensor:
    inner = layer.heads * layer.head_dim
    weights, biases = layer.qkv.weight.split(inner), layer.qkv.bias.split(inner)
    parts = [t @ w.T + b for t, w, b in zip((queries, x, x), weights, biases, strict=True)]
    q, k, v = (p.unflatten(-1, (layer.heads, layer.head_dim)).transpose(1, 2) for p in parts)
    mixed = (q @ k.transpose(-1, -2) / layer.head_dim**0.5).softmax(-1) @ v
    return layer.out(mixed.transpose(1, 2).flatten(2))


@pytest.mark.parametrize(("heads", "dim"), [(12, 5), (8, 16), (3, 7)])
@pytest.mark.parametrize("amp", [False, True])
def test_values_and_gradients_are_the_textbook_ones(heads: int, dim: int, amp: bool) -> None:
    torch.manual_seed(0)
    layer, x = SelfAttention(24, heads, dim), torch.randn(3, 17, 24)
    expected = textbook(layer, x, x)
    expected.square().sum().backward()
    slow = layer.qkv.weight.grad
    layer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16, enabled=amp):
        found = layer(x)
    found.float().square().sum().backward()
    tolerance = 0.02 if amp else 1e-5
    assert (found - expected).norm() <= tolerance * expected.norm()
    assert (layer.qkv.weight.grad - slow).norm() <= 2 * tolerance * slow.norm()


@pytest.mark.parametrize("amp", [False, True])
def test_queries_give_the_rows_that_are_read(amp: bool) -> None:
    torch.manual_seed(0)
    layer, x = SelfAttention(16, 4), torch.randn(2, 9, 16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=amp):
        assert torch.allclose(layer(x, x[:, 3:5]), layer(x)[:, 3:5], atol=2e-2 if amp else 1e-6)


def test_large_scores_do_not_overflow_in_bfloat16() -> None:
    torch.manual_seed(0)
    layer, x = SelfAttention(16, 4), torch.randn(2, 9, 16)
    layer.qkv.weight.data[:32] *= 40
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = layer(x)
    assert torch.isfinite(found).all()
    assert (found - textbook(layer, x, x)).norm() < 0.2 * found.norm()


def test_both_ways_of_normalising_agree_near_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer, x = SelfAttention(16, 4), torch.randn(2, 9, 16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        quick = layer(x)
        monkeypatch.setattr(exponential_attention, "SAFE_SCORE", 0.0)
        slow = layer(x)
    assert not torch.equal(quick, slow) and (quick - slow).norm() < 0.02 * slow.norm()


def test_scores_in_several_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer, x = SelfAttention(16, 4), torch.randn(5, 9, 16)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        whole = layer(x)
        monkeypatch.setattr(exponential_attention, "SCORES_IN_CACHE", 3 * 81)
        assert torch.allclose(layer(x), whole, atol=1e-2)


def test_weight_dropout_acts_in_training_only() -> None:
    torch.manual_seed(0)
    layer, x = SelfAttention(16, 2, weight_dropout=0.5), torch.randn(2, 9, 16)
    for amp in (False, True):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=amp):
            assert not torch.equal(layer.train()(x), layer(x))
            assert torch.equal(layer.eval()(x), layer(x))


def test_dropout_has_the_right_rate_and_mean() -> None:
    torch.manual_seed(0)
    layer, x = Dropout(0.1).train(), torch.ones(1001, 999)
    dropped = layer(x)
    assert abs(float((dropped == 0).float().mean()) - 0.1) < 2e-3
    assert abs(float(dropped.mean()) - 1) < 2e-3
    assert float(dropped.max()) == pytest.approx(1 / 0.9)
    # Four decisions share one random number: neighbours must still be independent.
    zero = (dropped.flatten() == 0).float()
    assert all(abs(float((zero[k:] * zero[:-k]).mean()) - 0.01) < 1e-3 for k in (1, 2, 3))
    assert layer.eval()(x) is x
