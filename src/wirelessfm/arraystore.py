"""The on-disk format of every data object: a folder of npy files and one ``card.json``.

The npy files are memory-mapped on reading. The card lists each file's size and SHA-256, so that a truncated
or altered file is an error and not a strange result. Arrays never contain Python objects: nothing is unpickled.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_folder, read_json, sha256_of, write_json

CARD = "card.json"


def write_arrays(
    folder: str | os.PathLike[str],
    kind: str,
    arrays: Mapping[str, np.ndarray],
    card: Mapping[str, Any],
    overwrite: bool = False,
) -> None:
    """Write ``arrays`` as ``NAME.npy`` beside a card; the folder appears complete or not at all.

    Args:
        folder: target folder.
        kind: format name kept in the card, such as ``wirelessfm.csi/1``.
        arrays: name to array; object arrays are refused.
        card: JSON-compatible description.
        overwrite: replace an existing folder.
    """
    with atomic_folder(folder, overwrite) as fresh:
        files = {}
        for name, array in arrays.items():
            path = fresh / f"{name}.npy"
            np.save(path, array, allow_pickle=False)
            files[path.name] = {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        write_json(fresh / CARD, {**card, "kind": kind, "files": files})


def read_card(folder: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """Read and check the card of ``folder``.

    Raises:
        WirelessFMError: no such folder, no card, or a card of another kind.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise WirelessFMError(f"expected a {kind} folder at '{folder}', found {_what_is_at(folder)}")
    card = read_json(folder / CARD)
    if not isinstance(card, dict) or card.get("kind") != kind:
        found = card.get("kind") if isinstance(card, dict) else type(card).__name__
        raise WirelessFMError(f"expected a {kind} folder at '{folder}', its card says {found!r}")
    return card


def read_arrays(folder: str | os.PathLike[str], card: Mapping[str, Any], verify: bool = True) -> dict[str, np.ndarray]:
    """Memory-map every array the card lists, after comparing size and checksum.

    Args:
        folder: where the arrays are.
        card: what :func:`read_card` returned.
        verify: compare checksums too, which reads every byte; false compares sizes only.

    Returns:
        name to array; pages are copied on write, so the file is never changed.

    Raises:
        WirelessFMError: a file is missing, truncated, altered or not a plain npy array.
    """
    folder = Path(folder)
    arrays = {}
    for name, expected in dict(card.get("files", {})).items():
        path = folder / Path(name).name
        _check_file(path, expected, verify)
        try:
            arrays[path.stem] = np.load(path, mmap_mode="c", allow_pickle=False)
        except (ValueError, OSError) as error:
            raise WirelessFMError(f"'{path}' is not a plain npy array: {error}") from error
    return arrays


def _check_file(path: Path, expected: Mapping[str, Any], verify: bool) -> None:
    if not path.is_file():
        raise WirelessFMError(f"'{path}' is listed in {CARD} but missing; copy or generate the folder again")
    size = path.stat().st_size
    if size != expected["bytes"]:
        raise WirelessFMError(
            f"'{path}' is corrupt: {CARD} says {expected['bytes']} bytes, found {size}; "
            "copy or generate the folder again"
        )
    if verify and sha256_of(path) != expected["sha256"]:
        raise WirelessFMError(
            f"'{path}' is corrupt: its SHA-256 differs from {CARD}; copy or generate the folder again"
        )


def _what_is_at(path: Path) -> str:
    return "a file" if path.is_file() else "nothing"
