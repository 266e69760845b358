"""From the columns ray tracers write (dB, degrees, one row a path) to a padded Paths."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import SPEED_OF_LIGHT_M_PER_S, Paths, PathsMeta

ANGLES = ("departure_azimuth", "departure_elevation", "arrival_azimuth", "arrival_elevation")
COLUMNS = ("power_db", "phase_deg", "delay_s", *(f"{name}_deg" for name in ANGLES))


def paths_from_columns(
    columns: Mapping[str, np.ndarray],
    n_paths: np.ndarray,
    position_m: np.ndarray,
    los: np.ndarray,
    meta: PathsMeta,
    n_interactions: np.ndarray | None = None,
) -> Paths:
    """Pad flat columns to [user, path] and convert to linear amplitude and radians.

    Args:
        columns: float [total paths] each, named as in COLUMNS, users one after the other; ``power_db`` is
            relative to the transmitted power, ``phase_deg`` includes the carrier phase.
        n_paths: int [user].
        position_m: float [user, 3].
        los: int [user]; is overridden by -1 where a user has no path.
        meta: carrier, base station, provenance.
        n_interactions: int [total paths] or None.

    Raises:
        WirelessFMError: lengths that disagree, or non-finite numbers.
    """
    n_paths = np.asarray(n_paths, dtype=np.int64)
    total = int(n_paths.sum())
    for name in COLUMNS:
        if columns[name].shape != (total,):
            raise WirelessFMError(f"{name} must have {total} entries (paths), found shape {columns[name].shape}")
    mask = torch.arange(max(int(n_paths.max(initial=0)), 1)) < torch.from_numpy(n_paths)[:, None]
    flat = {name: np.asarray(columns[name], dtype=np.float64) for name in COLUMNS}
    gain = 10 ** (flat["power_db"] / 20) * np.exp(1j * np.radians(flat["phase_deg"]))
    angles = {f"{name}_rad": _padded(_radians(flat[f"{name}_deg"]), mask, torch.float32) for name in ANGLES}
    return Paths(
        gain=_padded(gain, mask, torch.complex64),
        delay_s=_padded(flat["delay_s"], mask, torch.float32),
        **angles,
        position_m=torch.from_numpy(np.asarray(position_m, dtype=np.float32)),
        los=torch.from_numpy(np.where(n_paths > 0, los, -1).astype(np.int8)),
        n_paths=torch.from_numpy(n_paths),
        meta=meta,
        n_interactions=None if n_interactions is None else _padded(n_interactions, mask, torch.int8),
    )


def direct_delay(earliest_delay_s: np.ndarray, distance_m: np.ndarray) -> np.ndarray:
    """Boolean: is the earliest path the straight line? Delay x c within 0.1 % or 2 cm of the distance.

    For tracers that do not mark the line of sight; the tolerance covers the speed of light in air (0.03 %).
    """
    excess_m = np.abs(earliest_delay_s * SPEED_OF_LIGHT_M_PER_S - distance_m)
    return np.asarray(excess_m < np.maximum(1e-3 * distance_m, 0.02))


def _radians(degrees: np.ndarray) -> np.ndarray:
    """To (-pi, pi], so that the same direction is always the same number."""
    return -(np.remainder(np.pi - np.radians(degrees), 2 * np.pi) - np.pi)


def _padded(values: np.ndarray, mask: Tensor, dtype: torch.dtype) -> Tensor:
    column = torch.from_numpy(np.ascontiguousarray(values)).to(dtype)
    return torch.zeros(mask.shape, dtype=dtype).masked_scatter_(mask, column)
