"""Estimation and interpolation by the waves of a channel: found where it was observed, continued over the whole grid.

Without noise that is nearly exact beyond the observed antennas. In noise it is as good as shrinking estimators between
observed entries, and worse than none far beyond them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.observed import observed_part
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal.grids import regular_grid, regular_step
from wirelessfm.signal.wave_fit import phasors
from wirelessfm.signal.wave_resolution import resolve_waves


def resolved_estimate(csi: CSI, n_classes: int = 0) -> Tensor:
    """The sum of the waves that explain the observed entries, complex64 in the shape of ``csi``.

    Where observed entries are too far apart to tell, delays are those of one over their spacing, a twentieth of it
    before zero, and directions those nearest to broadside.

    Raises:
        WirelessFMError: as :func:`.observed.observed_part`, or a grid or observed entries that are not regular.
    """
    seen = observed_part(csi)
    regular = regular_grid(csi.coords.get("antenna"), csi.coords.get("subcarrier"))
    if not regular or not can_continue(seen.antennas, seen.subcarriers, seen.shape):
        raise WirelessFMError(
            "resolving waves needs antennas on a regular line, regular subcarriers and observed entries at regular "
            f"distances, two at least where there are others; found antennas {seen.antennas.tolist()} and subcarriers "
            f"{seen.subcarriers.tolist()} of {seen.shape[0]} × {seen.shape[1]}; use 'omp'"
        )
    return continue_waves(seen.values, seen.antennas, seen.subcarriers, seen.shape)[0] * seen.scale


def can_continue(antennas: Tensor, subcarriers: Tensor, shape: tuple[int, int]) -> bool:
    """Whether observed entries are at regular distances, and say what comes beside them."""
    pairs = zip((antennas, subcarriers), shape, strict=True)
    return all(regular_step(which) > 0 and (len(which) > 1 or n == 1) for which, n in pairs)


def continue_waves(
    values: Tensor, antennas: Tensor, subcarriers: Tensor, shape: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Waves of the observed entries over the whole grid.

    Args:
        values: complex [sample, observed antenna, observed subcarrier].
        antennas, subcarriers: int64, which are observed; at regular distances.
        shape: of the whole grid.

    Returns:
        complex64 [sample, antenna, subcarrier], and float64 [sample], which share of the power may be noise; infinite
        where so many waves fit anything.
    """
    waves = resolve_waves(values).delayed(len(subcarriers))
    over_rows = phasors(waves.rows / regular_step(antennas), _about_observed(antennas, shape[0]))
    over_columns = phasors(waves.columns / regular_step(subcarriers), _about_observed(subcarriers, shape[1]))
    sums = (over_rows * waves.gain[:, None]) @ over_columns.transpose(1, 2)
    return sums.to(torch.complex64), waves.unexplained(values)


def _about_observed(observed: Tensor, n: int) -> Tensor:
    """Places of all entries of an axis about the middle of the observed ones."""
    return torch.arange(n, dtype=torch.float64, device=observed.device) - observed.double().mean()
