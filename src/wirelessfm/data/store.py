"""Random access to a CSI folder that is larger than memory.

Rows are read from the shards straight into the batch. Mapping the shards into memory would be as fast, but the process
then owns page after page until it owns all of them, and is killed when a shard is cut short meanwhile; a read leaves
the pages to the system's cache and fails with an error.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import FileIO
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wirelessfm import csi_files
from wirelessfm.arraystore import read_arrays, read_card
from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.errors import WirelessFMError, unknown_name

Index = slice | Sequence[int] | np.ndarray | Tensor


@dataclass(frozen=True)
class _Layout:
    """Where the values are: one entry a shard in the first three."""

    paths: list[Path]
    starts: np.ndarray
    """The sample in the first row."""
    offsets: np.ndarray
    """Bytes before the first row."""
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize


class CsiStore:
    """What :meth:`wirelessfm.csi.CSI.save` or ``wfm data convert`` wrote, batch by batch.

    ``store[indices]`` is what ``CSI.load(folder)[indices]`` would be. Only labels and scales stay open; no file is
    kept open for the values, so a store may be handed to other processes.

    Args:
        folder: a CSI folder.
        verify: compare every checksum, which reads all bytes once; otherwise sizes only.

    Raises:
        WirelessFMError: missing, truncated, altered or foreign files; samples that are not the first axis.
    """

    def __init__(self, folder: str | os.PathLike[str], verify: bool = False) -> None:
        card = read_card(folder, csi_files.KIND)
        arrays = read_arrays(folder, card, verify)
        values = {name: arrays.pop(name) for name in sorted(arrays) if name.startswith("values-")}
        self.folder = Path(folder)
        self._layout = _layout(self.folder, card, values)
        self._small = {name: torch.from_numpy(array) for name, array in arrays.items()}
        self._empty = _without_samples(self.folder, card, self._small, self._layout)
        self.fingerprint = str(card.get("fingerprint", "unknown"))

    def __len__(self) -> int:
        return self._layout.shape[0]

    def __repr__(self) -> str:
        sizes = ", ".join(f"{a}={n}" for a, n in zip(self.axes, self._layout.shape, strict=True))
        return f"CsiStore({sizes}; {self.n_bytes / 1e9:.2f} GB in {len(self._layout.paths)} shards; '{self.folder}')"

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the dimensions; the first is ``sample``."""
        return self._empty.axes

    @property
    def coords(self) -> Mapping[str, Tensor]:
        """As in :class:`CSI`."""
        return self._empty.coords

    @property
    def meta(self) -> CSIMeta:
        """Carrier and provenance."""
        return self._empty.meta

    @property
    def labels(self) -> dict[str, Tensor]:
        """The labels of all samples, for splitting before any value is read."""
        return {name: self._small[f"label-{name}"] for name in self._empty.labels}

    @property
    def n_bytes(self) -> int:
        """Size of all values."""
        return len(self) * self._layout.row_bytes

    def size(self, axis: str) -> int:
        """Length of a named axis."""
        if axis not in self.axes:
            raise unknown_name("axis of this store", axis, self.axes)
        return self._layout.shape[self.axes.index(axis)]

    def __getitem__(self, index: Index) -> CSI:
        """Read samples by slice, positions (negative ones count from the end) or mask, in the order given.

        Raises:
            WirelessFMError: positions outside the store, or a shard that vanished or was cut since opening.
        """
        chosen = _positions(index, len(self))
        rows = torch.from_numpy(chosen)
        steps = enumerate(self._empty.history)
        return replace(
            self._empty,
            values=torch.from_numpy(self._read(chosen)),
            labels={name: label[rows] for name, label in self.labels.items()},
            history=tuple(replace(h, scale=self._small[f"scale-{i}"][rows]) if h.scale.dim() else h for i, h in steps),
        )

    def _read(self, index: np.ndarray) -> np.ndarray:
        values = np.empty((len(index), *self._layout.shape[1:]), self._layout.dtype)
        target = values.reshape(-1).view(np.uint8).data
        for shard, runs in groupby(self._runs(index), itemgetter(0)):
            path = self._layout.paths[shard]
            try:
                with open(path, "rb", buffering=0) as stream:
                    for _, first, last, offset in runs:
                        _read_into(stream, target[first:last], offset)
            except OSError as error:
                raise WirelessFMError(f"cannot read '{path}': {error.strerror or error}") from error
        return values

    def _runs(self, index: np.ndarray) -> Iterator[tuple[int, int, int, int]]:
        """Stretches to read in one go, in the order of the disk: shard, bytes of the batch from and to, file offset.

        A stretch is one sample, or several that are neighbours on disk as in the batch.
        """
        starts, row_bytes = self._layout.starts, self._layout.row_bytes
        order = np.argsort(index, kind="stable")
        shard = np.searchsorted(starts, index[order], side="right") - 1
        together = (np.diff(index[order]) == 1) & (np.diff(order) == 1) & (np.diff(shard) == 0)
        begin = np.flatnonzero(np.concatenate([[True], ~together]))[: len(index)]
        n_rows = np.diff(np.append(begin, len(index)))
        place, shard = order[begin], shard[begin]
        offset = self._layout.offsets[shard] + (index[place] - starts[shard]) * row_bytes
        columns = (shard, place * row_bytes, (place + n_rows) * row_bytes, offset)
        return zip(*(column.tolist() for column in columns), strict=True)


