"""Arrays in npy, npz, MATLAB (both kinds) and HDF5 files, read whole or in blocks along the leading axes.

MATLAB writes its v7.3 files as HDF5 with the axes reversed and complex numbers as (real, imag) records; here every
array of a ``.mat`` file has MATLAB's own axis order and complex dtype, whichever kind of file it is in.
"""

from __future__ import annotations

import math
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from wirelessfm.data.guard import reading
from wirelessfm.data.mat5 import Variable, list_mat5, read_mat5
from wirelessfm.errors import WirelessFMError

SUFFIXES = (".npy", ".npz", ".mat", ".h5", ".hdf5")
_LAYOUT = f"an array file ({', '.join(SUFFIXES)})"
# A header may claim any size; no compressor in these formats packs numbers more than this many times.
_MAX_EXPANSION = 2000


@dataclass(frozen=True)
class StoredArray:
    """One array in a file: what is known without reading it, and how to read a block of it.

    Attributes:
        name: variable name; ``array`` in an npy file.
        shape: in the order :meth:`read` returns.
        dtype: after joining (real, imag) records to complex numbers.
        streams: axes along which a block is read without loading the rest, outermost in the file first.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    streams: tuple[int, ...]
    load: Callable[[int, int, int], np.ndarray]

    def read(self, start: int = 0, stop: int | None = None, axis: int = 0) -> np.ndarray:
        """Entries ``start`` to ``stop`` along ``axis``; everything by default."""
        if not self.shape:
            return self.load(0, 0, 1)
        length = self.shape[axis]
        return self.load(axis, start, length if stop is None else min(stop, length))


def list_arrays(path: str | os.PathLike[str]) -> dict[str, StoredArray]:
    """Every numeric, boolean or text array of a file by name; structs, cells and Python objects are left out.

    Raises:
        WirelessFMError: missing or damaged file, another kind of file, an array larger than the file can hold.
    """
    with reading(path, _LAYOUT) as file:
        if file.is_dir() or file.suffix.lower() not in SUFFIXES:
            raise WirelessFMError(
                f"expected {_LAYOUT} at '{file}', found {'a folder' if file.is_dir() else file.suffix}"
            )
        if file.suffix.lower() == ".npy":
            found = [_npy_array(file, "array", lambda: file.open("rb"))]
        elif file.suffix.lower() == ".npz":
            found = _npz_arrays(file)
        elif h5py.is_hdf5(file):
            found = _hdf5_arrays(file)
        else:
            found = _mat_arrays(file)
        for array in found:
            _check_size(file, array)
        return {array.name: array for array in found}


def find_array(path: str | os.PathLike[str], name: str | None = None) -> StoredArray:
    """The named array, or the only (else the largest) one when ``name`` is None.

    Raises:
        WirelessFMError: no such array; lists the names and shapes there are.
    """
    arrays = list_arrays(path)
    if name is None and arrays:
        return max(arrays.values(), key=lambda array: math.prod(array.shape))
    if name not in arrays:
        there = ", ".join(f"{a.name} {list(a.shape)}" for a in arrays.values()) or "no array at all"
        raise WirelessFMError(f"'{path}' has no array '{name}'; it has: {there}")
    return arrays[name]


def _check_size(file: Path, array: StoredArray) -> None:
    claimed = math.prod(array.shape) * array.dtype.itemsize
    if claimed > _MAX_EXPANSION * max(file.stat().st_size, 4096):
        raise WirelessFMError(f"'{file}' is damaged: array '{array.name}' claims {claimed:.3g} bytes")


def _guarded(file: Path, load: Callable[[int, int, int], np.ndarray]) -> Callable[[int, int, int], np.ndarray]:
    def read(axis: int, start: int, stop: int) -> np.ndarray:
        with reading(file, _LAYOUT):
            return load(axis, start, stop)

    return read


def _npy_array(file: Path, name: str, open_stream: Callable[[], Any]) -> StoredArray:
    with open_stream() as stream:
        shape, fortran, dtype = _npy_header(stream)
        offset = stream.tell()
    if dtype.hasobject:
        raise ValueError("object array: would need pickle")

    outer = len(shape) - 1 if fortran else 0
    # Kept open between blocks: going back in a compressed member means unpacking it again from its start.
    opened: list[Any] = []

    def load(axis: int, start: int, stop: int) -> np.ndarray:
        if shape and axis != outer:
            return _along(load(outer, 0, shape[outer]), axis, start, stop)
        row = math.prod(shape[:-1] if fortran else shape[1:]) * dtype.itemsize
        if not opened:
            opened.append(open_stream())
        opened[0].seek(offset + start * row)
        flat = np.frombuffer(opened[0].read((stop - start) * row), dtype=dtype)
        # A zip member's checksum is compared only once its end is reached.
        if stop == (shape[outer] if shape else 1) and opened[0].read(1):
            raise ValueError(f"array '{name}' is followed by more bytes than its shape needs")
        if not shape:
            return flat.reshape(())
        block = (*shape[:-1], stop - start) if fortran else (stop - start, *shape[1:])
        return flat.reshape(block, order="F" if fortran else "C")

    return StoredArray(name, shape, dtype, (outer,), _guarded(file, load))


def _along(array: np.ndarray, axis: int, start: int, stop: int) -> np.ndarray:
    return array[(slice(None),) * axis + (slice(start, stop),)]


def _npy_header(stream: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    return shape, fortran and len(shape) > 1, dtype


def _npz_arrays(file: Path) -> list[StoredArray]:
    def opener(member: str) -> Callable[[], Any]:
        # The member keeps the archive open for as long as it lives itself.
        return lambda: zipfile.ZipFile(file).open(member)

    with zipfile.ZipFile(file) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
    return [_npy_array(file, name.removesuffix(".npy"), opener(name)) for name in names]


def _hdf5_arrays(file: Path) -> list[StoredArray]:
    """``.mat``: MATLAB order, so the last axis is the one stored outermost; else as stored."""
    matlab = file.suffix.lower() == ".mat"
    found: list[StoredArray] = []

    def visit(name: str, item: Any) -> None:
        if name.startswith("#") or not isinstance(item, h5py.Dataset) or item.shape is None:
            return
        dtype = _hdf5_dtype(item.dtype)
        if dtype is not None:
            found.append(_hdf5_array(file, name, item.shape, dtype, matlab))

    with h5py.File(file, "r") as content:
        content.visititems(visit)
    return found


def _hdf5_dtype(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """The dtype after joining complex records; None for what is not an array of numbers."""
    fields = dtype.names or ()
    if len(fields) == 2 and {f.lower() for f in fields} <= {"real", "imag", "r", "i"}:
        return np.dtype(np.complex64 if dtype.itemsize <= 8 else np.complex128)
    return dtype if dtype.kind in "biufc" else None


def _hdf5_array(file: Path, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], matlab: bool) -> StoredArray:
    def load(axis: int, start: int, stop: int) -> np.ndarray:
        with h5py.File(file, "r") as content:
            stored = content[name]
            place = len(shape) - 1 - axis if matlab else axis
            block = stored[(slice(None),) * place + (slice(start, stop),)] if shape else stored[()]
        if block.dtype.names:
            real, imag = sorted(block.dtype.names, key=lambda field: field.lower()[0] != "r")
            block = (block[real] + 1j * block[imag]).astype(dtype)
        return np.asarray(block.T if matlab else block)

    order = shape[::-1] if matlab else shape
    axes = range(len(order))
    return StoredArray(name, order, dtype, tuple(reversed(axes) if matlab else axes), _guarded(file, load))


def _mat_arrays(file: Path) -> list[StoredArray]:
    """MATLAB up to v7: uncompressed variables are mapped, compressed ones are read whole."""
    found = []
    for variable in list_mat5(file):
        if variable.dtype is not None:
            found.append(_mat_array(file, variable, variable.dtype))
    return found


def _mat_array(file: Path, variable: Variable, dtype: np.dtype[Any]) -> StoredArray:
    cache: list[np.ndarray] = []

    def load(axis: int, start: int, stop: int) -> np.ndarray:
        if not cache:
            cache.append(read_mat5(file, variable.name)[variable.name])
        return _along(cache[0], axis, start, stop)

    streams = () if variable.compressed or dtype.kind == "c" else tuple(reversed(range(len(variable.shape))))
    return StoredArray(variable.name, variable.shape, dtype, streams, _guarded(file, load))
