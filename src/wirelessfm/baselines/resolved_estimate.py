"""Estimation and interpolation by the waves of a channel: found where it was observed, continued over the whole grid.

Without noise that is nearly exact beyond the observed antennas; in noise it is behind shrinking estimators.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wirelessfm.baselines.observed import observed_part
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal.power import squared_magnitude
from wirelessfm.signal.wave_resolution import resolve_waves

# As much of the delays that observed subcarriers tell apart may come before the delay 0.
_EARLY = 0.25


def resolved_estimate(csi: CSI, n_classes: int = 0) -> Tensor:
    """The sum of the waves that explain the observed entries, complex64 in the shape of ``csi``.

    Where observed entries are too far apart to tell, delays are those of one over their spacing, a quarter of it before
    zero, and directions those nearest to broadside.

    Raises:
        WirelessFMError: as :func:`.observed.observed_part`, or observed entries that are not at regular distances.
    """
    seen = observed_part(csi)
    for which in (seen.antennas, seen.subcarriers):
        if not regular_step(which):
            raise WirelessFMError(
                "resolving waves needs observed entries at regular distances, found distances "
                f"{which.diff().unique().tolist()}; use 'omp'"
            )
    return continue_waves(seen.values, seen.antennas, seen.subcarriers, seen.shape)[0] * seen.scale


def continue_waves(
    values: Tensor, antennas: Tensor, subcarriers: Tensor, shape: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Waves of the observed entries over the whole grid.

    Args:
        values: complex [sample, observed antenna, observed subcarrier].
        antennas, subcarriers: int64, which are observed; at regular distances.
        shape: of the whole grid.

    Returns:
        complex64 [sample, antenna, subcarrier], and float64 [sample], which share of the power is not explained.
    """
    waves = resolve_waves(values)
    # A whole turn from one observed entry to the next is no turn, but between them it is.
    delay = (_EARLY - waves.columns).remainder(1) - _EARLY
    whole = (waves.columns + delay) * (len(subcarriers) - 1) / 2
    gain = waves.gain * torch.polar(torch.ones_like(whole), -2 * math.pi * whole)
    over_rows = _phasors(waves.rows / regular_step(antennas), antennas, shape[0])
    over_columns = _phasors(-delay / regular_step(subcarriers), subcarriers, shape[1])
    power = squared_magnitude(values.to(torch.complex128)).mean(dim=(1, 2)).clamp_min(1e-300)
    return ((over_rows * gain[:, None]) @ over_columns.transpose(1, 2)).to(torch.complex64), waves.rest / power


def regular_step(observed: Tensor) -> int:
    """Distance of observed entries, 1 for a single one; 0 where distances differ."""
    steps = observed.diff().unique().tolist()
    return 1 if not steps else int(steps[0]) if len(steps) == 1 else 0


def _phasors(turns: Tensor, observed: Tensor, n: int) -> Tensor:
    """Waves over all entries of an axis, about the middle of the observed ones: complex128 [sample, entry, wave]."""
    places = torch.arange(n, dtype=torch.float64, device=turns.device) - observed.double().mean()
    angle = 2 * math.pi * places[:, None] * turns[:, None]
    return torch.polar(torch.ones_like(angle), angle)
