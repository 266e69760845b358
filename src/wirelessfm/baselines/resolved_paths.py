"""Paths read off a channel without labels.

A ray-traced channel without noise is a sum of a few plane waves, exact to the rounding of float32, and so exactly are
its paths to be had, though the band be a hundred times too narrow to tell their delays apart. With noise the same
method (:mod:`wirelessfm.signal.wave_resolution`) finds what waves noise allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import dft_codebook
from wirelessfm.signal.power import squared_magnitude
from wirelessfm.signal.wave_resolution import resolve_waves

# No path is stronger than free space allows at its delay; some at one place may add up to that much more.
_MOST_GAIN_DB = 3.0
_FAINT_DB = 25.0
_NO_PATH_DB = 99.0


@dataclass(frozen=True)
class ResolvedPaths:
    """Plane waves that explain a channel, float64 [sample, path].

    Attributes:
        cosine: direction cosine along the array, in [−1, 1].
        delay_s: in [0, 1/subcarrier spacing).
        power: squared gain; 0 where a sample has fewer paths.
        rest_db: [sample], power they leave relative to that of the channel, in dB.
        carrier_hz: None where it is not known; then any path is a possible one.
    """

    cosine: Tensor
    delay_s: Tensor
    power: Tensor
    rest_db: Tensor
    carrier_hz: float | None

    @property
    def excess_db(self) -> Tensor:
        """Loss beyond that of free space at the same delay: 0 for a line of sight; ``_NO_PATH_DB`` without a path."""
        if self.carrier_hz is None:
            raise WirelessFMError("the loss beyond free space needs the carrier; set CSIMeta.carrier_hz")
        free = (4 * math.pi * self.carrier_hz * self.delay_s.clamp_min(1e-9)).square()
        return torch.where(self.power > 0, -10 * (self.power * free).clamp_min(1e-30).log10(), _NO_PATH_DB)

    @property
    def possible(self) -> Tensor:
        """Bool [sample, path]: the paths that lose about what free space does or more, if there are any."""
        there = self.power > 0
        able = there if self.carrier_hz is None else there & (self.excess_db > -_MOST_GAIN_DB)
        return torch.where(able.any(dim=1, keepdim=True), able, there)

    @property
    def clear(self) -> Tensor:
        """Bool [sample, path]: the possible ones but for those 25 dB below the strongest."""
        strongest = torch.where(self.possible, self.power, 0.0).amax(dim=1, keepdim=True)
        return self.possible & (self.power >= strongest * 10 ** (-_FAINT_DB / 10))

    @property
    def first(self) -> Tensor:
        """Int64 [sample], the earliest of the clear ones."""
        return torch.where(self.clear, self.delay_s, torch.inf).argmin(dim=1)

    def of_first(self, values: Tensor) -> Tensor:
        """The entry [sample] of ``values`` [sample, path] for the first path."""
        return values.gather(1, self.first[:, None])[:, 0]

    def beam_shares(self, n_beams: int, n_antennas: int) -> Tensor:
        """What a half-wavelength array would receive in each of its beams: float64 [sample, beam], of sum 1.

        Powers of paths are added: their phases at another carrier are not known.
        """
        codebook = dft_codebook(n_antennas, n_beams).to(torch.complex128).to(self.power.device)
        antenna = torch.arange(n_antennas, dtype=torch.float64, device=self.power.device)
        angle = math.pi * antenna[:, None] * self.cosine[:, None]
        gains = squared_magnitude(codebook.conj() @ torch.polar(torch.ones_like(angle), angle))
        powers = (gains @ torch.where(self.possible, self.power, 0.0)[..., None])[..., 0]
        return powers / powers.sum(dim=1, keepdim=True).clamp_min(1e-300)


def resolve_paths(
    values: Tensor, positions_wavelengths: Tensor, frequencies_hz: Tensor, carrier_hz: float | None
) -> ResolvedPaths | None:
    """Paths of channels on a regular grid; None where the grid is another.

    Args:
        values: complex [sample, antenna, subcarrier].
        positions_wavelengths: float [antenna, 3]; regular along y, no more than half a wavelength apart, in any order.
        frequencies_hz: float64 [subcarrier]; regular, in any order.
        carrier_hz: None where it is not known.
    """
    rows, columns = positions_wavelengths[:, 1].argsort(), frequencies_hz.argsort()
    values, frequencies_hz = values[:, rows][..., columns], frequencies_hz[columns]
    positions = positions_wavelengths[rows].double() - positions_wavelengths.double().mean(dim=0)
    apart, spacing_hz = _step(positions[:, 1], 0.5), _step(frequencies_hz.double(), 1e5)
    if not 0 < apart < 0.51 or spacing_hz <= 0 or float(positions[:, [0, 2]].abs().max()) > 1e-3:
        return None
    waves = resolve_waves(values)
    total = squared_magnitude(values.to(torch.complex128)).mean(dim=(1, 2)).clamp_min(1e-300)
    return ResolvedPaths(
        (waves.rows / apart).clamp(-1, 1),
        (-waves.columns).remainder(1) / spacing_hz,
        squared_magnitude(waves.gain),
        10 * (waves.rest / total).clamp_min(1e-30).log10(),
        carrier_hz,
    )


def paths_of(csi: CSI) -> ResolvedPaths:
    """Paths of CSI (sample, antenna, subcarrier); antennas half a wavelength apart unless it says otherwise.

    Raises:
        WirelessFMError: no subcarrier frequencies, or not a regular line of antennas and regular subcarriers.
    """
    values, n = csi.tensor("sample antenna subcarrier"), csi.size("antenna")
    frequencies = csi.coords.get("subcarrier")
    positions = csi.coords.get("antenna", torch.stack([torch.zeros(n), torch.arange(n) / 2, torch.zeros(n)], dim=1))
    found = None if frequencies is None else resolve_paths(values, positions, frequencies, csi.meta.carrier_hz)
    if found is None:
        raise WirelessFMError(
            "resolving paths needs coords['subcarrier'] in Hz at a regular spacing, and antennas on a regular line "
            "along y, at most half a wavelength apart; found another grid"
        )
    return found


def _step(places: Tensor, alone: float) -> float:
    """The step of regular places, ``alone`` for a single one; 0 where steps differ."""
    if len(places) < 2:
        return alone
    steps = places.diff()
    step = float(steps.mean())
    return step if float((steps - step).abs().max()) <= 1e-3 * abs(step) else 0.0
