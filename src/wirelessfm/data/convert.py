"""Any readable file to this package's own folders, in blocks: more than memory, with progress, resumable."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from wirelessfm import csi_files
from wirelessfm.arraystore import write_arrays
from wirelessfm.csi import CSIMeta
from wirelessfm.data.card import Card, card_path, load_card
from wirelessfm.data.card_values import (
    block_rows,
    card_meta,
    coordinates,
    csi_axes,
    read_labels,
    stored_shape,
    value_blocks,
)
from wirelessfm.data.inspect import guess_layout
from wirelessfm.data.readers import CSI_READERS, PATH_READERS, READERS
from wirelessfm.data.readers.csinet import csinet_card
from wirelessfm.data.readers.intel5300_loc8 import intel5300_loc8_card
from wirelessfm.data.readers.llm4cp import llm4cp_card
from wirelessfm.data.readers.wifo import wifo_card
from wirelessfm.data.readers.wimae import wimae_card
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.files import atomic_file, read_json, write_json


def card_beside(path: str | os.PathLike[str], card: str | os.PathLike[str] | None = None) -> Card:
    """The card given, else the one beside the file."""
    return load_card(card_path(path) if card is None else card)


# Formats that are described by a card and therefore converted block by block; the others fit in memory.
STREAMED: dict[str, Callable[..., Card]] = {
    "card": card_beside,
    "csinet": csinet_card,
    "intel5300-loc8": intel5300_loc8_card,
    "llm4cp": llm4cp_card,
    "wifo": wifo_card,
    "wimae": wimae_card,
}


def convert(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    layout: str | None = None,
    overwrite: bool = False,
    block_bytes: int = 2**27,
    progress: bool = True,
    **options: Any,
) -> str:
    """Convert ``source`` to a Paths or CSI folder at ``target``.

    An interrupted conversion of a card-described format keeps its finished blocks in ``.TARGET.partial`` and goes on
    from there when called again with the same source, card and ``block_bytes``.

    Args:
        source: a file or folder.
        target: folder to write; appears complete or not at all.
        layout: an entry of READERS; None takes the guess of :func:`guess_layout`.
        overwrite: replace an existing target.
        block_bytes: working memory of one block.
        progress: show a progress bar.
        options: passed to the reader, as in ``bs=2`` or ``carrier_hz=3.5e9``.

    Returns:
        the layout that was read.

    Raises:
        WirelessFMError: unknown layout, a layout without CSI (IQ), bad data, or an existing target.
    """
    layout = _layout(source, layout)
    if Path(target).exists() and not overwrite:
        raise WirelessFMError(f"'{target}' already exists; choose another name or pass overwrite")
    read = STREAMED.get(layout, READERS[layout])
    _check_options(read, layout, source, options)
    if layout in STREAMED:
        _stream(Path(source), Path(target), STREAMED[layout](source, **options), overwrite, block_bytes, progress)
    elif layout in PATH_READERS:
        PATH_READERS[layout](source, **options).save(target, overwrite)
    elif layout in CSI_READERS:
        CSI_READERS[layout](source, **options).save(target, overwrite)
    else:
        raise WirelessFMError(f"'{layout}' holds IQ samples, which are no CSI: read them with READERS['{layout}']")
    return layout


def _check_options(read: Callable[..., Any], layout: str, source: Any, options: Mapping[str, Any]) -> None:
    accepted = signature(read)
    try:
        accepted.bind(source, **options)
    except TypeError as error:
        names = ", ".join(str(p) for p in list(accepted.parameters.values())[1:])
        raise WirelessFMError(f"options of '{layout}': {error}; it takes: {names or 'none'}") from error


def _layout(source: str | os.PathLike[str], layout: str | None) -> str:
    if not Path(source).exists():
        raise WirelessFMError(f"expected a file or folder at '{source}', found nothing; check the path")
    if layout is None:
        layout, reason = guess_layout(source)
        if layout is None:
            raise WirelessFMError(f"'{source}': unknown format ({reason}); write a card, or pass layout")
    if layout not in READERS:
        raise unknown_name("layout", layout, READERS)
    return layout


def _stream(source: Path, target: Path, card: Card, overwrite: bool, block_bytes: int, progress: bool) -> None:
    partial = target.with_name(f".{target.name}.partial")
    shape, axis = stored_shape(source, card), card.axes.index("sample")
    n_blocks = -(-shape[axis] // block_rows(shape, axis, block_bytes))
    _open_partial(partial, source, card, block_bytes)
    done = next(k for k in range(n_blocks + 1) if not _shard(partial, k).exists())
    blocks = value_blocks(source, card, block_bytes, skip=done)
    bar = tqdm(blocks, total=n_blocks, initial=done, desc=source.name, unit="block", disable=not progress)
    for k, block in enumerate(bar, start=done):
        _check_finite(block, k, source)
        with atomic_file(_shard(partial, k)) as fresh:
            np.save(fresh.with_suffix(".npy"), block, allow_pickle=False)
    _publish(source, target, card, [_shard(partial, k) for k in range(n_blocks)], overwrite)
    shutil.rmtree(partial)


def _shard(partial: Path, k: int) -> Path:
    return partial / f"values-{k:05d}.npy"


def _open_partial(partial: Path, source: Path, card: Card, block_bytes: int) -> None:
    """Keep the finished blocks only if they are of this very source, card and block size."""
    stat = source.stat()
    wanted = {"source": str(source.resolve()), "bytes": stat.st_size, "modified_ns": stat.st_mtime_ns,
              "card": card.model_dump(mode="json"), "block_bytes": block_bytes}  # fmt: skip
    state = partial / "state.json"
    if state.exists() and read_json(state) == wanted:
        return
    shutil.rmtree(partial, ignore_errors=True)
    write_json(state, wanted)


def _check_finite(block: np.ndarray, k: int, source: Path) -> None:
    bad = int((~np.isfinite(block)).sum())
    if bad:
        raise WirelessFMError(
            f"'{source}': {bad} NaN or infinite of {block.size} values in block {k}; repair these samples"
        )


class _Arrays(Mapping[str, np.ndarray]):
    """The shards, opened only while they are copied, and the small arrays."""

    def __init__(self, shards: list[Path], small: Mapping[str, np.ndarray]) -> None:
        self._shards, self._small = {shard.stem: shard for shard in shards}, small

    def __getitem__(self, name: str) -> np.ndarray:
        return np.load(self._shards[name], mmap_mode="r") if name in self._shards else self._small[name]

    def __iter__(self) -> Iterator[str]:
        return iter([*self._shards, *self._small])

    def __len__(self) -> int:
        return len(self._shards) + len(self._small)


def _publish(source: Path, target: Path, card: Card, shards: list[Path], overwrite: bool) -> None:
    axes = csi_axes(card)
    place = axes.index("sample")
    shapes = [np.load(shard, mmap_mode="r").shape for shard in shards]
    total = sum(shape[place] for shape in shapes)
    sizes = [total if i == place else n for i, n in enumerate(shapes[0])]
    labels, classes = read_labels(source, card)
    small = {f"coord-{k}": v.numpy() for k, v in sorted(coordinates(card, dict(zip(axes, sizes, strict=True))).items())}
    small |= {f"label-{k}": v.numpy() for k, v in labels.items()}
    meta: CSIMeta = card_meta(card, classes)
    arrays = _Arrays(shards, small)
    content = {"axes": list(axes), "shape": sizes, "meta": asdict(meta), "history": [],
               "fingerprint": csi_files.fingerprint(axes, sizes, _in_order(arrays))}  # fmt: skip
    write_arrays(target, csi_files.KIND, arrays, content, overwrite)


def _in_order(arrays: _Arrays) -> Iterator[tuple[str, np.ndarray]]:
    """Names and arrays as the fingerprint takes them, one shard in memory at a time."""
    for number, (name, array) in enumerate(arrays.items()):
        yield (name if not name.startswith("values-") else "" if number else "values"), array
