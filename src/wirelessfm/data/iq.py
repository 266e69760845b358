"""IQ: raw complex baseband samples; they have no CSI axes, only time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from wirelessfm.errors import WirelessFMError


@dataclass(frozen=True)
class Annotation:
    """A labelled stretch of samples; the frequency edges are absolute [Hz] where known."""

    start: int
    count: int
    label: str
    low_hz: float | None = None
    high_hz: float | None = None


@dataclass(frozen=True)
class IQ:
    """One recording.

    Attributes:
        samples: complex64 [time], full scale 1 for integer formats.
        sample_rate_hz: samples per second; None when a file does not say.
        centre_hz: frequency of 0 Hz baseband; None when a file does not say.
        annotations: labelled stretches, in file order.
        source, licence: provenance.
        extra: anything else the file says.

    Raises:
        WirelessFMError: wrong type or shape, non-finite samples, annotations outside the recording.
    """

    samples: Tensor
    sample_rate_hz: float | None = None
    centre_hz: float | None = None
    annotations: tuple[Annotation, ...] = ()
    source: str = "unknown"
    licence: str = "unknown"
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.samples.dtype != torch.complex64 or self.samples.dim() != 1:
            found = f"{self.samples.dtype} {list(self.samples.shape)}"
            raise WirelessFMError(f"IQ samples must be complex64 [time], found {found}")
        if not bool(torch.isfinite(torch.view_as_real(self.samples)).all()):
            raise WirelessFMError("IQ samples must be finite, found NaN or infinite values")
        if self.sample_rate_hz is not None and not 0 < self.sample_rate_hz < float("inf"):
            raise WirelessFMError(f"sample_rate_hz must be positive, found {self.sample_rate_hz}")
        for mark in self.annotations:
            if mark.start < 0 or mark.count < 0 or mark.start + mark.count > len(self):
                raise WirelessFMError(
                    f"annotation '{mark.label}' at {mark.start}+{mark.count} is outside {len(self)} samples"
                )

    def __len__(self) -> int:
        return int(self.samples.shape[0])

    @property
    def duration_s(self) -> float | None:
        """Length in seconds, None when the sample rate is unknown."""
        return None if self.sample_rate_hz is None else len(self) / self.sample_rate_hz
