"""The frequency grid of an OFDM signal."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm.errors import WirelessFMError


@dataclass(frozen=True)
class OFDM:
    """``n_subcarriers`` tones ``spacing_hz`` apart, centred on the carrier like an FFT: from -n//2 to (n-1)//2."""

    n_subcarriers: int
    spacing_hz: float

    def __post_init__(self) -> None:
        if self.n_subcarriers < 1 or not self.spacing_hz > 0:
            raise WirelessFMError(
                "OFDM needs at least 1 subcarrier and a positive spacing in Hz, found "
                f"{self.n_subcarriers} at {self.spacing_hz}"
            )

    @property
    def bandwidth_hz(self) -> float:
        """Occupied bandwidth, subcarriers times spacing."""
        return self.n_subcarriers * self.spacing_hz

    def frequencies_hz(self) -> Tensor:
        """Float64 [subcarrier], relative to the carrier."""
        return (torch.arange(self.n_subcarriers, dtype=torch.float64) - self.n_subcarriers // 2) * self.spacing_hz
