"""Masks of a grid of patches: how many, which, and what takes their place."""

from __future__ import annotations

import pytest
import torch

from wirelessfm import WirelessFMError
from wirelessfm.nn.masks import CHANNEL_MASKS, MASKS, disjoint_masks, draw_kind, draw_ratio, random_mask, replaced

SHAPE = (8, 6)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def hidden(kind: str, ratio: float, shape: tuple[int, int] = SHAPE, n_samples: int = 50) -> torch.Tensor:
    """Boolean [sample, row, column]; fails unless the two parts are all tokens."""
    visible, masked = MASKS[kind](n_samples, shape, ratio, rng())
    both = torch.cat([visible, masked], dim=1).sort(dim=1).values
    assert torch.equal(both, torch.arange(shape[0] * shape[1]).expand(n_samples, -1))
    grid = torch.zeros(n_samples, shape[0] * shape[1], dtype=torch.bool)
    return grid.scatter(1, masked, True).view(n_samples, *shape)


@pytest.mark.parametrize(
    ("kind", "ratio", "count"),
    [("random", 0.5, 24), ("angle", 0.25, 2 * 6), ("angle", 0.99, 7 * 6), ("delay", 0.5, 3 * 8), ("block", 0.25, 12)],
)
def test_masks_have_the_counts_asked_for_and_differ_between_samples(kind, ratio, count) -> None:
    found = hidden(kind, ratio)
    assert (found.sum(dim=(1, 2)) == count).all() and not (found == found[:1]).all()


def test_angle_and_delay_masks_hide_whole_rows_and_columns() -> None:
    angle, delay = hidden("angle", 0.4), hidden("delay", 0.4)
    assert torch.equal(angle, angle.all(dim=2, keepdim=True).expand_as(angle))
    assert torch.equal(delay, delay.all(dim=1, keepdim=True).expand_as(delay))


def test_a_block_is_one_rectangle_that_may_go_over_the_edge() -> None:
    found = hidden("block", 0.25)
    rows, columns = found.any(dim=2), found.any(dim=1)
    assert torch.equal(found, rows[:, :, None] & columns[:, None])
    for line in (rows, columns):
        assert ((line & ~line.roll(1, 1)).sum(dim=1) == 1).all()
    assert (found[:, 0] & found[:, -1]).any()


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("ratio", [0.01, 0.5, 0.99])
def test_something_is_hidden_and_something_left(kind, ratio) -> None:
    shapes = [(2, 2), (7, 3), *([(2, 1), (5, 1)] if kind != "delay" else []), *([(1, 4)] if kind != "angle" else [])]
    for shape in shapes:
        share = hidden(kind, ratio, shape).float().mean(dim=(1, 2))
        assert (share > 0).all() and (share < 1).all()


def test_disjoint_masks_share_nothing() -> None:
    first, second = disjoint_masks(20, 9, 0.6, rng())
    assert first.shape == second.shape == (20, 4)
    assert all(not set(a.tolist()) & set(b.tolist()) for a, b in zip(first, second, strict=True))
    with pytest.raises(WirelessFMError, match="at least half"):
        disjoint_masks(20, 9, 0.3, rng())


def test_a_mixture_draws_every_kind_and_every_ratio_and_one_kind_draws_nothing() -> None:
    generator = rng()
    kinds = [draw_kind(("angle", "delay", "angle"), MASKS, generator) for _ in range(600)]
    ratios = [draw_ratio((0.3, 0.6), generator) for _ in range(600)]
    assert set(kinds) == {"angle", "delay"} and 350 < kinds.count("angle") < 450
    assert 0.3 <= min(ratios) < 0.31 and 0.59 < max(ratios) <= 0.6
    untouched = rng()
    assert draw_kind(["random"], MASKS, untouched) == "random" and draw_ratio(0.5, untouched) == 0.5
    assert torch.equal(untouched.get_state(), rng().get_state())


def test_impossible_masks_are_refused() -> None:
    with pytest.raises(WirelessFMError, match=r"unknown mask 'dealy'\. Did you mean 'delay'"):
        draw_kind(["random", "dealy"], MASKS, rng())
    with pytest.raises(WirelessFMError, match="at least one kind of mask out of antenna, frequency; found none"):
        draw_kind([], CHANNEL_MASKS, rng())
    with pytest.raises(WirelessFMError, match=r"2 columns \(delays or subcarriers\), found 0\.5 of 1"):
        CHANNEL_MASKS["frequency"](2, (64, 1), 0.5, rng())


def test_replacement_is_80_10_10_and_leaves_the_rest() -> None:
    patches = torch.arange(1.0, 401)[:, None, None].expand(400, 20, 4)
    _, masked = random_mask(400, 20, 0.5, rng())
    altered = replaced(patches, masked, rng(1))
    change = (altered != patches).any(dim=2)
    assert set(change.nonzero()[:, 1].tolist()) == set(range(20)) and int(change.sum(dim=1).max()) <= 10
    assert not change.scatter(1, masked, False).any()
    chosen = altered.gather(1, masked[..., None].expand(-1, -1, 4))
    own = torch.arange(1.0, 401)[:, None, None]
    shares = [(chosen == value).all(-1).float().mean() for value in (0 * own, own.roll(1, 0), own)]
    assert [float(s) for s in shares] == pytest.approx([0.8, 0.1, 0.1], abs=0.02)
