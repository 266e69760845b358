"""SigMF recordings: ``NAME.sigmf-meta`` (JSON) beside ``NAME.sigmf-data``.

Source: Signal Metadata Format 1.x, https://sigmf.org.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wirelessfm.data.guard import reading
from wirelessfm.data.iq import IQ, Annotation
from wirelessfm.data.readers.raw_iq import interleaved
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import read_json

_DATATYPE = re.compile(r"c([fiu])(8|16|32|64)(?:_(le|be))?")


def read_sigmf(path: str | os.PathLike[str], check_hash: bool = True) -> IQ:
    """Read a recording given either of its two files.

    Annotations keep their sample range, ``core:label`` (else ``core:comment``) and frequency edges. Integer
    samples are scaled to full scale 1.

    Raises:
        WirelessFMError: a missing file, real-valued or multi-channel samples, a SHA-512 that differs from
            ``core:sha512``, annotations outside the recording.
    """
    with reading(path, "a SigMF recording (.sigmf-meta beside .sigmf-data)") as file:
        meta = read_json(file.with_suffix(".sigmf-meta"))
        head, captures = meta["global"], meta.get("captures") or [{}]
        if head.get("core:num_channels", 1) != 1:
            raise WirelessFMError(f"expected one channel, found {head['core:num_channels']}; split the recording")
        data = file.with_suffix(".sigmf-data")
        if check_hash and "core:sha512" in head:
            _check_hash(data, head["core:sha512"])
        return IQ(
            samples=interleaved(data, _dtype(head["core:datatype"])),
            sample_rate_hz=_optional(head, "core:sample_rate"),
            centre_hz=_optional(captures[0], "core:frequency"),
            annotations=tuple(_annotation(mark) for mark in meta.get("annotations", [])),
            source=str(head.get("core:description", file.stem)),
            licence=str(head.get("core:license", "unknown")),
            extra={"captures": captures} if len(captures) > 1 else {},
        )


def _dtype(name: str) -> np.dtype[Any]:
    match = _DATATYPE.fullmatch(name)
    if match is None or (match[1] == "f") != (match[2] in ("32", "64") and name[1] == "f"):
        raise WirelessFMError(
            f"core:datatype '{name}' is not complex samples this reads (such as cf32_le, ci16_le, cu8)"
        )
    return np.dtype(f"{'>' if match[3] == 'be' else '<'}{match[1]}{int(match[2]) // 8}")


def _annotation(mark: Mapping[str, Any]) -> Annotation:
    return Annotation(
        start=int(mark["core:sample_start"]),
        count=int(mark.get("core:sample_count", 0)),
        label=str(mark.get("core:label", mark.get("core:comment", ""))),
        low_hz=_optional(mark, "core:freq_lower_edge"),
        high_hz=_optional(mark, "core:freq_upper_edge"),
    )


def _optional(content: Mapping[str, Any], key: str) -> float | None:
    return None if content.get(key) is None else float(content[key])


def _check_hash(data: Path, expected: str) -> None:
    with data.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha512").hexdigest()
    if found != expected:
        raise WirelessFMError(f"'{data}' is damaged: its SHA-512 differs from core:sha512; download it again")
