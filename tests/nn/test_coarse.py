"""Blocks over pairs of tokens: what they keep, what they mix, and what they leave alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from wirelessfm.nn.attention import Block
from wirelessfm.nn.coarse import mean_of_pairs, through, through_in_pairs

WIDTH = 8


def tokens(n: int) -> torch.Tensor:
    return torch.randn(3, n, WIDTH, generator=torch.Generator().manual_seed(0))


class Add(nn.Module):
    """Adds one to the summary and ten to the tokens."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.cat([torch.ones(1), torch.full((x.shape[1] - 1,), 10.0)])[:, None]


@pytest.mark.parametrize("n", [2, 3, 6, 7])
def test_without_blocks_nothing_changes_and_changes_reach_both_of_a_pair(n) -> None:
    x, merge = tokens(n), mean_of_pairs(WIDTH)
    assert torch.allclose(through_in_pairs([], merge, x), x)
    found = through_in_pairs([Add(), Add()], merge, x) - x
    assert torch.allclose(found[:, 0], torch.tensor(2.0)) and torch.allclose(found[:, 1:], torch.tensor(20.0))


def test_merging_is_the_mean_at_first() -> None:
    x = tokens(5)[:, :4]
    assert torch.allclose(mean_of_pairs(WIDTH)(x.reshape(3, 2, 2 * WIDTH)), (x[:, ::2] + x[:, 1::2]) / 2, atol=1e-6)


def test_blocks_see_half_of_the_tokens_and_every_token_has_a_say() -> None:
    torch.manual_seed(0)
    block, merge, seen = Block(WIDTH, 2), mean_of_pairs(WIDTH), []
    block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    x = tokens(10).requires_grad_()
    through_in_pairs([block], merge, x)[:, 1].sum().backward()
    assert seen == [1 + 5]  # nine tokens are four pairs and one without a neighbour
    assert x.grad is not None and (x.grad.abs().sum(dim=-1) > 0).all()
    through([block], x)
    assert seen[1] == 10
