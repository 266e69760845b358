"""What is in this file? A description of any known or unknown file, and a card skeleton to fill in."""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

from wirelessfm.data.arrayfiles import SUFFIXES, StoredArray, list_arrays
from wirelessfm.data.card import Card, card_path
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_file

_SAMPLE_BYTES = 2**26


@dataclass(frozen=True)
class ArraySummary:
    """One array; the figures come from its first ``entries_seen`` entries along the first axis.

    ``mean_power_db`` is 10 log10 of the mean squared magnitude; the figures are None for text and empty arrays.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    entries_seen: int
    minimum: float | None = None
    maximum: float | None = None
    mean_power_db: float | None = None
    not_finite: int = 0
    zeros: int = 0


@dataclass(frozen=True)
class Description:
    """What a file or folder holds. ``guess`` names an entry of READERS, or is None; ``reason`` says why."""

    path: str
    size_bytes: int
    guess: str | None
    reason: str
    arrays: tuple[ArraySummary, ...] = ()
    files: tuple[str, ...] = ()
    has_card: bool = False
    notes: tuple[str, ...] = field(default=())

    def __str__(self) -> str:
        lines = [f"{self.path}  {self.size_bytes:,} bytes", f"format: {self.guess or 'unknown'} ({self.reason})"]
        lines += [_line(array) for array in self.arrays]
        lines += [f"  {name}" for name in self.files[:20]]
        lines += [f"  ... and {len(self.files) - 20} more"] if len(self.files) > 20 else []
        return "\n".join([*lines, *self.notes])


def inspect_file(path: str | os.PathLike[str]) -> Description:
    """Describe a file or folder without trusting it: axes, ranges, power, NaNs, and a guess of the format.

    Raises:
        WirelessFMError: nothing there, or an array file that cannot be opened.
    """
    path = Path(path)
    if not path.exists():
        raise WirelessFMError(f"expected a file or folder at '{path}', found nothing; check the path")
    if path.is_dir():
        return _describe_folder(path)
    size = path.stat().st_size
    if path.suffix.lower() not in SUFFIXES:
        guess, reason = _guess_by_name(path)
        return Description(str(path), size, guess, reason, files=_zip_names(path))
    arrays = list_arrays(path)
    summaries = tuple(_summary(array) for array in arrays.values())
    has_card = card_path(path).exists()
    guess, reason = ("card", f"its card {card_path(path).name} is beside it") if has_card else _guess_arrays(summaries)
    notes = () if guess else ("write a card skeleton with write_card_skeleton and fill it in",)
    return Description(str(path), size, guess, reason, summaries, has_card=has_card, notes=notes)


def write_card_skeleton(path: str | os.PathLike[str], overwrite: bool = False) -> Path:
    """Write ``FILE.card.yaml`` with a best guess at array and axes and every other key as a comment.

    Raises:
        WirelessFMError: the file has no array of numbers, or a card exists and ``overwrite`` is false.
    """
    target = card_path(path)
    if target.exists() and not overwrite:
        raise WirelessFMError(f"'{target}' already exists; edit it, or pass overwrite")
    arrays = {a.name: a for a in inspect_file(path).arrays if a.minimum is not None}
    if not arrays:
        raise WirelessFMError(f"'{path}' has no array of numbers a card could describe")
    main = max(arrays.values(), key=lambda a: math.prod(a.shape))
    axes = _guess_axes(main)
    labels = {a.name: a.name for a in arrays.values() if a is not main and a.shape[:1] == main.shape[:1]}
    head = {"array": main.name, "axes": axes, "labels": labels, "licence": "unknown", "source": "unknown"}
    lines = [
        f"# {main.name} is {main.dtype} {list(main.shape)}. Name every axis: sample, time, rx, antenna, subcarrier,",
        "# re_im (two: real, imaginary) or _ (length one, dropped). The axes below are a guess.",
        yaml.safe_dump(head, sort_keys=False, default_flow_style=None).rstrip(),
        "# further keys:",
    ]
    for name, info in Card.model_fields.items():
        if name not in head:
            lines.append(f"# {name}:" + (f"  # {info.description}" if info.description else ""))
    with atomic_file(target) as fresh:
        fresh.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def _summary(array: StoredArray) -> ArraySummary:
    shape, dtype = array.shape, array.dtype
    per_row = math.prod(shape[1:]) * dtype.itemsize
    rows = min(shape[0], max(1, _SAMPLE_BYTES // max(per_row, 1))) if shape else 1
    seen = array.read(0, rows) if math.prod(shape) else np.empty(0)
    if not seen.size or seen.dtype.kind not in "biufc":
        return ArraySummary(array.name, shape, str(seen.dtype), 0)
    finite = np.isfinite(seen)
    values = seen[finite]
    magnitude = np.abs(values.astype(np.complex128 if seen.dtype.kind == "c" else np.float64))
    span = magnitude if seen.dtype.kind == "c" else values
    power = float(np.mean(magnitude**2)) if values.size else 0.0
    return ArraySummary(
        name=array.name,
        shape=shape,
        dtype=str(seen.dtype),
        entries_seen=rows,
        minimum=float(span.min()) if values.size else math.nan,
        maximum=float(span.max()) if values.size else math.nan,
        mean_power_db=10 * math.log10(power) if power > 0 else -math.inf,
        not_finite=int(seen.size - values.size),
        zeros=int((values == 0).sum()),
    )


def _line(a: ArraySummary) -> str:
    if a.minimum is None:
        return f"  {a.name} {a.dtype} {list(a.shape)}"
    kind = "magnitude" if a.dtype.startswith("complex") else "range"
    seen = "" if not a.shape or a.entries_seen == a.shape[0] else f" (first {a.entries_seen} entries)"
    return (
        f"  {a.name} {a.dtype} {list(a.shape)}: {kind} {a.minimum:.4g} to {a.maximum:.4g}, "
        f"mean power {a.mean_power_db:.1f} dB, {a.not_finite} not finite, {a.zeros} zeros{seen}"
    )


_Arrays = Mapping[str, ArraySummary]
_ARRAY_RULES: tuple[tuple[str, str, Callable[[_Arrays], bool]], ...] = (
    ("wimae", "an array 'channels' of four axes", lambda a: "channels" in a and len(a["channels"].shape) == 4),
    ("csinet", "an array 'HT' with rows of 2048", lambda a: "HT" in a and a["HT"].shape[1:] == (2048,)),
    ("uwb-cir", "arrays 'cir' and 'first_path'", lambda a: {"cir", "first_path"} <= set(a)),
    ("intel5300-loc8", "arrays 'csi', 'loc' and 'day'", lambda a: {"csi", "loc", "day"} <= set(a)),
    ("esp32-har", "arrays such as D1_e01_rx_tx_x", lambda a: any("_rx_tx_x" in k or "_tx_rx_x" in k for k in a)),
    (
        "openofdm-iq",
        "arrays such as conducted_11a_6",
        lambda a: any(k.startswith(("conducted_11", "radiated_11")) for k in a),
    ),
    ("quadriga", "arrays 'coeff' and 'delay'", lambda a: {"coeff", "delay"} <= {k.rpartition("/")[2] for k in a}),
    ("llm4cp", "one complex array H_U_* or H_D_* of seven axes", lambda a: _single(a, ("H_U_", "H_D_"), 7)),
    ("wifo", "one complex array X_* of four axes", lambda a: _single(a, ("X_",), 4)),
)


def _single(arrays: _Arrays, prefixes: tuple[str, ...], dims: int) -> bool:
    return any(
        k.startswith(prefixes) and len(a.shape) == dims and a.dtype.startswith("complex") for k, a in arrays.items()
    )


def _guess_arrays(summaries: tuple[ArraySummary, ...]) -> tuple[str | None, str]:
    arrays = {a.name: a for a in summaries}
    for name, reason, fits in _ARRAY_RULES:
        if fits(arrays):
            return name, f"it has {reason}"
    return None, "no known array names; describe it with a data card"


def _guess_by_name(path: Path) -> tuple[str | None, str]:
    names = {
        ".sigmf-meta": "sigmf",
        ".sigmf-data": "sigmf",
        ".dat": "wifi-log",
        ".pcap": "wifi-log",
        ".csv": "wifi-log",
    }
    names |= dict.fromkeys((".cu8", ".cs8", ".cs16", ".cf32", ".sc16", ".fc32", ".iq", ".bin"), "raw-iq")
    if any(Path(member).name == "params.json" for member in _zip_names(path)):
        return "deepmimo-v4", "a zip file with params.json"
    guess = names.get(path.suffix.lower())
    return guess, f"the suffix {path.suffix}" if guess else f"the suffix '{path.suffix}' is not known"


def _zip_names(path: Path) -> tuple[str, ...]:
    if not zipfile.is_zipfile(path):
        return ()
    with zipfile.ZipFile(path) as archive:
        return tuple(archive.namelist())


def _describe_folder(path: Path) -> Description:
    files = sorted(file for file in path.iterdir() if file.is_file())
    names = {file.name for file in files}
    guess, reason = _guess_folder(path, names)
    return Description(
        str(path), sum(f.stat().st_size for f in files), guess, reason, files=tuple(f.name for f in files)
    )


def _guess_folder(path: Path, names: set[str]) -> tuple[str | None, str]:
    if "card.json" in names:
        try:
            kind = json.loads((path / "card.json").read_text(encoding="utf-8")).get("kind")
        except (OSError, ValueError, AttributeError):
            kind = "unreadable"
        return None, f"a folder of this package, kind {kind}; open it with CSI.load or Paths.load"
    if {"params.mat"} <= names and any(n.startswith("BS") and "_UE_" in n for n in names):
        return "deepmimo-v3", "params.mat and BSb_UE_first-last.mat are there"
    if "params.json" in names:
        return "deepmimo-v4", "params.json is there"
    if "NodePositions.json" in names and names & {"qdOutput.json", "qdOutput.json.gz"}:
        return "nist-qd", "qdOutput.json and NodePositions.json are there"
    if any(n.startswith("Info_") and n.endswith(".txt") for n in names) and "UE_pos.txt" in names:
        return "remcom-text", "Info_*.txt and UE_pos.txt are there"
    return None, "no known set of files"


def _guess_axes(array: ArraySummary) -> list[str]:
    """Names in the usual order; a trailing two of real numbers is taken as real and imaginary."""
    free = len(array.shape)
    tail = ["re_im"] if free > 1 and array.shape[-1] == 2 and not array.dtype.startswith("complex") else []
    usual = {1: ["sample"], 2: ["sample", "subcarrier"], 3: ["sample", "antenna", "subcarrier"],
             4: ["sample", "rx", "antenna", "subcarrier"]}  # fmt: skip
    count = free - len(tail)
    return (
        usual.get(count, ["sample", "time", "rx", "antenna", "subcarrier"][:count] + ["antenna"] * (count - 5)) + tail
    )
