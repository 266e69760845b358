"""Weighted batches out of many corpora of different shapes.

Every batch is a function of (seed, step, rank, world_size) alone: a run that was stopped goes on at any step without
saved state. A batch comes from one source, the same on all ranks, so it has one shape. Each finite source is gone
through in shuffled order, all its samples before any comes again; n ranks take the batches that one rank would take
with a batch n times as large, cut into n parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError

# Second words of the seeds, so that choosing, shuffling and drawing are independent of each other.
_CHOOSE, _SHUFFLE, _DRAW = range(3)
_CHUNK = 4096


class Indexed(Protocol):
    """A finite source: a CSI, a CsiStore, a Subset."""

    def __len__(self) -> int:
        """Number of samples."""

    def __getitem__(self, index: np.ndarray, /) -> CSI:
        """The samples at positions int64 [n], in this order."""


@runtime_checkable
class Drawn(Protocol):
    """An endless source, such as a ViewSampler."""

    def draw(self, batch_size: int, generator: torch.Generator) -> CSI:
        """A batch determined by the state of the (CPU) generator."""


def _unchanged(csi: CSI) -> CSI:
    return csi


@dataclass(frozen=True)
class Subset:
    """The samples of ``source`` at ``indices`` (int64 [n]), such as a training split, passed through ``transform``."""

    source: Indexed
    indices: np.ndarray
    transform: Callable[[CSI], CSI] = _unchanged

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: np.ndarray, /) -> CSI:
        return self.transform(self.source[np.asarray(self.indices)[index]])


class Mixture:
    """Draws batches from named sources with given weights.

    Args:
        sources: finite ones (:class:`Indexed`) and endless ones (:class:`Drawn`), by name.
        weights: name to how often a batch comes from it, relative to the others.
        batch_size: samples of one rank.
        seed: chooses sources and orders.

    Raises:
        WirelessFMError: no sources, an empty one, names that differ, weights or sizes that are not positive.
    """

    def __init__(
        self, sources: Mapping[str, Indexed | Drawn], weights: Mapping[str, float], batch_size: int, seed: int
    ):
        _check(sources, weights, batch_size, seed)
        self.sources, self.batch_size, self.seed = dict(sources), batch_size, seed
        self._names = list(sources)
        self._limits = np.cumsum([weights[name] for name in self._names])
        self._before = [np.zeros(len(self._names), np.int64)]
        self._orders: dict[str, tuple[int, np.ndarray]] = {}

    def batch(self, step: int, rank: int = 0, world_size: int = 1) -> CSI:
        """The batch of ``rank`` out of ``world_size`` at ``step``."""
        source = self.sources[self.source_name(step)]
        if isinstance(source, Drawn):
            words = np.random.SeedSequence([self.seed, _DRAW, rank, step]).generate_state(1, np.uint64)
            return source.draw(self.batch_size, torch.Generator().manual_seed(int(words[0] >> 1)))
        return source[self.positions(step, rank, world_size)]

    def source_name(self, step: int) -> str:
        """Where the batches of ``step`` come from."""
        return self._names[self._choice(step)[0]]

    def positions(self, step: int, rank: int = 0, world_size: int = 1) -> np.ndarray:
        """The samples of a finite source that :meth:`batch` takes, int64 [batch_size].

        Positions run through one epoch after the other without a gap, so a batch may hold the end of one epoch and
        the beginning of the next; within an epoch no sample comes twice, on whatever rank.
        """
        if not 0 <= rank < world_size:
            raise WirelessFMError(f"rank must lie between 0 and world_size - 1 = {world_size - 1}, found {rank}")
        number, n_earlier = self._choice(step)
        name = self._names[number]
        start = (n_earlier * world_size + rank) * self.batch_size
        epoch, place = np.divmod(start + np.arange(self.batch_size), len(self._finite(name)))
        return np.concatenate([self._order(name, int(e))[place[epoch == e]] for e in np.unique(epoch)])

    def _finite(self, name: str) -> Indexed:
        source = self.sources[name]
        if isinstance(source, Drawn):
            raise WirelessFMError(f"'{name}' is drawn without end and has no positions; call batch")
        return source

    def _order(self, name: str, epoch: int) -> np.ndarray:
        kept = self._orders.get(name)
        if kept is None or kept[0] != epoch:
            rng = np.random.default_rng([self.seed, _SHUFFLE, self._names.index(name), epoch])
            kept = (epoch, rng.permutation(len(self._finite(name))))
            self._orders[name] = kept
        return kept[1]

    def _choice(self, step: int) -> tuple[int, int]:
        """The number of the source of ``step``, and how many earlier steps had the same."""
        chunk, within = divmod(step, _CHUNK)
        while len(self._before) <= chunk:
            counts = np.bincount(self._choices(len(self._before) - 1), minlength=len(self._names))
            self._before.append(self._before[-1] + counts)
        choices = self._choices(chunk)
        number = int(choices[within])
        return number, int(self._before[chunk][number]) + int(np.count_nonzero(choices[:within] == number))

    def _choices(self, chunk: int) -> np.ndarray:
        draws = np.random.default_rng([self.seed, _CHOOSE, chunk]).random(_CHUNK) * self._limits[-1]
        return np.searchsorted(self._limits, draws, side="right").clip(max=len(self._names) - 1)


def _check(sources: Mapping[str, Indexed | Drawn], weights: Mapping[str, float], batch_size: int, seed: int) -> None:
    if not sources or set(sources) != set(weights):
        raise WirelessFMError(
            f"a mixture needs sources and one weight for each, found sources {sorted(sources)} "
            f"and weights for {sorted(weights)}"
        )
    if not all(0 < weight < float("inf") for weight in weights.values()):
        raise WirelessFMError(f"weights must be positive and finite, found {dict(weights)}; leave out unused sources")
    if batch_size < 1 or seed < 0:
        raise WirelessFMError(f"batch_size must be at least 1 and seed at least 0, found {batch_size} and {seed}")
    empty = [name for name, source in sources.items() if not isinstance(source, Drawn) and len(source) == 0]
    if empty:
        raise WirelessFMError(f"sources without samples: {', '.join(empty)}; leave them out")
