"""What was not observed, from the spectrum that the flagship predicts, and from waves: estimation and continuation."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from wirelessfm.baselines.autoregression import extended
from wirelessfm.baselines.known_part import AXES, known_part
from wirelessfm.baselines.resolved_estimate import can_continue, continue_waves
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.models.beam_tokens import BeamTokens, beam_tokens
from wirelessfm.models.seen import Seen, read_seen
from wirelessfm.nn.plane_waves import antenna_waves, delay_waves, wave_amounts
from wirelessfm.nn.wave_solvers import solve
from wirelessfm.signal.grids import HALF_A_WAVE, line_step, regular_grid, regular_step
from wirelessfm.signal.power import squared_magnitude

_STILL = ("sample", "antenna", "subcarrier")
_BATCH = 64
# The least noise power assumed, relative to the signal: what is left of a wave between two points of the grid.
_LEAST_NOISE = 1e-5
# How much resolved waves count in an estimate: half of the part of the grid that was observed, and a hundredth more for
# every decibel that what they leave is below the channel. Chosen on munich, and on munich with every path scattered
# into twenty.
_WAVES, _WAVES_PER_DB = 0.5, 0.01
# Iterations that are enough to see where power comes from; where everything was observed, in little noise, spectra get
# sharp, and fewer than the second leave one channel in a hundred far off.
_ROUGHLY, _CLOSELY = 40, 100
# So many times more often the spectrum follows the estimate where everything was observed.
_OF_EVERYTHING = 4
# What an autoregression of the sample itself has to say in a continuation; nobody trains it.
_AUTOREGRESSION = 0.4


def complete(model: Any, csi: CSI) -> Tensor:
    """All entries from the ``observed`` ones, see :meth:`.spectrum.SpectrumModel.complete`."""
    fills = {_STILL: _estimated, AXES: _continued}
    if csi.axes not in fills or not len(csi):
        raise WirelessFMError(
            f"this model completes CSI with axes {_STILL} or {AXES} and at least one sample, found {csi.axes} and "
            f"{len(csi)} samples; bring the axes into one of these orders"
        )
    csi, fill = csi.denormalise(), fills[csi.axes]
    with torch.inference_mode():
        return torch.cat([fill(model, csi[i : i + _BATCH]) for i in range(0, len(csi), _BATCH)])


def _estimated(model: Any, csi: CSI) -> Tensor:
    """The estimate for the predicted spectrum and the sum of the waves that can be resolved, averaged.

    Their errors have little in common: the spectrum shrinks what is uncertain, but only on a grid of directions and
    delays; waves are between, but as few as noise allows, and shrink nothing, so that far beyond what was observed they
    count little.
    """
    seen = read_seen(csi)
    resolved = _resolved(seen)
    if resolved is None:
        return _for_spectrum(model, seen) * seen.power.sqrt()[:, None, None]
    estimate, share = resolved
    unsure = (share < 1).nonzero()[:, 0]
    if len(unsure):
        other, counts = _for_spectrum(model, read_seen(csi[unsure])), share[unsure, None, None]
        estimate = estimate.index_copy(0, unsure, counts * estimate[unsure] + (1 - counts) * other)
    return estimate * seen.power.sqrt()[:, None, None]


def _for_spectrum(model: Any, seen: Seen) -> Tensor:
    """The estimate for the predicted spectrum, after the spectrum has followed the estimate a few steps.

    Reweighting as in FOCUSS (I. Gorodnitsky and B. Rao, IEEE Trans. Signal Process. 45(3), 1997), but cautious: the
    prediction keeps most of its weight. Two steps of 0.3 were chosen on munich, and four times as many where there is
    nothing but noise to be taken away on munich and san_francisco, cities of the training.
    """
    tokens = beam_tokens(seen)
    power = model.power_spectrum(model.encode(tokens), tokens, seen)
    values, noise = seen.values[:, 0], assumed_noise(seen)
    left, right, left_seen, right_seen = estimate_waves(seen, tokens)
    floor = 1e-6 * power.mean(dim=(1, 2), keepdim=True)
    everything = (len(seen.antennas), len(seen.subcarriers)) == seen.shape
    times, iterations = (_OF_EVERYTHING, _CLOSELY) if everything else (1, _ROUGHLY)
    for _ in range(times * model.config.reweightings):
        found = wave_amounts(power, values, noise, left_seen, right_seen, iterations)
        power = power**0.7 * (squared_magnitude(found) + floor) ** 0.3
    found = wave_amounts(power, values, noise, left_seen, right_seen, model.config.iterations, solve)
    return left @ found @ right.T


def _resolved(seen: Seen) -> tuple[Tensor, Tensor] | None:
    """Sum of waves over the whole grid, and how much it counts, float32 [sample]; None where waves are not resolved.

    Of grids that are no regular line of antennas, and of antennas farther apart than half a wavelength: directions are
    ambiguous there, which the network knows better.
    """
    # Ascending, whatever the order.
    orders = seen.positions[:, 1].argsort(), seen.frequencies_hz.argsort()
    back = [order.argsort() for order in orders]
    (antennas, rows), (subcarriers, columns) = back[0][seen.antennas].sort(), back[1][seen.subcarriers].sort()
    positions = seen.positions[orders[0]]
    regular = regular_grid(positions, seen.frequencies_hz[orders[1]]) and can_continue(
        antennas, subcarriers, seen.shape
    )
    if not regular or line_step(positions[antennas]) > HALF_A_WAVE:
        return None
    sums, rest = continue_waves(seen.values[:, 0, rows][..., columns], antennas, subcarriers, seen.shape)
    observed = math.prod(
        min(1.0, len(which) * regular_step(which) / n)
        for which, n in zip((antennas, subcarriers), seen.shape, strict=True)
    )
    share = (_WAVES * observed - 10 * _WAVES_PER_DB * rest.clamp(1e-30, 1).log10()).clamp_max(1)
    # So many waves fit anything.
    share = torch.where(rest.isfinite(), share, 0.0)
    return sums[:, back[0]][..., back[1]], share.float()


def _continued(model: Any, csi: CSI) -> Tensor:
    """Wiener's prediction for the predicted spectrum, averaged with an autoregression's.

    Their errors have little in common. The share was chosen on moving users of the cities of the training.
    """
    part = known_part(csi)
    return part.completed((1 - _AUTOREGRESSION) * model.asked(csi, part) + _AUTOREGRESSION * extended(part))


def assumed_noise(seen: Seen) -> Tensor:
    """Noise power per entry, float32 [sample], where it is not known that of :data:`_LEAST_NOISE`."""
    return torch.where(torch.isfinite(seen.noise), seen.noise, 0.0).clamp_min(_LEAST_NOISE)


def estimate_waves(seen: Seen, tokens: BeamTokens) -> tuple[Tensor, ...]:
    """Waves over all antennas, all subcarriers, and over the observed ones of both."""
    left = antenna_waves(seen.positions, tokens.directions)
    right = delay_waves(seen.frequencies_hz, tokens.delays_s)
    return left, right, left[seen.antennas], right[seen.subcarriers]
