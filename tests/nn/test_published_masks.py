"""The published masking rules."""

from __future__ import annotations

import pytest
import torch

from wirelessfm.errors import WirelessFMError
from wirelessfm.nn import published_masks as masks


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_lwm_1_0_masks_nine_pairs() -> None:
    removed = masks.lwm_paired(50, 128, rng())
    assert removed.shape == (50, 18)
    assert torch.equal(removed[:, 9:], removed[:, :9] + 64) and int(removed[:, :9].max()) < 64
    assert all(len(set(row.tolist())) == 18 for row in removed)
    assert not torch.equal(removed[0], removed[1])


def test_lwm_1_1_has_one_pattern_that_spares_the_last_token() -> None:
    patterns = [masks.lwm_unpaired(3, 64, rng(seed)) for seed in range(200)]
    assert all(p.shape == (3, 25) and (p == p[:1]).all() and int(p.max()) < 63 for p in patterns)
    assert {int(i) for p in patterns for i in p[0]} == set(range(63))


def test_corruption_is_80_10_10_and_leaves_the_rest() -> None:
    tokens = torch.full((400, 20, 4), 7.0)
    removed = masks.shuffled(400, 20, rng())[:, :10]
    altered = masks.lwm_corrupted(tokens, removed, rng(1))
    untouched = masks.complement(removed, 20)
    assert torch.equal(masks.take(altered, untouched), masks.take(tokens, untouched))
    chosen = masks.take(altered, removed)
    constant, same = (chosen == 0.1).all(-1), (chosen == 7).all(-1)
    noise = ~constant & ~same
    shares = [float(m.float().mean()) for m in (constant, noise, same)]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.02)
    assert float(chosen[noise].min()) >= 0 and float(chosen[noise].max()) < 1
    assert torch.equal(tokens, torch.full((400, 20, 4), 7.0))


@pytest.mark.parametrize(("ratio", "kept"), [(0.6, 25), (0.9, 6)])
def test_wimae_keeps_pairs_in_shuffled_order(ratio: float, kept: int) -> None:
    visible = masks.wimae_paired(20, 128, rng(), ratio)
    assert visible.shape == (20, 2 * kept)
    assert torch.equal(visible[:, kept:], visible[:, :kept] + 64)
    assert not torch.equal(visible[0].sort().values, visible[0])


def test_wifo_triple() -> None:
    grid = (4, 3, 5)
    time, frequency = masks.wifo_time(2, grid), masks.wifo_frequency(2, grid)
    assert time[0].tolist() == list(range(30))
    assert frequency[1].tolist() == [15 * t + 5 * a + f for t in range(4) for a in range(3) for f in range(2)]
    assert masks.wifo_random(7, 60, rng()).shape == (7, 9)


@pytest.mark.parametrize("seed", range(3))
def test_complement_and_take(seed: int) -> None:
    visible = masks.wifo_random(4, 31, rng(seed), 0.4)
    both = torch.cat([visible, masks.complement(visible, 31)], dim=1)
    assert (both.sort(dim=1).values == torch.arange(31)).all()
    tokens = torch.randn(4, 31, 2)
    assert torch.equal(masks.take(tokens, visible)[2, 1], tokens[2, visible[2, 1]])


def test_a_generator_makes_masks_repeat() -> None:
    assert torch.equal(masks.wimae_paired(3, 128, rng(4)), masks.wimae_paired(3, 128, rng(4)))


def test_masks_that_remove_or_leave_nothing_are_refused() -> None:
    for draw in (
        lambda: masks.wifo_random(1, 4, rng(), 0.85),
        lambda: masks.wifo_time(1, (1, 2, 2)),
        lambda: masks.lwm_paired(1, 8, rng(), 0.15),
        lambda: masks.wimae_paired(1, 128, rng(), 0.0),
        lambda: masks.lwm_unpaired(1, 64, rng(), 1.0),
    ):
        with pytest.raises(WirelessFMError, match="must leave something visible"):
            draw()
