"""Splits that keep neighbours together, and label budgets that are nested.

Users a few metres apart have nearly the same channel. Drawn one by one, the test set would consist of near-copies
of training samples; so whole squares of ground go to one side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wirelessfm.errors import WirelessFMError


@dataclass(frozen=True)
class Split:
    """Which samples may be labelled and which are tested.

    Attributes:
        train: int64 [n_train] in random order: a label budget takes the first ones, so budgets are nested.
        test: int64 [n_test], ascending.
        fingerprint: 16 hexadecimal digits of what was split, both index sets and the order of ``train``.
    """

    train: Tensor
    test: Tensor
    fingerprint: str

    def labelled(self, budget: float) -> Tensor:
        """The samples whose labels a budget pays for: a fraction of ``train`` in (0, 1], at least 1, or their number.

        Raises:
            WirelessFMError: neither, or more labels than there are samples to train on.
        """
        check_budget(budget)
        if budget > len(self.train):
            raise WirelessFMError(
                f"a budget of {budget:g} labels needs as many samples to train on, found {len(self.train)}; "
                "ask for fewer, or for 100 %"
            )
        return self.train[: max(1, round(budget * len(self.train))) if budget <= 1 else int(budget)]


def check_budget(budget: float) -> None:
    """Refuse what is neither a fraction in (0, 1] nor a whole number of labels above 1."""
    if not (0 < budget <= 1 or (budget > 1 and float(budget).is_integer())):
        raise WirelessFMError(
            f"a label budget is a fraction in (0, 1] or a whole number of labels above 1, found {budget:g}; 1 % is 0.01"
        )


def spatial_split(
    position_m: Tensor, seed: int, block_m: float = 20.0, test_fraction: float = 0.3, content: Iterable[str] = ()
) -> Split:
    """Split by squares of ground on absolute positions.

    A square is on one side for all base stations whose users stand in it.

    Args:
        position_m: float [sample, 2 or 3].
        seed: chooses the test squares and the order of the training samples.
        block_m: side of the squares.
        test_fraction: squares are drawn until they hold this fraction of the samples; the last one drawn is
            kept if that comes closer.
        content: fingerprints of the samples, part of the fingerprint of the split.

    Raises:
        WirelessFMError: no samples, all of them in one square, values out of range.
    """
    if not block_m > 0 or not 0 < test_fraction < 1:
        raise WirelessFMError(
            f"a split needs block_m > 0 and test_fraction between 0 and 1, found {block_m:g} and {test_fraction:g}"
        )
    if len(position_m) == 0:
        raise WirelessFMError("nothing to split: found no samples")
    cells = np.floor(position_m[:, :2].detach().cpu().double().numpy() / block_m).astype(np.int64)
    blocks, block_of = np.unique(cells, axis=0, return_inverse=True)
    block_of = block_of.reshape(-1)
    if len(blocks) < 2:
        raise WirelessFMError(
            f"all {len(position_m)} samples stand in one square of {block_m:g} m, so train and test would be "
            "neighbours; use smaller blocks or a larger area"
        )
    rng = np.random.default_rng(seed)
    tested = _draw_blocks(np.bincount(block_of), test_fraction, rng)
    return _split(tested[block_of], rng, position_m, content)


def group_split(
    group: Tensor, seed: int, test_fraction: float = 0.3, tested: Sequence[int] = (), content: Iterable[str] = ()
) -> Split:
    """Split by whole groups, such as trajectories, days or scenes.

    Args:
        group: int64 [sample].
        seed: chooses the groups as in :func:`spatial_split`, and the order of the training samples.
        test_fraction: ignored when ``tested`` is given.
        tested: the groups to test, instead of a draw.
        content: fingerprints of the samples, part of the fingerprint of the split.

    Raises:
        WirelessFMError: fewer than two groups, or unknown ones to test.
    """
    values, group_of = np.unique(group.cpu().numpy(), return_inverse=True)
    if len(values) < 2:
        raise WirelessFMError(f"a split by groups needs at least two, found {len(values)} in {len(group)} samples")
    missing = sorted(set(tested) - set(values.tolist()))
    if missing or set(values.tolist()) <= set(tested):
        raise WirelessFMError(f"groups to test must be some, not all, of {values.tolist()}, found {list(tested)}")
    rng = np.random.default_rng(seed)
    chosen = np.isin(values, tested) if tested else _draw_blocks(np.bincount(group_of), test_fraction, rng)
    return _split(chosen[group_of], rng, group, content)


def ordered_split(
    time_s: Tensor, seed: int, test_fraction: float = 0.3, gap: float = 0.0, content: Iterable[str] = ()
) -> Split:
    """Train on the past, test on the future.

    Args:
        time_s: float [sample].
        seed: orders the training samples.
        test_fraction: fraction of the samples, the latest ones, that is tested.
        gap: seconds before the first test sample from which nothing is used.
        content: fingerprints of the samples, part of the fingerprint of the split.

    Raises:
        WirelessFMError: no samples on one side.
    """
    times = time_s.cpu().double().numpy()
    if len(times) < 2 or not 0 < test_fraction < 1:
        raise WirelessFMError(
            f"a split in time needs two samples and test_fraction between 0 and 1, found {len(times)} and "
            f"{test_fraction:g}"
        )
    start = np.sort(times)[min(len(times) - 1, round((1 - test_fraction) * len(times)))]
    train = np.flatnonzero(times < start - gap)
    if not len(train):
        raise WirelessFMError(f"no sample is earlier than {gap:g} s before the test; use a smaller gap")
    return _finish(train, np.flatnonzero(times >= start), np.random.default_rng(seed), time_s, content)


def given_split(train: np.ndarray, test: np.ndarray, content: Iterable[str] = ()) -> Split:
    """A split whose samples were chosen elsewhere; ``train`` stays in its order."""
    digest = hashlib.sha256("\n".join(content).encode())
    for array in (train.astype("<i8"), test.astype("<i8")):
        digest.update(np.ascontiguousarray(array).tobytes())
    return Split(torch.from_numpy(train), torch.from_numpy(test), digest.hexdigest()[:16])


def _split(is_test: np.ndarray, rng: np.random.Generator, column: Tensor, content: Iterable[str]) -> Split:
    return _finish(np.flatnonzero(~is_test), np.flatnonzero(is_test), rng, column, content)


def _finish(
    train: np.ndarray, test: np.ndarray, rng: np.random.Generator, column: Tensor, content: Iterable[str]
) -> Split:
    split = hashlib.sha256(np.ascontiguousarray(column.detach().cpu().float().numpy()).tobytes()).hexdigest()
    return given_split(rng.permutation(train), test, (*content, split))


def _draw_blocks(counts: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    order = rng.permutation(len(counts))
    reached = np.cumsum(counts[order])
    # Never none and never all blocks, however few there are.
    n = int(np.abs(reached[:-1] - fraction * counts.sum()).argmin()) + 1
    tested = np.zeros(len(counts), dtype=bool)
    tested[order[:n]] = True
    return tested
