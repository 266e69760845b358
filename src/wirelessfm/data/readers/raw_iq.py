"""Headerless interleaved I/Q samples: cs8 (HackRF), cu8 (RTL-SDR), cs16 (USRP), cf32 (GNU Radio)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch

from wirelessfm.data.guard import reading
from wirelessfm.data.iq import IQ
from wirelessfm.errors import WirelessFMError, unknown_name

KINDS = {"cs8": "<i1", "cu8": "<u1", "cs16": "<i2", "cf32": "<f4"}
_SUFFIXES = {".cs8": "cs8", ".cu8": "cu8", ".cs16": "cs16", ".sc16": "cs16", ".cf32": "cf32", ".fc32": "cf32"}


def read_raw_iq(
    path: str | os.PathLike[str],
    kind: str | None = None,
    sample_rate_hz: float | None = None,
    centre_hz: float | None = None,
    start: int = 0,
    count: int | None = None,
) -> IQ:
    """Read samples; integers are scaled to full scale 1, and cu8 has its zero at 127.5.

    Args:
        path: the file.
        kind: one of KINDS; None goes by the suffix (``.cu8``, ``.cf32``, ...).
        sample_rate_hz, centre_hz: not in the file.
        start, count: samples to skip and to read; None reads to the end.

    Raises:
        WirelessFMError: missing or empty file, unknown kind, half a sample at the end.
    """
    with reading(path, "raw IQ samples") as file:
        kind = _SUFFIXES.get(file.suffix.lower()) if kind is None else kind
        if kind not in KINDS:
            raise unknown_name("kind of IQ sample (pass kind=)", str(kind), KINDS)
        samples = interleaved(file, np.dtype(KINDS[kind]), start, count)
        return IQ(samples, sample_rate_hz, centre_hz, source=file.name)


def interleaved(file: Path, dtype: np.dtype, start: int = 0, count: int | None = None) -> torch.Tensor:
    """complex64 [time] from interleaved I and Q of ``dtype``, integers scaled to full scale 1."""
    width = 2 * dtype.itemsize
    total, rest = divmod(file.stat().st_size, width)
    if rest or not total:
        raise WirelessFMError(f"'{file}' has {file.stat().st_size} bytes, not a whole number of {width}-byte samples")
    count = total - start if count is None else count
    if start < 0 or count < 1 or start + count > total:
        raise WirelessFMError(f"samples {start} to {start + count} of '{file}' requested, it has {total}")
    raw = np.fromfile(file, dtype=dtype, count=2 * count, offset=start * width).astype(np.float32)
    if dtype.kind == "u":
        raw = (raw - (2 ** (8 * dtype.itemsize) - 1) / 2) / 2 ** (8 * dtype.itemsize - 1)
    elif dtype.kind == "i":
        raw = raw / 2 ** (8 * dtype.itemsize - 1)
    return torch.view_as_complex(torch.from_numpy(raw.astype(np.float32).reshape(-1, 2)))
