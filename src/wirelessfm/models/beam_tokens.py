"""CSI to one token per direction: how strong, how late, how coherent is what comes from there.

Every feature is physical (seconds, wavelengths, hertz, decibels) or relative, so any array and any numerology give
the same features of the same waves. Neither the global phase nor the scale is lost or looked at twice: power enters
as a number of its own, phases only as differences.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm.models.seen import Seen
from wirelessfm.nn.plane_waves import antenna_waves, delay_waves, direction_grid
from wirelessfm.nn.positions import harmonic_code
from wirelessfm.signal.power import squared_magnitude

N_DELAYS = 64
# Excess losses, in units of 10 dB, between which a line of sight and a reflection differ.
_THRESHOLDS = (-0.1, -0.04, 0.04, 0.1, 0.25, 0.6)
TOKEN_FEATURES = N_DELAYS + 14 + len(_THRESHOLDS)
GLOBAL_FEATURES = 14 + len(_THRESHOLDS)
POSITION_FEATURES = 2 * 32 + 2 * 8
_FREE_SPACE_DB = 20 * math.log10(4 * math.pi)


@dataclass(frozen=True)
class BeamTokens:
    """What the encoder reads.

    Attributes:
        features: float32 [sample, direction, TOKEN_FEATURES].
        summary: float32 [sample, GLOBAL_FEATURES].
        positions: float32 [direction, POSITION_FEATURES].
        directions: float32 [direction, 2], cosines along y and z.
        delays_s: float64 [N_DELAYS], of the profile that is part of the features.
        profile: float32 [sample, direction, N_DELAYS], matched-filter power relative to the strongest cell.
        power: float32 [sample, direction], over all subcarriers, relative to the strongest direction.
    """

    features: Tensor
    summary: Tensor
    positions: Tensor
    directions: Tensor
    delays_s: Tensor
    profile: Tensor
    power: Tensor


def beam_tokens(seen: Seen) -> BeamTokens:
    """Matched filters in every direction of :func:`direction_grid`, and what they say."""
    directions = direction_grid(seen.positions)
    frequencies = seen.frequencies_hz[seen.subcarriers]
    delays = torch.arange(N_DELAYS, dtype=torch.float64, device=frequencies.device) / (N_DELAYS * seen.gap_hz)
    beams = _beams(seen, directions)
    tones = delay_waves(frequencies, delays).conj() / math.sqrt(len(frequencies))
    profile = squared_magnitude(beams @ tones).mean(dim=1)
    profile = profile / profile.amax(dim=(1, 2), keepdim=True).clamp_min(1e-30)
    power = squared_magnitude(beams).mean(dim=(1, 3))
    lag = _lag(beams, seen)
    turn = (beams[:, 1:] * beams[:, :-1].conj()).mean(dim=(1, 3)) if beams.shape[1] > 1 else power + 0j
    around = (beams * beams.roll(1, dims=2).conj()).mean(dim=(1, 3))
    relative = power / power.amax(dim=1, keepdim=True).clamp_min(1e-30)
    total = lag.sum(dim=1, keepdim=True)
    peak, peak_lag = _peaks(seen, directions, power, lag) if not directions[:, 1].any() else (power, lag)
    local = [_delay_s(peak_lag, seen.gap_hz), _delay_s(total, seen.gap_hz)]
    excess = _excess(peak * (seen.power / len(seen.antennas))[:, None], local[0], seen.carrier_hz)
    parts = [
        relative,
        relative.sqrt(),
        (relative + 1e-4).log() / 4,
        power / len(seen.antennas),
        *_pair(lag / power.clamp_min(1e-9)),
        (lag.abs() / power.clamp_min(1e-9)).square(),
        *_pair(turn / power.clamp_min(1e-9)),
        *_pair(around / (power * power.roll(1, dims=1)).sqrt().clamp_min(1e-9) * relative.sqrt()),
        torch.log10(local[0]) + 6.5,
        ((local[0] - local[1]) * seen.gap_hz * seen.span).clamp(-4, 4),
        excess,
        *(relative.sqrt()[..., None] * _steps(excess)).unbind(dim=-1),
    ]
    features = torch.cat([profile**0.25, torch.stack([part.float() for part in parts], dim=-1)], dim=-1)
    summary = _summary(seen, power, total[:, 0], lag, turn)
    code = torch.cat([harmonic_code(directions[:, 0], 32), harmonic_code(directions[:, 1], 8)], dim=-1)
    return BeamTokens(features, summary, code, directions, delays, profile, relative)


def _delay_s(lag: Tensor, gap_hz: float) -> Tensor:
    """Delay of the phase slope: τ turns the phase by −2π·gap·τ from one subcarrier to the next."""
    cycles = torch.remainder(-torch.angle(lag) / (2 * math.pi), 1)
    # A little below zero is noise about zero, not a delay of a whole period.
    return (torch.where(cycles > 0.95, torch.zeros_like(cycles), cycles) / gap_hz).clamp_min(1e-9)


def _excess(power: Tensor, delay_s: Tensor, carrier_hz: float) -> Tensor:
    """Loss beyond that of free space at the same delay, in units of 10 dB: 0 for a line of sight alone."""
    gain_db = 10 * torch.log10(power.clamp_min(1e-20))
    free_db = -20 * torch.log10(delay_s * carrier_hz) - _FREE_SPACE_DB
    return ((free_db - gain_db) / 10).clamp(-4, 8)


def _steps(excess: Tensor) -> Tensor:
    """Smooth steps at the thresholds, float [..., threshold]: a decibel matters near 0 and hardly elsewhere."""
    thresholds = torch.tensor(_THRESHOLDS, device=excess.device)
    return torch.sigmoid((excess[..., None] - thresholds) / 0.03)


def _peaks(seen: Seen, directions: Tensor, power: Tensor, lag: Tensor) -> tuple[Tensor, Tensor]:
    """Power and lag of the strongest of three directions about each of a linear grid, half a step apart.

    Between two directions of the grid a wave loses up to 0.9 dB, as much as tells a line of sight from a reflection at
    grazing incidence; so it is 0.2 dB.
    ``power`` and ``lag`` are those on the grid.
    """
    half = directions + (directions[1] - directions[0]) / 2 if len(directions) > 1 else directions
    beams = _beams(seen, half)
    between, lag_between = squared_magnitude(beams).mean(dim=(1, 3)), _lag(beams, seen)
    powers = torch.stack([power, between, between.roll(1, dims=1)], dim=-1)
    lags = torch.stack([lag, lag_between, lag_between.roll(1, dims=1)], dim=-1)
    best, where = powers.max(dim=-1)
    return best, lags.gather(-1, where[..., None])[..., 0]


def _beams(seen: Seen, directions: Tensor) -> Tensor:
    """What a sweep receives, complex64 [sample, time, direction, subcarrier]."""
    steering = antenna_waves(seen.centred, directions) / math.sqrt(len(seen.antennas))
    return torch.einsum("ad,stak->stdk", steering.conj(), seen.values)


def _lag(beams: Tensor, seen: Seen) -> Tensor:
    """Mean of x(f + gap)·x*(f) over time and subcarriers, complex64 [sample, direction]; power of one subcarrier."""
    if beams.shape[-1] == 1:
        return squared_magnitude(beams).mean(dim=(1, 3)) + 0j
    products, near = beams[..., 1:] * beams[..., :-1].conj(), seen.neighbours
    return (products if bool(near.all()) else products[..., near]).mean(dim=(1, 3))


def _pair(value: Tensor) -> tuple[Tensor, Tensor]:
    return value.real, value.imag


def _summary(seen: Seen, power: Tensor, total: Tensor, lag: Tensor, turn: Tensor) -> Tensor:
    """Of the whole channel: power, delay, excess loss, coherence, spread, sizes, and the noise where it is known."""
    delay = _delay_s(total, seen.gap_hz)
    share = power / power.sum(dim=1, keepdim=True).clamp_min(1e-30)
    spread = -(share * share.clamp_min(1e-12).log()).sum(dim=1) - math.log(share.shape[1])
    n_antennas, n_subcarriers = len(seen.antennas), len(seen.subcarriers)
    known = torch.isfinite(seen.noise)
    ratio = torch.where(known, seen.noise, torch.ones_like(seen.noise)).clamp(1e-4, 10).log10()
    same = torch.ones_like(delay)
    excess = _excess(seen.power, delay, seen.carrier_hz)
    parts = [
        (10 * torch.log10(seen.power.clamp_min(1e-20)) + 110) / 20,
        torch.log10(delay) + 6.5,
        excess,
        *_steps(excess).unbind(dim=-1),
        lag.abs().sum(dim=1) / power.sum(dim=1).clamp_min(1e-9),
        turn.abs().sum(dim=1) / power.sum(dim=1).clamp_min(1e-9),
        spread,
        (power.amax(dim=1) / n_antennas).clamp_min(1e-9).log(),
        torch.where(known, ratio, 0.0),
        known.float(),
        same * (math.log2(n_antennas) / 5),
        same * (math.log2(n_subcarriers) / 5),
        same * math.log10(seen.gap_hz * seen.span / 1e7),
        same * math.log10(1e-6 * seen.gap_hz),
        same * math.log10(seen.carrier_hz / 3.5e9),
    ]
    return torch.stack([part.float() for part in parts], dim=-1)
