"""Paths read off a channel without labels.

A ray-traced channel without noise is a sum of a few plane waves, exact to the rounding of float32, and so exactly are
its paths to be had, though the band be a hundred times too narrow to tell their delays apart. With noise the same
method (:mod:`wirelessfm.signal.wave_resolution`) finds what waves noise allows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import PlanarArray, dft_codebook
from wirelessfm.signal.grids import HALF_A_WAVE, line_step, regular_step
from wirelessfm.signal.power import squared_magnitude
from wirelessfm.signal.wave_fit import Waves
from wirelessfm.signal.wave_phases import expected_products
from wirelessfm.signal.wave_resolution import resolve_waves

# No path is stronger than free space allows at its delay; three at one place may add up to that much more.
_MOST_GAIN_DB = 10.0
_FAINT_DB = 25.0
NO_PATH_DB = 99.0


@dataclass(frozen=True)
class SeenWaves:
    """Waves as they were resolved.

    Attributes:
        waves: over antennas and subcarriers, about the middle of the grid.
        shape: number of both.
        apart: wavelengths from antenna to antenna; ``spacing_hz`` from subcarrier to subcarrier.
        middle: of the antennas, in wavelengths; ``middle_hz`` of the subcarriers, relative to the carrier.
    """

    waves: Waves
    shape: tuple[int, int]
    apart: float
    spacing_hz: float
    middle: float
    middle_hz: float

    def products(self, carrier_hz: float, seen_at_hz: float) -> Tensor:
        """Expected products of path gains at another carrier, where antennas have the position 0.

        Complex128 [sample, path, path]. As in all simulation here, delays are the same for all antennas.
        """
        place = -self.middle / self.apart, (carrier_hz - seen_at_hz - self.middle_hz) / self.spacing_hz
        return expected_products(self.waves, self.shape, place)


@dataclass(frozen=True)
class ResolvedPaths:
    """Plane waves that explain a channel, float64 [sample, path].

    Attributes:
        cosine: direction cosine along the array, in [−1, 1].
        delay_s: in [0, 1/subcarrier spacing).
        power: squared gain; 0 where a sample has fewer paths.
        rest_db: [sample], the power of noise that they leave relative to that of the channel, in dB, 0 at most.
        carrier_hz: None where it is not known; then any path is a possible one.
        seen: what says how phases go on at other carriers; None where nothing is known of them.
    """

    cosine: Tensor
    delay_s: Tensor
    power: Tensor
    rest_db: Tensor
    carrier_hz: float | None
    seen: SeenWaves | None = None

    @cached_property
    def excess_db(self) -> Tensor:
        """Loss beyond that of free space at the same delay: 0 for a line of sight; ``NO_PATH_DB`` without a path."""
        if self.carrier_hz is None:
            raise WirelessFMError("the loss beyond free space needs the carrier; set CSIMeta.carrier_hz")
        free = (4 * math.pi * self.carrier_hz * self.delay_s.clamp_min(1e-9)).square()
        return torch.where(self.power > 0, -10 * (self.power * free).clamp_min(1e-30).log10(), NO_PATH_DB)

    @cached_property
    def allowed(self) -> Tensor:
        """Bool [sample, path]: the paths that lose about what free space does, or more."""
        return (self.power > 0) & (self.excess_db > -_MOST_GAIN_DB)

    @cached_property
    def possible(self) -> Tensor:
        """Bool [sample, path]: the allowed ones; all where there are none, or no carrier is known."""
        there = self.power > 0
        able = there if self.carrier_hz is None else self.allowed
        return torch.where(able.any(dim=1, keepdim=True), able, there)

    @cached_property
    def clear(self) -> Tensor:
        """Bool [sample, path]: the possible ones but for those 25 dB below the strongest."""
        strongest = torch.where(self.possible, self.power, 0.0).amax(dim=1, keepdim=True)
        return self.possible & (self.power >= strongest * 10 ** (-_FAINT_DB / 10))

    @cached_property
    def first(self) -> Tensor:
        """Int64 [sample], the earliest of the clear ones."""
        return torch.where(self.clear, self.delay_s, torch.inf).argmin(dim=1)

    def of_first(self, values: Tensor) -> Tensor:
        """The entry [sample] of ``values`` [sample, path] for the first path."""
        return values.gather(1, self.first[:, None])[:, 0]

    def beam_shares(self, n_beams: int, n_antennas: int, carrier_hz: float | None = None) -> Tensor:
        """What a half-wavelength array would receive in each of its beams: float64 [sample, beam], of sum 1.

        At ``carrier_hz`` paths interfere as far as their phases there are known, see
        :func:`~wirelessfm.signal.wave_phases.expected_products`: a path is as strong at every carrier, and turns by its
        delay. The middle of that array is where antennas have the position 0. Where no carrier is given, or phases are
        not known, powers of paths are added.
        """
        codebook = dft_codebook(n_antennas, n_beams).to(torch.complex128).to(self.power.device)
        antenna = torch.arange(n_antennas, dtype=torch.float64, device=self.power.device) - (n_antennas - 1) / 2
        angle = math.pi * antenna[:, None] * self.cosine[:, None]
        gains = codebook.conj() @ torch.polar(torch.ones_like(angle), angle)
        powers = ((gains @ self._products(carrier_hz)) * gains.conj()).sum(dim=2).real.clamp_min(0)
        return powers / powers.sum(dim=1, keepdim=True).clamp_min(1e-300)

    def _products(self, carrier_hz: float | None) -> Tensor:
        """Of the gains of possible paths, complex128 [sample, path, path]."""
        possible = self.possible.to(torch.complex128)
        if carrier_hz is None or self.carrier_hz is None or self.seen is None:
            return torch.diag_embed(possible * self.power)
        return self.seen.products(carrier_hz, self.carrier_hz) * possible[:, :, None] * possible[:, None]


def resolve_paths(
    values: Tensor,
    positions_wavelengths: Tensor,
    frequencies_hz: Tensor,
    carrier_hz: float | None,
    resolve: Callable[[Tensor], Waves] = resolve_waves,
) -> ResolvedPaths | None:
    """Paths of channels on a regular grid; None where the grid is another.

    Args:
        values: complex [sample, antenna, subcarrier].
        positions_wavelengths: float [antenna, 3]; regular along y, no more than half a wavelength apart, in any order.
        frequencies_hz: float64 [subcarrier]; regular, in any order, two at least.
        carrier_hz: None where it is not known.
        resolve: waves of complex128 [sample, antenna, subcarrier], both ascending.
    """
    rows, columns = positions_wavelengths[:, 1].argsort(), frequencies_hz.argsort()
    apart, spacing_hz = line_step(positions_wavelengths[rows]), regular_step(frequencies_hz[columns], 0.0)
    if not 0 < apart < HALF_A_WAVE or spacing_hz <= 0:
        return None
    values = values[:, rows][..., columns].to(torch.complex128)
    waves = resolve(values).delayed(values.shape[2])
    return ResolvedPaths(
        (waves.rows / apart).clamp(-1, 1),
        (-waves.columns).clamp_min(0) / spacing_hz,
        squared_magnitude(waves.gain),
        10 * waves.unexplained(values).clamp(1e-30, 1).log10(),
        carrier_hz,
        SeenWaves(
            waves,
            (values.shape[1], values.shape[2]),
            apart,
            spacing_hz,
            float(positions_wavelengths[:, 1].mean()),
            float(frequencies_hz.mean()),
        ),
    )


def paths_of(csi: CSI) -> ResolvedPaths:
    """Paths of CSI (sample, antenna, subcarrier); antennas half a wavelength apart unless it says otherwise.

    Raises:
        WirelessFMError: no subcarrier frequencies, or not a regular line of antennas and regular subcarriers.
    """
    values, n = csi.tensor("sample antenna subcarrier"), csi.size("antenna")
    frequencies = csi.coords.get("subcarrier")
    positions = csi.coords.get("antenna", PlanarArray(n).positions_wavelengths())
    found = None if frequencies is None else resolve_paths(values, positions, frequencies, csi.meta.carrier_hz)
    if found is None:
        raise WirelessFMError(
            "resolving paths needs coords['subcarrier'] in Hz, two at least, at a regular spacing, and antennas on a "
            "regular line along y, at most half a wavelength apart; found another grid"
        )
    return found
