from itertools import pairwise

import numpy as np
import pytest
import torch

from wirelessfm.data.splits import group_split, ordered_split, spatial_split
from wirelessfm.errors import WirelessFMError


def positions(n=2000, seed=0, area=300.0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(n, 3, generator=generator) - 0.5) * area


def blocks(position, block_m):
    return set(map(tuple, np.floor(position[:, :2].numpy() / block_m).astype(int)))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_block_is_on_both_sides_and_nothing_is_lost(seed):
    position = positions()
    split = spatial_split(position, seed)
    assert not blocks(position[split.train], 20) & blocks(position[split.test], 20)
    assert sorted(torch.cat([split.train, split.test]).tolist()) == list(range(len(position)))
    assert len(split.test) / len(position) == pytest.approx(0.3, abs=0.03)


def test_base_stations_share_the_sides_of_a_block():
    position = positions(500)
    both = torch.cat([position, position])
    split = spatial_split(both, seed=3)
    tested = torch.zeros(1000, dtype=torch.bool)
    tested[split.test] = True
    assert torch.equal(tested[:500], tested[500:])


def test_seeds_differ_and_repeat():
    position = positions()
    first, again, other = (spatial_split(position, seed) for seed in (0, 0, 1))
    assert first.fingerprint == again.fingerprint and torch.equal(first.train, again.train)
    assert first.fingerprint != other.fingerprint
    assert first.fingerprint != spatial_split(position, 0, content=["other paths"]).fingerprint
    assert first.fingerprint != spatial_split(position + 1e-2, 0).fingerprint


def test_label_budgets_are_nested_and_never_empty():
    split = spatial_split(positions(), 0)
    chosen = [set(split.labelled(b).tolist()) for b in (1e-6, 0.01, 0.05, 0.1, 1)]
    assert len(chosen[0]) == 1 and len(chosen[-1]) == len(split.train)
    assert all(small < large for small, large in pairwise(chosen))


def test_a_budget_above_one_is_a_number_of_labels():
    split = spatial_split(positions(), 0)
    assert torch.equal(split.labelled(7), split.train[:7])
    assert torch.equal(split.labelled(len(split.train)), split.labelled(1.0))
    with pytest.raises(WirelessFMError, match=f"as many samples to train on, found {len(split.train)}"):
        split.labelled(len(split.train) + 1)


def test_labels_of_small_budgets_are_spread_over_the_area():
    position = positions()
    split = spatial_split(position, 0)
    assert position[split.labelled(0.05)].std(dim=0)[:2].min() > 0.8 * position.std(dim=0)[:2].min()


def test_two_blocks_give_one_each():
    position = torch.tensor([[1.0, 1, 0]] * 9 + [[30.0, 1, 0]])
    split = spatial_split(position, 0)
    assert len(split.train) and len(split.test)


def test_bad_input_is_explained():
    with pytest.raises(WirelessFMError, match="one square"):
        spatial_split(torch.rand(10, 3), 0)
    with pytest.raises(WirelessFMError, match="no samples"):
        spatial_split(torch.zeros(0, 3), 0)
    with pytest.raises(WirelessFMError, match="test_fraction"):
        spatial_split(positions(), 0, test_fraction=1.0)
    with pytest.raises(WirelessFMError, match="block_m"):
        spatial_split(positions(), 0, block_m=0)
    for budget in (0.0, -1, 1.5, float("nan")):
        with pytest.raises(WirelessFMError, match="fraction in"):
            spatial_split(positions(), 0).labelled(budget)


def test_whole_groups_go_to_one_side():
    group = torch.arange(100) % 7
    split = group_split(group, seed=3, test_fraction=0.3)
    assert not set(group[split.train].tolist()) & set(group[split.test].tolist())
    assert sorted([*split.train.tolist(), *split.test.tolist()]) == list(range(100))
    named = group_split(group, seed=3, tested=(2, 5))
    assert set(group[named.test].tolist()) == {2, 5} and named.fingerprint != split.fingerprint
    for bad in ((9,), tuple(range(7))):
        with pytest.raises(WirelessFMError, match="groups to test"):
            group_split(group, seed=0, tested=bad)
    with pytest.raises(WirelessFMError, match="at least two"):
        group_split(torch.zeros(4, dtype=torch.int64), seed=0)


def test_the_future_is_tested():
    times = torch.rand(200, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 60
    split = ordered_split(times, seed=0, test_fraction=0.25, gap=3.0)
    assert len(split.test) == 50
    assert float(times[split.train].max()) < float(times[split.test].min()) - 3.0
    with pytest.raises(WirelessFMError, match="smaller gap"):
        ordered_split(times, seed=0, gap=100.0)
