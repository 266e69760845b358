"""Proportions, epochs, ranks and restarts of mixtures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from wirelessfm import CSI
from wirelessfm.data.mixture import Mixture, Subset
from wirelessfm.data.store import CsiStore
from wirelessfm.data.views import ViewSampler, ViewSpec
from wirelessfm.errors import WirelessFMError


def numbered(n: int, antennas: int = 2) -> CSI:
    """Sample i holds the value i."""
    values = torch.arange(n)[:, None, None].expand(n, antennas, 3).to(torch.complex64)
    return CSI(values, ("sample", "antenna", "subcarrier"), labels={"number": torch.arange(n)})


def mixture(batch_size: int = 4, seed: int = 0) -> Mixture:
    return Mixture({"a": numbered(37), "b": numbered(10, 5)}, {"a": 3.0, "b": 1.0}, batch_size, seed)


def steps_of(mix: Mixture, name: str, n: int) -> list[int]:
    found = [step for step in range(5 * n) if mix.source_name(step) == name]
    return found[:n]


def test_proportions_follow_weights() -> None:
    mix = Mixture({n: numbered(5) for n in "abc"}, {"a": 6, "b": 3, "c": 1}, 1, 7)
    steps = range(4096 - 1000, 4096 + 1000)  # across a border of the chunks that choices are drawn in
    counts = Counter(mix.source_name(step) for step in steps)
    for name, share in {"a": 0.6, "b": 0.3, "c": 0.1}.items():
        # Four standard deviations of a binomial.
        assert abs(counts[name] - 2000 * share) < 4 * (2000 * share * (1 - share)) ** 0.5


@pytest.mark.parametrize(("n", "batch_size", "world_size"), [(37, 4, 1), (37, 5, 3), (10, 4, 2), (3, 8, 2), (12, 4, 3)])
def test_every_sample_once_an_epoch_whatever_the_ranks(n: int, batch_size: int, world_size: int) -> None:
    mix = Mixture({"a": numbered(n), "b": numbered(10, 5)}, {"a": 1, "b": 1}, batch_size, 3)
    n_steps = 4 * n // (batch_size * world_size) + 1
    stream = np.concatenate(
        [mix.positions(s, r, world_size) for s in steps_of(mix, "a", n_steps) for r in range(world_size)]
    )
    epochs = [stream[start : start + n] for start in range(0, len(stream) - n + 1, n)]
    assert len(epochs) >= 2
    for epoch in epochs:
        assert sorted(epoch) == list(range(n))
    assert n <= 4 or any(not np.array_equal(epochs[0], other) for other in epochs[1:])


def test_ranks_cut_the_batch_of_one_rank() -> None:
    whole, shared = mixture(12), mixture(4)
    for step in range(30):
        parts = [shared.batch(step, rank, 3) for rank in range(3)]
        assert torch.equal(torch.cat([p.values for p in parts]), whole.batch(step).values)


def test_batches_have_one_shape_and_the_positions_they_say() -> None:
    mix = mixture()
    for step in range(40):
        batch = mix.batch(step)
        assert batch.size("antenna") == {"a": 2, "b": 5}[mix.source_name(step)]
        assert batch.labels["number"].tolist() == mix.positions(step).tolist()


def test_a_restart_at_any_step_gives_the_same_batches() -> None:
    going = mixture()
    expected = [going.batch(step, 1, 2).fingerprint() for step in range(60)]
    for start in (0, 1, 33, 59):
        fresh = mixture()
        assert [fresh.batch(step, 1, 2).fingerprint() for step in range(start, 60)] == expected[start:]
    assert going.positions(5000).tolist() == mixture().positions(5000).tolist()
    assert [mixture(seed=1).batch(step, 1, 2).fingerprint() for step in range(60)] != expected


def test_late_steps_count_all_earlier_ones() -> None:
    mix = mixture()
    earlier = sum(mix.source_name(step) == "b" for step in range(4500))
    late = next(step for step in range(4500, 4600) if mix.source_name(step) == "b")
    stream = earlier * 4
    assert (mix._choice(late)) == (1, earlier)
    epoch_mates = [s for s in range(4400, 4600) if mix.source_name(s) == "b"]
    samples = np.concatenate([mix.positions(s) for s in epoch_mates])
    skip = (-(stream - 4 * epoch_mates.index(late))) % 10
    assert sorted(samples[skip : skip + 10]) == list(range(10))


def test_stores_subsets_and_views_mix(make_paths, tmp_path: Path) -> None:
    numbered(20).save(tmp_path / "csi", shard_bytes=7 * 2 * 3 * 8)
    train = torch.arange(5, 20)
    views = ViewSampler([make_paths(20, 3)], ViewSpec(antennas=(8,), subcarriers=(6,)))
    sources = {
        "store": Subset(CsiStore(tmp_path / "csi"), train.numpy(), lambda csi: csi.normalise()),
        "views": views,
    }
    mix = Mixture(sources, {"store": 1, "views": 1}, 5, 0)
    drawn = [s for s in range(40) if mix.source_name(s) == "views"]
    assert mix.batch(drawn[0]).size("antenna") == 8
    assert mix.batch(drawn[0]).fingerprint() == mix.batch(drawn[0]).fingerprint()
    distinct = {mix.batch(s, r, 2).fingerprint() for s in drawn for r in range(2)}
    assert len(distinct) == 2 * len(drawn)
    with pytest.raises(WirelessFMError, match="has no positions"):
        mix.positions(drawn[0])
    stored = [mix.batch(s) for s in range(40) if mix.source_name(s) == "store"][:3]
    assert sorted(torch.cat([b.labels["number"] for b in stored]).tolist()) == list(range(5, 20))
    assert all([h.kind for h in b.history] == ["sample"] for b in stored)


@pytest.mark.parametrize(
    ("weights", "batch_size", "seed", "message"),
    [
        ({"a": 1.0}, 1, 0, "one weight for each"),
        ({"a": 1.0, "b": 0.0}, 1, 0, "positive"),
        ({"a": 1.0, "b": float("nan")}, 1, 0, "positive"),
        ({"a": 1.0, "b": 1.0}, 0, 0, "batch_size must be at least 1"),
        ({"a": 1.0, "b": 1.0}, 1, -1, "seed at least 0"),
    ],
)
def test_bad_mixtures(weights: dict[str, float], batch_size: int, seed: int, message: str) -> None:
    with pytest.raises(WirelessFMError, match=message):
        Mixture({"a": numbered(3), "b": numbered(3)}, weights, batch_size, seed)


def test_empty_sources_and_bad_ranks() -> None:
    with pytest.raises(WirelessFMError, match="without samples: b"):
        Mixture({"a": numbered(3), "b": numbered(3)[:0]}, {"a": 1, "b": 1}, 1, 0)
    with pytest.raises(WirelessFMError, match="rank must lie between"):
        mixture().batch(0, 2, 2)
