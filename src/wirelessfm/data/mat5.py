"""MATLAB level-5 MAT files (``save`` up to -v7): numbers, text, cells and structs.

Source: MathWorks, "MAT-File Format", level 5. Our own, because scipy's compiled reader takes the lengths and types in a
file on trust and crashes the process on a damaged one. Uncompressed numbers are views of the mapped file.
"""

from __future__ import annotations

import math
import mmap
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wirelessfm.errors import WirelessFMError

_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXT = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_CELL, _STRUCT, _CHAR = 1, 2, 4
_MATRIX, _COMPRESSED = 14, 15
Source = str | os.PathLike[str] | bytes
_HEAD_BYTES = 4096
_MAX_BYTES = 2**34


@dataclass(frozen=True)
class Variable:
    """A variable at the top of a file. ``dtype`` is None for anything but numbers."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    compressed: bool
    start: int
    stop: int


def list_mat5(source: Source) -> list[Variable]:
    """The variables of a file (a path, or its bytes), from their headers alone.

    Raises:
        WirelessFMError: not a level-5 MAT file, or a damaged one.
    """
    content = _map(source)
    order = _byte_order(content)
    return [_variable(content, order, kind, start, stop) for kind, start, stop in _top_elements(content, order)]


def read_mat5(source: Source, *names: str) -> dict[str, Any]:
    """The named variables of a file (a path, or its bytes); all by default.

    Returns:
        numbers as arrays, text as str, cells as object arrays, structs as dict of field name to object array.

    Raises:
        WirelessFMError: not a level-5 MAT file, a damaged one, a missing name, or a sparse matrix or object.
    """
    content = _map(source)
    order = _byte_order(content)
    found = {v.name: v for v in list_mat5(source)}
    for name in names:
        if name not in found:
            raise WirelessFMError(f"no variable '{name}'; there are: {', '.join(found) or 'none'}")
    values = {}
    for name in names or found:
        variable = found[name]
        body = _inflate(content[variable.start : variable.stop]) if variable.compressed else content
        start = 0 if variable.compressed else variable.start
        elements = _Elements(body, order, start, len(body) if variable.compressed else variable.stop)
        values[name] = _matrix(elements.inside(_MATRIX) if variable.compressed else elements)[1]
    return values


def _map(source: Source) -> memoryview:
    if isinstance(source, bytes):
        return memoryview(source)
    if Path(source).stat().st_size == 0:
        raise WirelessFMError("an empty file is no MATLAB file")
    with open(source, "rb") as stream:
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def _byte_order(content: memoryview) -> str:
    mark = bytes(content[124:128])
    if mark == b"\x00\x01IM":
        return "<"
    if mark == b"\x01\x00MI":
        return ">"
    raise WirelessFMError("no MATLAB file of level 5 (v5 to v7) or 7.3; save it again with -v7.3")


def _top_elements(content: memoryview, order: str) -> Iterator[tuple[int, int, int]]:
    elements = _Elements(content, order, 128, len(content))
    while elements.more():
        kind, start, stop = elements.next()
        if kind in (_MATRIX, _COMPRESSED):
            yield kind, start, stop


def _variable(content: memoryview, order: str, kind: int, start: int, stop: int) -> Variable:
    compressed = kind == _COMPRESSED
    if compressed:
        head = memoryview(zlib.decompressobj().decompress(content[start:stop], _HEAD_BYTES))
        elements = _Elements(head, order, 8, len(head))
    else:
        elements = _Elements(content, order, start, stop)
    array_class, is_complex, shape, name = _head(elements)
    dtype = np.dtype(_CLASSES[array_class]) if array_class in _CLASSES else None
    if dtype is not None and is_complex:
        dtype = np.result_type(dtype, np.complex64)
    return Variable(name, shape, dtype, compressed, start, stop)


def _inflate(packed: memoryview) -> memoryview:
    inflator = zlib.decompressobj()
    content = inflator.decompress(packed, _MAX_BYTES)
    if not inflator.eof:
        raise WirelessFMError("a compressed variable is damaged or larger than 16 GiB")
    return memoryview(content)


class _Elements:
    """The data elements between two places: a type, a length, and as many bytes."""

    def __init__(self, content: memoryview, order: str, start: int, stop: int) -> None:
        self.content, self.order, self.place, self.stop = content, order, start, stop

    def more(self) -> bool:
        return self.place + 8 <= self.stop

    def next(self) -> tuple[int, int, int]:
        """Type and extent of the next element, which must lie within these."""
        if not self.more():
            raise WirelessFMError("a MATLAB variable ends too early")
        kind, length = (int(n) for n in np.frombuffer(self.content, f"{self.order}u4", 2, self.place))
        start = self.place + 8
        if kind >> 16:
            kind, length, start = kind & 0xFFFF, kind >> 16, self.place + 4
        stop = start + length
        if stop > self.stop or (start == self.place + 4 and length > 4):
            raise WirelessFMError(f"a MATLAB data element claims {length} bytes, {self.stop - start} are left")
        padded = self.place + 8 if start == self.place + 4 else stop + (-length) % 8
        self.place = stop if kind == _COMPRESSED else min(padded, self.stop)
        return kind, start, stop

    def inside(self, expected: int) -> _Elements:
        """The elements within the next one."""
        kind, start, stop = self.next()
        if kind != expected:
            raise WirelessFMError(f"expected MATLAB element type {expected}, found {kind}")
        return _Elements(self.content, self.order, start, stop)

    def numbers(self) -> np.ndarray:
        """The next element as a flat array."""
        kind, start, stop = self.next()
        if kind not in _NUMBERS:
            raise WirelessFMError(f"expected numbers in a MATLAB file, found element type {kind}")
        dtype = np.dtype(self.order + _NUMBERS[kind])
        return np.frombuffer(self.content, dtype, (stop - start) // dtype.itemsize, start)

    def text(self) -> str:
        """The next element as text."""
        kind, start, stop = self.next()
        if kind not in _TEXT:
            raise WirelessFMError(f"expected text in a MATLAB file, found element type {kind}")
        wide = kind in (4, 17, 18)
        codec = _TEXT[kind] + (("-le" if self.order == "<" else "-be") if wide else "")
        return bytes(self.content[start:stop]).decode(codec)


def _head(elements: _Elements) -> tuple[int, bool, tuple[int, ...], str]:
    """Class, complex flag, dimensions and name."""
    flags = int(elements.numbers()[0])
    shape = tuple(int(n) for n in elements.numbers())
    if len(shape) < 2 or min(shape) < 0:
        raise WirelessFMError(f"a MATLAB variable has dimensions {shape}")
    return flags & 0xFF, bool(flags & 0x0800), shape, elements.text()


def _matrix(elements: _Elements) -> tuple[str, Any]:
    """Name and value of one matrix element."""
    if not elements.more():
        return "", np.empty((0, 0))
    array_class, is_complex, shape, name = _head(elements)
    if array_class in _CLASSES:
        return name, _numeric(elements, np.dtype(_CLASSES[array_class]), is_complex, shape)
    if array_class == _CHAR:
        return name, elements.text()
    if array_class == _CELL:
        return name, _cells(elements, math.prod(shape), shape)
    if array_class == _STRUCT:
        width = int(elements.numbers()[0])
        packed = elements.text()
        fields = [packed[i : i + width].rstrip("\0") for i in range(0, len(packed), width)]
        # Element by element, the fields of one element next to each other.
        table = _cells(elements, math.prod(shape) * len(fields), (len(fields), *shape))
        return name, {field: table[i] for i, field in enumerate(fields)}
    raise WirelessFMError(f"variable '{name}' is a sparse matrix, function or object; save plain arrays instead")


def _numeric(elements: _Elements, dtype: np.dtype[Any], is_complex: bool, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers may be stored in a narrower type than their class."""
    real = elements.numbers()
    if is_complex:
        imaginary = elements.numbers()
        joined = np.empty(len(real), np.result_type(dtype, np.complex64))
        joined.real, joined.imag = real, imaginary
        real = joined
    elif real.dtype != dtype:
        real = real.astype(dtype)
    return real.reshape(shape, order="F")


def _cells(elements: _Elements, count: int, shape: tuple[int, ...]) -> np.ndarray:
    if count > (elements.stop - elements.place) // 8:
        raise WirelessFMError(f"a MATLAB cell or struct claims {count} entries, more than its bytes can hold")
    flat = np.empty(count, dtype=object)
    for i in range(count):
        flat[i] = _matrix(elements.inside(_MATRIX))[1]
    return flat.reshape(shape, order="F")
