"""Atomic writes and checksums: nothing is ever left half-written.

A file or folder is written under a temporary name beside its target and renamed when complete, so an
interrupted program leaves either the old content or the new, never a mixture.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wirelessfm.errors import WirelessFMError


def _temporary_beside(target: Path) -> Path:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise WirelessFMError(
            f"cannot write '{target}': {error.strerror or error}; choose a writable folder"
        ) from error


@contextmanager
def atomic_file(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path to write to; on success it replaces ``target``, on any error it is removed.

    Raises:
        WirelessFMError: the folder is not writable or the disk is full.
    """
    target = Path(target)
    workspace = _temporary_beside(target)
    try:
        yield workspace / target.name
        os.replace(workspace / target.name, target)
    except OSError as error:
        raise WirelessFMError(f"cannot write '{target}': {error.strerror or error}") from error
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


@contextmanager
def atomic_folder(target: str | os.PathLike[str], overwrite: bool = False) -> Iterator[Path]:
    """Yield an empty temporary folder; on success it becomes ``target``, on any error it is removed.

    Raises:
        WirelessFMError: ``target`` exists and ``overwrite`` is false, or the place is not writable.
    """
    target = Path(target)
    if target.exists() and not overwrite:
        raise WirelessFMError(f"'{target}' already exists; choose another name or pass overwrite")
    workspace = _temporary_beside(target)
    # mkdtemp makes folders private to the user; what is published gets the ordinary permissions.
    fresh = workspace / "new"
    fresh.mkdir()
    try:
        yield fresh
        if target.exists():
            os.replace(target, workspace / "old")
        os.replace(fresh, target)
    except OSError as error:
        raise WirelessFMError(f"cannot write '{target}': {error.strerror or error}") from error
    finally:
        shutil.rmtree(workspace, ignore_errors=True)


def write_json(target: str | os.PathLike[str], content: Any) -> None:
    """Write ``content`` as indented JSON, atomically."""
    with atomic_file(target) as path:
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_json(source: str | os.PathLike[str]) -> Any:
    """Read a JSON file.

    Raises:
        WirelessFMError: the file is missing, unreadable or not JSON.
    """
    try:
        return json.loads(Path(source).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WirelessFMError(f"no such file: '{source}'") from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise WirelessFMError(f"'{source}' is not a readable JSON file: {error}") from error


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
