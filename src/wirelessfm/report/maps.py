"""What a report draws besides numbers: users of a scene on a map, and samples of an embedding in two dimensions.

Each is one npz file, so that a results folder is complete without the program that made it.
"""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_file

Kind = Literal["category", "beam", "value"]


def _check(name: str, points: np.ndarray, columns: tuple[int, ...], values: np.ndarray, kind: str) -> None:
    if points.ndim != 2 or points.shape[1] not in columns:
        wanted = " or ".join(str(c) for c in columns)
        raise WirelessFMError(f"map '{name}': expected points of shape [user, {wanted}], found {list(points.shape)}")
    if values.shape != points.shape[:1]:
        raise WirelessFMError(
            f"map '{name}': expected one value for each of {len(points)} users, found shape {list(values.shape)}"
        )
    if values.dtype.kind not in "biuf" or points.dtype.kind not in "iuf":
        raise WirelessFMError(f"map '{name}': expected real numbers, found {points.dtype} and {values.dtype}")
    if not np.isfinite(points).all():
        raise WirelessFMError(f"map '{name}': expected finite positions; drop the users that have none")
    if kind not in get_args(Kind):
        raise WirelessFMError(f"map '{name}': kind is one of {', '.join(get_args(Kind))}, found '{kind}'")


@dataclass(frozen=True, eq=False)
class UserMap:
    """Users of a scene, seen from above and coloured by a value.

    Attributes:
        title: what the colours show, such as ``True beam``.
        position_m: float [user, 2 or 3]; the height is not drawn.
        values: int or float [user]; a negative index of a category or beam, or a value that is not finite, means
            that the user has none.
        kind: ``category`` (index into ``names``), ``beam`` (index with a cyclic colour scale) or ``value``.
        bs_position_m: float [2 or 3], or None.
        names: name of each category; for ``value`` at most one, the quantity with its unit.
        limits: ends of the colour scale, so that two maps can share one; None takes them from the data.
    """

    title: str
    position_m: np.ndarray
    values: np.ndarray
    kind: Kind
    bs_position_m: np.ndarray | None = None
    names: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        _check(self.title, self.position_m, (2, 3), self.values, self.kind)
        if self.bs_position_m is not None and np.shape(self.bs_position_m) not in ((2,), (3,)):
            found = list(np.shape(self.bs_position_m))
            raise WirelessFMError(f"map '{self.title}': expected bs_position_m of shape [2 or 3], found {found}")


@dataclass(frozen=True, eq=False)
class EmbeddingMap:
    """Samples in a two-dimensional projection of an embedding; distances have no unit.

    Attributes:
        title: system and projection, such as ``wfm-mae, t-SNE``.
        points: float [user, 2].
        values, kind, names, limits: as in `UserMap`.
    """

    title: str
    points: np.ndarray
    values: np.ndarray
    kind: Kind
    names: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        _check(self.title, self.points, (2,), self.values, self.kind)


_TYPES: dict[str, type[UserMap] | type[EmbeddingMap]] = {"UserMap": UserMap, "EmbeddingMap": EmbeddingMap}


def save_map(path: str | os.PathLike[str], drawn: UserMap | EmbeddingMap) -> None:
    """Write one map as npz, atomically.

    Raises:
        WirelessFMError: the place is not writable.
    """
    content = {f.name: getattr(drawn, f.name) for f in fields(drawn)} | {"names": np.asarray(drawn.names, dtype=str)}
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in content.items() if value is not None}
    with atomic_file(path) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, map=np.asarray(type(drawn).__name__), **arrays)


def load_map(path: str | os.PathLike[str]) -> UserMap | EmbeddingMap:
    """Read one map written by `save_map`.

    Raises:
        WirelessFMError: the file is missing, not npz, or not a map.
    """
    try:
        with np.load(Path(path), allow_pickle=False) as stored:
            content: dict[str, Any] = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise WirelessFMError(f"'{path}' is not a readable map (npz): {error}") from error
    try:
        cls = _TYPES[str(content.pop("map"))]
        content |= {name: str(content[name]) for name in ("title", "kind")}
        content |= {name: tuple(content[name].tolist()) for name in ("names", "limits") if name in content}
        return cls(**content)
    except (KeyError, TypeError) as error:
        raise WirelessFMError(f"'{path}' is not a map of this version of wirelessfm: {error}") from error
