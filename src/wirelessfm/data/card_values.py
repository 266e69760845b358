"""Array files to CSI as their data card says, whole or block by block."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from wirelessfm.csi import AXES, CSI, CSIMeta
from wirelessfm.data.arrayfiles import StoredArray, find_array
from wirelessfm.data.card import DROPPED, RE_IM, Card, card_path, load_card
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import OFDM


def read_with_card(file: str | os.PathLike[str], card: Card | str | os.PathLike[str] | None = None) -> CSI:
    """Read an array file as its card says.

    Args:
        file: npy, npz, MATLAB or HDF5 file.
        card: a card or the path of one; None: the card beside the file.

    Returns:
        complex64 CSI, axes in stored order. Text labels become codes into ``meta.extra["classes"][label]``.

    Raises:
        WirelessFMError: bad file, bad card, or a card that does not fit the file.
    """
    card = card if isinstance(card, Card) else load_card(card_path(file) if card is None else card)
    axes = csi_axes(card)
    values = torch.from_numpy(np.concatenate(list(value_blocks(file, card)), axis=axes.index("sample")))
    labels, classes = read_labels(file, card)
    coords = coordinates(card, dict(zip(axes, values.shape, strict=True)))
    return CSI(values, axes, coords, labels, card_meta(card, classes))


def csi_axes(card: Card) -> tuple[str, ...]:
    """The axes of the resulting CSI; see :func:`_ordered`."""
    return _ordered(card.axes)


def _ordered(axes: Sequence[str]) -> tuple[str, ...]:
    """``sample`` first, because samples are written block after block; the others where they first occur."""
    return ("sample", *dict.fromkeys(axis for axis in axes if axis in AXES and axis != "sample"))


def value_blocks(
    file: str | os.PathLike[str], card: Card, block_bytes: int = 2**27, skip: int = 0
) -> Iterator[np.ndarray]:
    """The values as complex64 blocks along ``sample``, each made in about ``block_bytes`` of memory.

    The blocks depend on nothing but the file, the card and ``block_bytes``, so ``skip`` continues where an earlier
    pass stopped. Formats that cannot be read in part along the sample axis come in blocks too, but are held in
    memory while they do (MATLAB up to v7; npy and npz whose sample axis is not the outermost).
    """
    stored = find_array(file, card.array)
    imaginary = find_array(file, card.imag_array) if card.imag_array else None
    shape = _full_shape(stored, card)
    axis = card.axes.index("sample")
    rows = block_rows(shape, axis, block_bytes)
    for start in range(skip * rows, shape[axis], rows):
        raw = stored.read(start, start + rows, axis)
        if imaginary is not None:
            raw = raw + 1j * imaginary.read(start, start + rows, axis)
        yield _to_complex(raw, card, shape)


def block_rows(shape: tuple[int, ...], axis: int, block_bytes: int) -> int:
    """Stored samples a block: every number passes through complex128 and complex64 once."""
    return max(1, block_bytes // (24 * max(math.prod(shape) // max(shape[axis], 1), 1)))


def stored_shape(file: str | os.PathLike[str], card: Card) -> tuple[int, ...]:
    """The shape of the values in the file, one entry for each of the card's axes."""
    return _full_shape(find_array(file, card.array), card)


def _full_shape(stored: StoredArray, card: Card) -> tuple[int, ...]:
    """The shape the axes name; a card's ``shape`` must keep the first dimension the sample."""
    shape = stored.shape
    if card.shape is not None:
        fixed = math.prod(n for n in card.shape if n != -1)
        if card.axes[0] != "sample" or card.shape[0] != -1 or -1 in card.shape[1:] or fixed < 1:
            raise WirelessFMError("with 'shape' the first axis must be 'sample' and its size -1, the others positive")
        if not shape or math.prod(shape[1:]) != fixed:
            raise WirelessFMError(
                f"array '{stored.name}' {list(shape)} does not reshape to {list(card.shape)} by sample"
            )
        shape = (shape[0], *card.shape[1:])
    if len(shape) != len(card.axes):
        raise WirelessFMError(
            f"array '{stored.name}' has {len(shape)} dimensions {list(shape)}, the card names {len(card.axes)} axes "
            f"{list(card.axes)}; name every dimension"
        )
    for axis, size in zip(card.axes, shape, strict=True):
        if (axis == RE_IM and size != 2) or (axis == DROPPED and size != 1):
            raise WirelessFMError(
                f"axis '{axis}' must have length {2 if axis == RE_IM else 1}, found {size} in {shape}"
            )
    if 0 in shape:
        raise WirelessFMError(f"array '{stored.name}' is empty: {list(shape)}")
    return shape


