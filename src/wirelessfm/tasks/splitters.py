"""How the samples of a task are parted: small frozen rules, so that a split says what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from wirelessfm.data.splits import Split, group_split, ordered_split, spatial_split
from wirelessfm.errors import WirelessFMError
from wirelessfm.tasks.truth import Truth


class Splitter(Protocol):
    """Truth and seed to a split."""

    def __call__(self, truth: Truth, seed: int, content: Sequence[str]) -> Split:
        """The split; ``content`` are fingerprints of what is split."""


@dataclass(frozen=True)
class SpatialBlocks:
    """Squares of ground go to one side; the seed chooses which."""

    block_m: float = 20.0
    test_fraction: float = 0.3

    def __call__(self, truth: Truth, seed: int, content: Sequence[str]) -> Split:
        """See :func:`wirelessfm.data.splits.spatial_split`."""
        return spatial_split(_needed(truth.position_m, "positions"), seed, self.block_m, self.test_fraction, content)


@dataclass(frozen=True)
class WholeGroups:
    """Groups (trajectories, days, base stations) go to one side; the seed chooses which, or ``tested`` names them."""

    test_fraction: float = 0.3
    tested: tuple[int, ...] = ()

    def __call__(self, truth: Truth, seed: int, content: Sequence[str]) -> Split:
        """See :func:`wirelessfm.data.splits.group_split`."""
        return group_split(_needed(truth.group, "groups"), seed, self.test_fraction, self.tested, content)


@dataclass(frozen=True)
class TimeOrder:
    """The first samples are labelled, the last are tested; the seed only orders the training samples."""

    test_fraction: float = 0.3
    gap: float = 0.0

    def __call__(self, truth: Truth, seed: int, content: Sequence[str]) -> Split:
        """See :func:`wirelessfm.data.splits.ordered_split`."""
        return ordered_split(_needed(truth.time_s, "times"), seed, self.test_fraction, self.gap, content)


def _needed(column: Tensor | None, what: str) -> Tensor:
    if column is None:
        raise WirelessFMError(f"this split needs the {what} of the samples, and the task gives none")
    return column
