"""DeepMIMO v3 scenario folders (MATLAB files, Wireless InSite ray tracing).

Layout: A. Alkhateeb, "DeepMIMO: A Generic Deep Learning Dataset for Millimeter Wave and Massive MIMO
Applications", ITA 2019, and the scenario files of its version 3. ``params.mat`` holds carrier_freq [Hz],
transmit_power [dB] and user_grids (first row, last row, users per row); ``BSb_UE_first-last.mat`` holds
``channels`` (1, users), each with ``p`` float32 (8, paths), ``rx_locs`` (users, 5): x, y, z [m], distance, path
loss, and ``tx_loc``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from wirelessfm.data.guard import reading
from wirelessfm.data.mat5 import read_mat5
from wirelessfm.data.readers.columns import COLUMNS, paths_from_columns
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.paths import Paths, PathsMeta

LICENCE = "CC BY-NC-SA 4.0 (DeepMIMO v3 scenarios)"
_LAYOUT = "a DeepMIMO v3 scenario folder (params.mat, BS1_UE_0-N.mat, ...)"
_N_ROWS = 8


def read_deepmimo_v3(folder: str | os.PathLike[str], bs: int = 1) -> Paths:
    """The users of one base station of a DeepMIMO v3 scenario, all grids in file order, path-less users included.

    Conventions, established on the 1016 line-of-sight users of two published scenarios (3.5 and 28 GHz) and
    repeated in ``tests/data/readers/test_deepmimo_v3.py``:

    - Rows of ``p``: phase [deg], delay [s], received power [dB], arrival azimuth, arrival zenith, departure
      azimuth, departure zenith [deg], line-of-sight flag. Row 5 and 6 equal the direction from base station to
      user within 0.001 deg, rows 3 and 4 the direction from user to base station: both point away from their
      own end, as in Paths. Zenith is measured from +z, so elevation = 90 deg - zenith.
    - The phase includes the carrier phase: e^{j phase} = e^{-j 2 pi f delay} on the line of sight.
    - Power minus ``transmit_power`` equals free space between isotropic antennas within 0.02 dB. Version 3 of
      the DeepMIMO generator divides the power by the number of subcarriers only when it synthesises channels;
      the files, and so the Paths, are undivided.
    - Delay x c exceeds the distance by 0.029 %, as with the refractive index of air.

    Args:
        folder: the scenario folder.
        bs: base station number, counted from 1 as in the file names.

    Returns:
        Paths; ``meta.extra["user_grids"]`` holds (first row, last row, users per row) of each grid. Rows of
        ``p`` beyond the eighth (Doppler) are not read.

    Raises:
        WirelessFMError: missing or damaged files, an unknown base station, users missing between files.
    """
    with reading(folder, _LAYOUT) as path:
        params = read_mat5(path / "params.mat")
        parts = [read_mat5(file) for file in _user_files(path, bs)]
        users = [np.asarray(cell, dtype=np.float64) for part in parts for cell in _cells(part)]
        n_paths = np.array([block.shape[1] for block in users], dtype=np.int64)
        rows = np.concatenate([*users, np.empty((_N_ROWS, 0))], axis=1)
        flags = np.array([bool((block[7] == 1).any()) for block in users], dtype=np.int8)
        position_m = np.concatenate([np.asarray(part["rx_locs"], dtype=np.float64)[:, :3] for part in parts])
        if len(position_m) != len(users):
            raise WirelessFMError(f"'{path}': {len(users)} users have channels but {len(position_m)} have positions")
        return paths_from_columns(
            _columns(rows, _number(params, "transmit_power")),
            n_paths,
            position_m,
            flags,
            _meta(path, bs, params, parts),
        )


def deepmimo_v3_base_stations(folder: str | os.PathLike[str]) -> list[int]:
    """The base station numbers that have user files in ``folder``."""
    with reading(folder, _LAYOUT) as path:
        found = (re.fullmatch(r"BS(\d+)_UE_\d+-\d+\.mat", file.name) for file in path.iterdir())
        return sorted({int(match[1]) for match in found if match})


def _user_files(folder: Path, bs: int) -> list[Path]:
    """In user order; every file must begin where the one before it ended."""
    known = deepmimo_v3_base_stations(folder)
    if bs not in known:
        raise unknown_name("base station of this folder", str(bs), map(str, known))
    spans = {
        tuple(int(n) for n in file.stem.rpartition("_")[2].split("-")): file
        for file in folder.glob(f"BS{bs}_UE_*-*.mat")
    }
    expected = 0
    for first, last in sorted(spans):
        if first != expected:
            raise WirelessFMError(f"'{folder}': users {expected} to {first} of BS{bs} are in no file; copy it again")
        expected = last
    return [spans[span] for span in sorted(spans)]


def _cells(part: dict[str, Any]) -> list[np.ndarray]:
    """``p`` of each user, [8, paths]; a user without a path may have an empty array of any shape."""
    blocks = []
    for cell in part["channels"].ravel():
        block = np.asarray(cell["p"].item())
        if block.size == 0:
            block = np.empty((_N_ROWS, 0))
        if block.ndim != 2 or block.shape[0] < _N_ROWS:
            raise WirelessFMError(f"each channel's p must be ({_N_ROWS}, paths), found {block.shape}")
        blocks.append(block[:_N_ROWS])
    return blocks


def _columns(rows: np.ndarray, transmit_power_db: float) -> dict[str, np.ndarray]:
    phase, delay, power, arrival_azimuth, arrival_zenith, departure_azimuth, departure_zenith, _ = rows
    ordered = (
        power - transmit_power_db, phase, delay,
        departure_azimuth, 90 - departure_zenith, arrival_azimuth, 90 - arrival_zenith,
    )  # fmt: skip
    return dict(zip(COLUMNS, ordered, strict=True))


def _meta(folder: Path, bs: int, params: dict[str, Any], parts: list[dict[str, Any]]) -> PathsMeta:
    x, y, z = (float(v) for v in np.asarray(parts[0]["tx_loc"], dtype=np.float64).ravel()[:3])
    return PathsMeta(
        carrier_hz=_number(params, "carrier_freq"),
        bs_position_m=(x, y, z),
        scene=folder.resolve().name,
        site=f"bs{bs}",
        source="DeepMIMO v3",
        licence=LICENCE,
        extra={"user_grids": np.asarray(params.get("user_grids", [])).tolist()},
    )


def _number(params: dict[str, Any], name: str) -> float:
    value = np.asarray(params[name], dtype=np.float64)
    if value.size != 1 or not np.isfinite(value).all():
        raise WirelessFMError(f"params.mat: {name} must be one finite number, found {value.tolist()}")
    return float(value.item())