def _to_complex(raw: np.ndarray, card: Card, shape: tuple[int, ...]) -> np.ndarray:
    """One block of stored numbers as complex64 with the axes of the CSI."""
    if raw.dtype.kind not in "biufc":
        raise WirelessFMError(f"values must be numbers, found {raw.dtype}; name another variable as 'array'")
    if card.shape is not None:
        raw = raw.reshape(-1, *shape[1:])
    scaled = raw
    if (card.centre, card.scale) != (0.0, 1.0) or card.values == "amplitude_db":
        scaled = (raw.astype(np.complex128 if raw.dtype.kind == "c" else np.float64) - card.centre) * card.scale
    axes = list(card.axes)
    if RE_IM in axes:
        if raw.dtype.kind == "c":
            raise WirelessFMError(f"values are complex already ({raw.dtype}), yet the card names a '{RE_IM}' axis")
        place = axes.index(RE_IM)
        parts = np.moveaxis(scaled, place, 0)
        scaled = np.empty(parts.shape[1:], dtype=np.complex64)
        scaled.real, scaled.imag = parts
        axes.pop(place)
    elif card.values == "complex" and raw.dtype.kind != "c":
        raise WirelessFMError(
            f"values are real ({raw.dtype}) but the card says complex; name a '{RE_IM}' axis, an imag_array, "
            "or values: amplitude"
        )
    if card.values == "amplitude_db":
        scaled = 10 ** (scaled / 20)
    return _merge(scaled.astype(np.complex64, copy=False), axes)


def _merge(values: np.ndarray, axes: list[str]) -> np.ndarray:
    """Order the axes, merge repeated ones, and drop the axes of length one."""
    groups = [[i for i, axis in enumerate(axes) if axis == name] for name in _ordered(axes)]
    dropped = [i for i, axis in enumerate(axes) if axis == DROPPED]
    moved = values.transpose([i for group in groups for i in group] + dropped)
    return moved.reshape([math.prod(values.shape[i] for i in group) for group in groups])


def read_labels(file: str | os.PathLike[str], card: Card) -> tuple[dict[str, torch.Tensor], dict[str, list[str]]]:
    """Labels by name, and the class names of those that were text."""
    dims = [n for n, name in zip(stored_shape(file, card), card.axes, strict=True) if name == "sample"]
    n_samples = math.prod(dims)
    counts = zip(card.sample_labels, np.unravel_index(np.arange(n_samples), dims), strict=False)
    labels = {name: label_tensor(count) for name, count in counts}
    classes = {}
    for name, variable in card.labels.items():
        values = find_array(file, variable).read()
        if values.size == n_samples:
            values = values.reshape(n_samples)
        if values.ndim < 1 or values.shape[0] != n_samples:
            raise WirelessFMError(f"label '{name}' must have {n_samples} entries (sample), found {list(values.shape)}")
        if values.dtype.kind in "US":
            known, values = np.unique(values, return_inverse=True)
            classes[name] = [str(k) for k in known]
        labels[name] = label_tensor(values)
    return dict(sorted(labels.items())), classes


def label_tensor(values: np.ndarray) -> torch.Tensor:
    """Integers and flags as int64, other numbers in their own precision."""
    if values.dtype.kind not in "biuf":
        raise WirelessFMError(f"labels must be numbers or text, found {values.dtype}")
    return torch.from_numpy(np.array(values, dtype=np.int64 if values.dtype.kind in "biu" else None, order="C"))


def coordinates(card: Card, sizes: Mapping[str, int]) -> dict[str, torch.Tensor]:
    """Positions along the axes whose spacing the card gives; subcarriers are centred on the carrier."""
    coords = {}
    if card.subcarrier_spacing_hz and "subcarrier" in sizes:
        coords["subcarrier"] = OFDM(sizes["subcarrier"], card.subcarrier_spacing_hz).frequencies_hz()
    if card.time_step_s and "time" in sizes:
        coords["time"] = torch.arange(sizes["time"], dtype=torch.float64) * card.time_step_s
    if card.antenna_spacing_wavelengths and "antenna" in sizes:
        line = torch.arange(sizes["antenna"], dtype=torch.float32) * card.antenna_spacing_wavelengths
        coords["antenna"] = torch.stack((torch.zeros_like(line), line, torch.zeros_like(line)), dim=1)
    return coords


def card_meta(card: Card, classes: Mapping[str, list[str]]) -> CSIMeta:
    """Carrier and provenance of a card; what a CSI has no field for goes to ``extra``."""
    told = {"values": (card.values, "complex"), "domain": (card.domain, "antenna-frequency"), "unit": (card.unit, "1")}
    extra: dict[str, Any] = {key: value for key, (value, usual) in told.items() if value != usual}
    extra |= {"groups": list(card.groups)} if card.groups else {}
    extra |= {"classes": dict(classes)} if classes else {}
    return CSIMeta(carrier_hz=card.carrier_hz, source=card.source, licence=card.licence, extra=extra)
