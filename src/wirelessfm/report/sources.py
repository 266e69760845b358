"""Where results lie: folders and JSONL files, as people name them on a command line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from wirelessfm.errors import WirelessFMError
from wirelessfm.report.maps import EmbeddingMap, UserMap, load_map

RESULTS, MAPS = "results.jsonl", "maps"


def find_results(results: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """The JSONL files of folders and files, in the order given; the same file is taken once.

    Raises:
        WirelessFMError: nothing given, or a place without results.
    """
    if not results:
        raise WirelessFMError("expected at least one results folder or .jsonl file, found none given")
    return list(dict.fromkeys(file for place in results for file in _files(Path(place))))


def read_maps(results: Sequence[str | os.PathLike[str]]) -> list[UserMap | EmbeddingMap]:
    """The maps of all folders, each folder's in order of name."""
    folders = dict.fromkeys(Path(place) for place in results)
    return [load_map(path) for folder in folders for path in sorted((folder / MAPS).glob("*.npz"))]


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if (place / RESULTS).is_file():
        return [place / RESULTS]
    found = sorted(place.glob("*.jsonl"))
    if not found:
        raise WirelessFMError(
            f"expected a results folder with '{RESULTS}' or a .jsonl file at '{place}', found none; evaluate first"
        )
    return found