def _read_into(stream: FileIO, target: memoryview, offset: int) -> None:
    stream.seek(offset)
    done = 0
    # The system may read less than asked, and never reads more than 2 GB at once.
    while done < len(target):
        n = stream.readinto(target[done:])
        if not n:
            raise WirelessFMError(f"'{stream.name}' was cut short while in use; copy or generate the folder again")
        done += n


def _positions(index: Index, n_samples: int) -> np.ndarray:
    if isinstance(index, slice):
        return np.arange(*index.indices(n_samples))
    chosen = index.cpu().numpy() if isinstance(index, Tensor) else np.asarray(index)
    if chosen.dtype == bool and chosen.shape == (n_samples,):
        return np.flatnonzero(chosen)
    if chosen.size == 0:
        return np.zeros(0, np.int64)
    if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
        raise WirelessFMError(
            f"samples are chosen by slice, whole numbers [n] or mask [{n_samples}], "
            f"found {chosen.dtype} {list(chosen.shape)}"
        )
    if chosen.min() < -n_samples or chosen.max() >= n_samples:
        raise WirelessFMError(f"the store has samples 0 to {n_samples - 1}, found {chosen.min()} to {chosen.max()}")
    return np.where(chosen < 0, chosen + n_samples, chosen).astype(np.int64)


def _layout(folder: Path, card: Mapping[str, Any], values: Mapping[str, np.ndarray]) -> _Layout:
    """Checks the shards against each other and the card; ``values`` are memory maps that are let go after this."""
    if not values:
        raise WirelessFMError(f"'{folder}' has no values-00000.npy; copy or generate the folder again")
    arrays = list(values.values())
    kinds = {(array.dtype, array.shape[1:]) for array in arrays}
    if len(kinds) > 1 or arrays[0].dtype.kind != "c" or not all(array.flags.c_contiguous for array in arrays):
        raise WirelessFMError(f"'{folder}': values must be C-ordered complex arrays of one type and row shape")
    sizes = [len(array) for array in arrays]
    shape = (sum(sizes), *arrays[0].shape[1:])
    if list(shape) != card.get("shape"):
        raise WirelessFMError(f"'{folder}': card says shape {card.get('shape')}, found {list(shape)}")
    if list(card.get("axes", []))[:1] != ["sample"]:
        raise WirelessFMError(
            f"'{folder}': a store needs 'sample' as the first axis, found {card.get('axes')}; read it with CSI.load"
        )
    starts = np.cumsum([0, *sizes[:-1]])
    offsets = np.array([getattr(array, "offset", 0) for array in arrays])
    return _Layout([folder / f"{name}.npy" for name in values], starts, offsets, shape, arrays[0].dtype)


def _without_samples(folder: Path, card: Mapping[str, Any], small: Mapping[str, Tensor], layout: _Layout) -> CSI:
    """A CSI of no samples with the coordinates, label names and history of all batches."""
    per_sample = {n for n, a in small.items() if n.startswith("label-") or (n.startswith("scale-") and a.dim())}
    for name in per_sample:
        if small[name].shape[:1] != layout.shape[:1]:
            found = list(small[name].shape)
            raise WirelessFMError(f"'{folder}': {name} must have {layout.shape[0]} entries, found {found}")
    arrays = {name: array[:0] if name in per_sample else array for name, array in small.items()}
    arrays["values"] = torch.from_numpy(np.empty((0, *layout.shape[1:]), layout.dtype))
    try:
        parts = csi_files.Parts(axes=tuple(card["axes"]), arrays=arrays, meta=card["meta"], history=card["history"])
    except KeyError as error:
        raise WirelessFMError(f"'{folder}' is not a complete {csi_files.KIND} folder: {error!r}") from error
    return CSI._from_parts(parts, str(folder))
