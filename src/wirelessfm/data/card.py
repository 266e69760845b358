"""Data cards: a YAML file beside an array file that says what the array is, so that any file can become a CSI.

Example (``measurement.npz.card.yaml``)::

    array: csi
    axes: [sample, subcarrier, rx, antenna, re_im]
    carrier_hz: 5.32e9
    subcarrier_spacing_hz: 312500
    labels: {location: loc, day: day}
    groups: [day]
    licence: MIT
    source: https://example.org/measurement

Axes are the names a CSI knows (sample, time, rx, antenna, subcarrier), in the order of the stored dimensions. A name
may occur several times: those dimensions are merged, first slowest. ``re_im`` is a dimension of two, real then
imaginary; ``_`` is a dimension of one that is dropped.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wirelessfm.csi import AXES, CSI, CSIMeta
from wirelessfm.data.arrayfiles import StoredArray, find_array
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.signal import OFDM

RE_IM, DROPPED = "re_im", "_"
_AXIS_NAMES = (*AXES, RE_IM, DROPPED)


class Card(BaseModel):
    """What is in an array file; every key but ``axes`` has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    axes: tuple[str, ...] = Field(description="one name per stored dimension, after `shape` if that is given")
    array: str | None = Field(default=None, description="variable that holds the values; default: the largest")
    imag_array: str | None = Field(default=None, description="variable with the imaginary part, when it is apart")
    shape: tuple[int, ...] | None = Field(default=None, description="reshape to this first (one -1 allowed)")
    values: Literal["complex", "amplitude", "amplitude_db"] = Field(
        default="complex", description="amplitude(_db): the phase was not recorded and becomes zero"
    )
    centre: float = Field(default=0.0, description="subtracted from every stored number")
    scale: float = Field(default=1.0, description="multiplied with every number after that")
    unit: str = Field(default="1", description="unit of the values after `scale`")
    domain: Literal["antenna-frequency", "angle-delay"] = "antenna-frequency"
    carrier_hz: float | None = Field(default=None, gt=0)
    subcarrier_spacing_hz: float | None = Field(default=None, gt=0)
    time_step_s: float | None = Field(default=None, gt=0)
    antenna_spacing_wavelengths: float | None = Field(default=None, gt=0, description="uniform line along y")
    labels: dict[str, str] = Field(default_factory=dict, description="label name: variable, first dimension sample")
    sample_labels: tuple[str, ...] = Field(
        default=(), description="names of the stored sample dimensions; each becomes a label that counts along it"
    )
    groups: tuple[str, ...] = Field(default=(), description="labels whose values must not be split over train and test")
    licence: str = "unknown"
    source: str = "unknown"


def card_path(file: str | os.PathLike[str]) -> Path:
    """Where the card of ``file`` is kept: ``FILE.card.yaml``."""
    file = Path(file)
    return file.with_name(f"{file.name}.card.yaml")


def load_card(path: str | os.PathLike[str]) -> Card:
    """Read and check a card.

    Raises:
        WirelessFMError: no such file, not YAML, unknown key (names the nearest), wrong value, unknown axis.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WirelessFMError(
            f"no card at '{path}'; write a skeleton with: wfm data inspect FILE --write-card"
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WirelessFMError(f"'{path}' is not readable YAML: {error}") from error
    if not isinstance(content, dict):
        raise WirelessFMError(f"'{path}' must hold keys and values, found {type(content).__name__}")
    return make_card(content, str(path))


def make_card(content: Mapping[str, Any], origin: str = "card") -> Card:
    """Check a mapping as a card; ``origin`` is named in the errors."""
    for key in content:
        if key not in Card.model_fields:
            raise WirelessFMError(f"'{origin}': {unknown_name('card key', str(key), Card.model_fields)}")
    try:
        card = Card(**content)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}, found {e['input']!r}" for e in error.errors()]
        raise WirelessFMError(f"'{origin}': {'; '.join(lines)}") from error
    _check(card, origin)
    return card


def _check(card: Card, origin: str) -> None:
    for axis in card.axes:
        if axis not in _AXIS_NAMES:
            raise WirelessFMError(f"'{origin}': {unknown_name('axis', axis, _AXIS_NAMES)}")
    if "sample" not in card.axes or card.axes.count(RE_IM) > 1:
        raise WirelessFMError(f"'{origin}': axes need 'sample' and at most one '{RE_IM}', found {list(card.axes)}")
    if RE_IM in card.axes and (card.imag_array or card.values != "complex"):
        raise WirelessFMError(f"'{origin}': give either the axis '{RE_IM}', imag_array or amplitudes, not two of them")
    if card.sample_labels and len(card.sample_labels) != card.axes.count("sample"):
        raise WirelessFMError(f"'{origin}': sample_labels must name all {card.axes.count('sample')} sample dimensions")
    for group in card.groups:
        if group not in (*card.labels, *card.sample_labels):
            known = (*card.labels, *card.sample_labels)
            raise WirelessFMError(f"'{origin}': groups: {unknown_name('label', group, known)}")


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
    """The axes of the resulting CSI: each name once, where it first occurs."""
    return tuple(dict.fromkeys(axis for axis in card.axes if axis in AXES))


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
    """Bring repeated axes next to their first occurrence, merge them, and drop the axes of length one."""
    order = dict.fromkeys(axis for axis in axes if axis != DROPPED)
    groups = [[i for i, axis in enumerate(axes) if axis == name] for name in order]
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
