"""Sionna RT's paths as the arrays of wirelessfm.Paths."""

from __future__ import annotations

from typing import Any

import numpy as np

from wirelessfm.paths import LOS, NLOS, NO_PATH


def path_arrays(found: Any, carrier_hz: float, max_paths: int) -> dict[str, np.ndarray]:
    """The ``max_paths`` strongest paths of each user, ordered by delay.

    Args:
        found: a sionna.rt.Paths of one transmitter and many receivers with one antenna each.
        carrier_hz: carrier frequency.
        max_paths: width of the result.

    Returns:
        the per-path arrays of Paths, [user, max_paths], and ``n_paths`` and ``los``, [user].
    """
    columns = _columns(found, carrier_hz)
    valid = found.valid.numpy()[:, 0] & (columns["gain"] != 0)
    order = _strongest_by_delay(valid, np.abs(columns["gain"]), columns["delay_s"], max_paths)
    valid = np.take_along_axis(valid, order, axis=1)
    arrays: dict[str, np.ndarray] = {}
    for name, column in columns.items():
        dtype = {"gain": np.complex64, "n_interactions": np.int8}.get(name, np.float32)
        arrays[name] = np.zeros((len(valid), max_paths), dtype=dtype)
        arrays[name][:, : valid.shape[1]] = np.where(valid, np.take_along_axis(column, order, axis=1), 0)
    direct = (valid & (arrays["n_interactions"][:, : valid.shape[1]] == 0)).any(axis=1)
    n_paths = valid.sum(axis=1)
    los = np.where(n_paths == 0, NO_PATH, np.where(direct, LOS, NLOS))
    return {**arrays, "n_paths": n_paths.astype(np.int64), "los": los.astype(np.int8)}


def _columns(found: Any, carrier_hz: float) -> dict[str, np.ndarray]:
    delay_s = found.tau.numpy()[:, 0].astype(np.float64)
    real, imag = (part.numpy()[:, 0, 0, 0] for part in found.a)
    return {
        # Sionna leaves the carrier phase to the delay; float64 because it is thousands of turns.
        "gain": (real + 1j * imag) * np.exp(-2j * np.pi * carrier_hz * delay_s),
        "delay_s": delay_s,
        "departure_azimuth_rad": found.phi_t.numpy()[:, 0],
        "departure_elevation_rad": np.pi / 2 - found.theta_t.numpy()[:, 0],
        "arrival_azimuth_rad": found.phi_r.numpy()[:, 0],
        "arrival_elevation_rad": np.pi / 2 - found.theta_r.numpy()[:, 0],
        "doppler_hz": found.doppler.numpy()[:, 0],
        "n_interactions": (found.interactions.numpy()[:, :, 0] != 0).sum(axis=0),
    }


def _strongest_by_delay(valid: np.ndarray, strength: np.ndarray, delay_s: np.ndarray, n: int) -> np.ndarray:
    """Indices [user, up to n] of the strongest valid paths, earliest first, invalid ones last."""
    strongest = np.argsort(np.where(valid, -strength, np.inf), axis=1, kind="stable")[:, :n]
    kept_delay_s = np.take_along_axis(np.where(valid, delay_s, np.inf), strongest, axis=1)
    return np.take_along_axis(strongest, np.argsort(kept_delay_s, axis=1, kind="stable"), axis=1)
