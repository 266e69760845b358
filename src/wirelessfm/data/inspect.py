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
from wirelessfm.data.guard import reading
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_file

_BLOCK_BYTES = 2**22


@dataclass(frozen=True)
class ArraySummary:
    """One array; the figures come from the first ``seen`` (0 to 1) of it, and are None for text and empty arrays.

    ``minimum`` and ``maximum`` are magnitudes for complex numbers; ``mean_power_db`` is 10 log10 of the mean squared
    magnitude of the finite entries.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    seen: float = 1.0
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


def inspect_file(path: str | os.PathLike[str], max_bytes: int = 2**28) -> Description:
    """Describe a file or folder without trusting it: axes, ranges, power, NaNs, and a guess of the format.

    The figures of an array come from its first ``max_bytes`` bytes.

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
        guess, reason = guess_layout(path)
        return Description(str(path), size, guess, reason, files=_zip_names(path))
    guess, reason = guess_layout(path)
    summaries = tuple(_summary(array, max_bytes) for array in list_arrays(path).values())
    notes = () if guess else ("write a card skeleton with write_card_skeleton and fill it in",)
    return Description(str(path), size, guess, reason, summaries, has_card=card_path(path).exists(), notes=notes)


def guess_layout(path: str | os.PathLike[str]) -> tuple[str | None, str]:
    """The entry of READERS that fits a file or folder, or None, and the reason; reads names and headers only.

    Raises:
        WirelessFMError: an array or zip file that cannot be opened.
    """
    path = Path(path)
    if path.is_dir():
        return _guess_folder(path, {file.name for file in path.iterdir() if file.is_file()})
    if path.suffix.lower() not in SUFFIXES:
        return _guess_by_name(path)
    if card_path(path).exists():
        return "card", f"its card {card_path(path).name} is beside it"
    return _guess_arrays(list_arrays(path))


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


def _summary(array: StoredArray, max_bytes: int) -> ArraySummary:
    """Block by block along the axis that is outermost in the file."""
    axis = array.streams[0] if array.streams else 0
    length = array.shape[axis] if array.shape else 1
    per_row = max(math.prod(array.shape) // max(length, 1) * array.dtype.itemsize, 1)
    rows = min(length, max(1, max_bytes // per_row))
    if not math.prod(array.shape) or array.dtype.kind not in "biufc":
        return ArraySummary(array.name, array.shape, str(array.dtype))
    low, high, power, finite, zeros, total = math.inf, -math.inf, 0.0, 0, 0, 0
    step = max(1, _BLOCK_BYTES // per_row)
    for start in range(0, rows, step):
        block = array.read(start, min(start + step, rows), axis)
        values = block[np.isfinite(block)]
        total, finite, zeros = total + block.size, finite + values.size, zeros + int((values == 0).sum())
        span = np.abs(values) if block.dtype.kind == "c" else values
        if values.size:
            low, high = min(low, float(span.min())), max(high, float(span.max()))
            power += float(np.square(np.abs(values.astype(np.result_type(values, np.float64)))).sum())
    mean_power = power / finite if finite else 0.0
    return ArraySummary(
        name=array.name,
        shape=array.shape,
        dtype=str(array.dtype),
        seen=rows / length,
        minimum=low if finite else math.nan,
        maximum=high if finite else math.nan,
        mean_power_db=10 * math.log10(mean_power) if mean_power > 0 else -math.inf,
        not_finite=total - finite,
        zeros=zeros,
    )


def _line(a: ArraySummary) -> str:
    if a.minimum is None:
        return f"  {a.name} {a.dtype} {list(a.shape)}"
    kind = "magnitude" if a.dtype.startswith("complex") else "range"
    seen = "" if a.seen == 1 else f" (in the first {a.seen:.0%})"
    return (
        f"  {a.name} {a.dtype} {list(a.shape)}: {kind} {a.minimum:.4g} to {a.maximum:.4g}, "
        f"mean power {a.mean_power_db:.1f} dB, {a.not_finite} not finite, {a.zeros} zeros{seen}"
    )


_Arrays = Mapping[str, StoredArray]
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
    return any(k.startswith(prefixes) and len(a.shape) == dims and a.dtype.kind == "c" for k, a in arrays.items())


def _guess_arrays(arrays: _Arrays) -> tuple[str | None, str]:
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
    with reading(path, "a zip file"), zipfile.ZipFile(path) as archive:
        return tuple(archive.namelist())


def _describe_folder(path: Path) -> Description:
    files = sorted(file for file in path.iterdir() if file.is_file())
    guess, reason = guess_layout(path)
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
