"""QuaDRiGa channel files: coefficients per antenna pair, path and snapshot, saved from MATLAB.

Layout: S. Jaeckel et al., QuaDRiGa documentation, class qd_channel: ``coeff`` (rx, tx, path, snapshot) and ``delay``
[s], the same shape or (path, snapshot), as variables or as members of a struct in a v7.3 file (HDF5: axes reversed,
complex as real/imag records; both are undone on reading).
"""

from __future__ import annotations

import os

import numpy as np
import torch

from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.data.arrayfiles import StoredArray, list_arrays
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import OFDM


def read_quadriga(
    path: str | os.PathLike[str], ofdm: OFDM, carrier_hz: float | None = None, time_step_s: float | None = None
) -> CSI:
    """The frequency response of one link, CSI [sample=1, time, rx, antenna, subcarrier].

    H(f) = sum over paths of coeff e^{-j 2 pi f delay}, f relative to the carrier: QuaDRiGa's coefficients already
    contain the carrier phase.

    Args:
        path: the ``.mat`` file, one channel object.
        ofdm: the tones to evaluate; a file has no grid of its own.
        carrier_hz: overrides ``center_frequency`` of the file.
        time_step_s: time between snapshots, for the coordinate.

    Raises:
        WirelessFMError: missing or damaged file, no coefficients or delays, shapes that disagree.
    """
    arrays = list_arrays(path)
    coeff = _four_axes(_member(arrays, ("coeff",), path))
    delay_s = _member(arrays, ("delay", "delays"), path)
    delay_s = delay_s.reshape(1, 1, *delay_s.shape) if delay_s.ndim == 2 else _four_axes(delay_s)
    if delay_s.shape[2:] != coeff.shape[2:] or delay_s.shape[:2] not in ((1, 1), coeff.shape[:2]):
        raise WirelessFMError(
            f"coeff is {coeff.shape} but delay is {delay_s.shape}; expected the same or (path, snapshot)"
        )
    frequency = ofdm.frequencies_hz().numpy()
    values = np.empty((1, coeff.shape[3], *coeff.shape[:2], len(frequency)), dtype=np.complex64)
    for tone, hertz in enumerate(frequency):
        response = (coeff * np.exp(-2j * np.pi * hertz * delay_s)).sum(axis=2)
        values[0, ..., tone] = response.transpose(2, 0, 1)
    coords = {"subcarrier": ofdm.frequencies_hz()}
    if time_step_s is not None:
        coords["time"] = torch.arange(values.shape[1], dtype=torch.float64) * time_step_s
    if carrier_hz is None and any(name.endswith("center_frequency") for name in arrays):
        carrier_hz = float(_member(arrays, ("center_frequency",), path).ravel()[0].real)
    meta = CSIMeta(carrier_hz=carrier_hz, source="QuaDRiGa channel coefficients")
    return CSI(torch.from_numpy(values), ("sample", "time", "rx", "antenna", "subcarrier"), coords, meta=meta)


def _member(arrays: dict[str, StoredArray], names: tuple[str, ...], path: str | os.PathLike[str]) -> np.ndarray:
    """The variable of that name, at the top of the file or in a struct."""
    found = [array for key, array in arrays.items() if key.rpartition("/")[2] in names]
    if len(found) != 1:
        there = ", ".join(f"{a.name} {list(a.shape)}" for a in arrays.values()) or "none"
        raise WirelessFMError(
            f"'{path}': expected one variable '{names[0]}', found {len(found)}; arrays there: {there}. "
            "Structs are only read from files saved with -v7.3"
        )
    return found[0].read()


def _four_axes(array: np.ndarray) -> np.ndarray:
    """MATLAB drops trailing dimensions of length one."""
    if array.ndim > 4:
        raise WirelessFMError(f"expected (rx, tx, path, snapshot), found {array.shape}")
    return array.reshape(*array.shape, *[1] * (4 - array.ndim))
