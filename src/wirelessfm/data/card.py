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

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wirelessfm.csi import AXES
from wirelessfm.errors import WirelessFMError, unknown_name

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
