"""Zero-label rule for positions: as far as the delay says, in the direction of the strongest angle."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wirelessfm.baselines.power_delay_los import delay_from_phase_slope
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import SPEED_OF_LIGHT_M_PER_S
from wirelessfm.signal import antenna_autocorrelation

_N_DIRECTIONS = 1024  # a metre in 1000 of distance


def position_from_delay_and_angle(csi: CSI, n_outputs: int = 2) -> Tensor:
    """(forward, left) in metres of a half-wavelength linear array: float32 [sample, 2].

    With distance d = c·τ from the phase slope and direction cosine u of the strongest angle: left = d·u and
    forward = d·√(1 − u²). Right for users in line of sight, in front of the array and at its height; a base station
    h above them is √(d² − h²) away on the ground, which this ignores, for a channel does not tell h.

    Raises:
        WirelessFMError: CSI without subcarrier frequencies or with one subcarrier, other than 2 outputs.
    """
    if n_outputs != 2:
        raise WirelessFMError(f"the position rule gives 2 coordinates, forward and left, found {n_outputs} outputs")
    distance_m = SPEED_OF_LIGHT_M_PER_S * delay_from_phase_slope(csi)
    cosine = strongest_direction_cosine(csi.tensor("sample antenna subcarrier"))
    return torch.stack([distance_m * (1 - cosine.square()).sqrt(), distance_m * cosine], dim=1)


def strongest_direction_cosine(values: Tensor) -> Tensor:
    """Where the angle-power spectrum of a half-wavelength linear array peaks: float32 [sample] in [−1, 1).

    The spectrum is the Fourier transform of the autocorrelation, which is short, so it is cheap on a fine grid.
    """
    n = values.shape[1]
    lags = torch.arange(1, n, device=values.device)
    grid = -1 + 2 * torch.arange(_N_DIRECTIONS, device=values.device) / _N_DIRECTIONS
    phase = -math.pi * lags[:, None] * grid
    # Sums over pairs, not means: their spectrum is that of the sweep, without negative sidelobes.
    sums = antenna_autocorrelation(values) * (n - lags)
    return grid[(sums @ torch.polar(torch.ones_like(phase), phase)).real.argmax(dim=1)]
