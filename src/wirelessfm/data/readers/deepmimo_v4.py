"""DeepMIMO v4 scenario folders and zip files (npz, npy or MATLAB matrices beside a params.json).

Layout: https://deepmimo.net, "DeepMIMO specs": one matrix a file, named ``KEY_t001_tx000_r000.npz`` after the
transmitter set, the transmitter in it and the receiver set; ``params.json`` holds ``rt_params`` (frequency [Hz],
raytracer_name) and ``txrx_sets``.
"""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from wirelessfm.data.guard import reading
from wirelessfm.data.mat5 import read_mat5
from wirelessfm.data.readers.columns import COLUMNS, direct_delay, paths_from_columns
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.paths import Paths, PathsMeta

LICENCE = "see the scenario's page on deepmimo.net (mostly CC BY-NC-SA 4.0)"
_LAYOUT = "a DeepMIMO v4 scenario (folder or zip with params.json)"
_KEYS = ("power", "phase", "delay", "aod_az", "aod_el", "aoa_az", "aoa_el")
_NAME = re.compile(r"([a-z_]+)_t(\d+)_tx(\d+)_r(\d+)\.(npz|npy|mat)")
_Folder = Path | zipfile.Path


def read_deepmimo_v4(
    path: str | os.PathLike[str], tx_set: int | None = None, tx: int = 0, rx_set: int | None = None
) -> Paths:
    """The users of one receiver set seen from one transmitter of a DeepMIMO v4 scenario.

    Conventions of the files: power in dB for 0 dB transmitted, phase in degrees with the carrier phase, delay in
    seconds, angles in degrees, each pointing away from its own end; NaN behind the last path. ``*_el`` is the
    zenith angle in published scenarios although called elevation: files with negative values hold elevations,
    files without hold zeniths, and ``meta.extra["elevation"]`` says which was found. ``inter`` codes one digit
    per interaction, 0 on the line of sight.

    A zip file is read in place and never extracted, so its paths cannot escape anywhere.

    Args:
        path: scenario folder or zip file; the scenario may be one folder further down.
        tx_set, tx: transmitter set (None: the first there is) and transmitter in it.
        rx_set: receiver set (None: the first that belongs to the transmitter).

    Returns:
        Paths; without ``inter`` files a user counts as line of sight when the earliest delay x c is within
        0.1 % of the distance.

    Raises:
        WirelessFMError: missing or damaged files, unknown sets, matrices that disagree in shape.
    """
    with reading(path, _LAYOUT) as source:
        folder = _scenario_folder(source)
        params = json.loads(folder.joinpath("params.json").read_text(encoding="utf-8"))
        files = _matrix_files(folder)
        site = _choose_site(files, tx_set, tx, rx_set)
        matrices = {name[0]: _matrix(file, name[0]) for name, file in files.items() if name[1:] == site}
        return _paths(matrices, _meta(source, params, site, matrices))


def _scenario_folder(source: Path) -> _Folder:
    """The folder that holds params.json: the source itself or one folder in it."""
    root: _Folder = zipfile.Path(source) if source.is_file() else source
    for folder in (root, *(child for child in root.iterdir() if child.is_dir())):
        if folder.joinpath("params.json").is_file():
            return folder
    raise WirelessFMError(f"'{source}' has no params.json, neither at its top nor one folder down")


def _matrix_files(folder: _Folder) -> dict[tuple[str, int, int, int], _Folder]:
    found = {file: _NAME.fullmatch(file.name) for file in folder.iterdir()}
    return {(m[1], int(m[2]), int(m[3]), int(m[4])): file for file, m in found.items() if m}


def _choose_site(
    files: Mapping[tuple[str, int, int, int], _Folder], tx_set: int | None, tx: int, rx_set: int | None
) -> tuple[int, int, int]:
    known = sorted({name[1:] for name in files if name[0] == "power"})
    fitting = [w for w in known if tx_set in (None, w[0]) and w[1] == tx and rx_set in (None, w[2])]
    if not fitting:
        wanted = f"t{tx_set if tx_set is not None else '*'} tx{tx} r{rx_set if rx_set is not None else '*'}"
        raise unknown_name(
            "transmitter and receiver set of this scenario", wanted, (f"t{t} tx{i} r{r}" for t, i, r in known)
        )
    return fitting[0]


def _matrix(file: _Folder, key: str) -> np.ndarray:
    content = file.read_bytes()
    if file.name.endswith(".mat"):
        return np.asarray(read_mat5(content, key)[key], dtype=np.float64)
    loaded = np.load(BytesIO(content), allow_pickle=False)
    return np.asarray(loaded if isinstance(loaded, np.ndarray) else loaded[key], dtype=np.float64)


def _paths(matrices: Mapping[str, np.ndarray], meta: PathsMeta) -> Paths:
    power = matrices["power"]
    for key in (*_KEYS, *(["inter"] if "inter" in matrices else [])):
        if matrices[key].shape != power.shape or power.ndim != 2:
            raise WirelessFMError(f"{key} must be [user, path] like power {power.shape}, found {matrices[key].shape}")
    mask = np.isfinite(power)
    if not bool((mask[:, :-1] >= mask[:, 1:]).all()):
        raise WirelessFMError("paths must come before the NaN padding in every row of power; the file is damaged")
    flat = {key: matrices[key][mask] for key in _KEYS}
    if meta.extra["elevation"] == "zenith":
        flat |= {key: 90 - flat[key] for key in ("aod_el", "aoa_el")}
    columns = dict(zip(COLUMNS, (flat[key] for key in _KEYS), strict=True))
    position_m = matrices["rx_pos"].reshape(len(power), 3)
    inter = matrices["inter"][mask] if "inter" in matrices else None
    los = _los_users(mask, inter, matrices["delay"], position_m - np.array(meta.bs_position_m))
    count = None if inter is None else np.where(inter > 0, np.floor(np.log10(np.maximum(inter, 1))) + 1, 0)
    return paths_from_columns(columns, mask.sum(1), position_m, los, meta, count)


def _los_users(mask: np.ndarray, inter: np.ndarray | None, delay_s: np.ndarray, offset_m: np.ndarray) -> np.ndarray:
    if inter is not None:
        direct = np.zeros(mask.shape, dtype=bool)
        direct[mask] = inter == 0
        return np.asarray(direct.any(1))
    return direct_delay(np.where(mask, delay_s, np.inf).min(1, initial=np.inf), np.linalg.norm(offset_m, axis=1))


def _meta(
    source: Path, params: Mapping[str, Any], site: tuple[int, int, int], matrices: Mapping[str, Any]
) -> PathsMeta:
    x, y, z = (float(v) for v in matrices["tx_pos"].ravel()[:3])
    angles = np.concatenate([matrices["aod_el"].ravel(), matrices["aoa_el"].ravel()])
    return PathsMeta(
        carrier_hz=float(params["rt_params"]["frequency"]),
        bs_position_m=(x, y, z),
        scene=source.stem if source.is_file() else source.resolve().name,
        site=f"t{site[0]:03}_tx{site[1]:03}_r{site[2]:03}",
        source=f"DeepMIMO v4 ({params['rt_params'].get('raytracer_name', 'ray tracer unknown')})",
        licence=LICENCE,
        extra={"elevation": "elevation" if bool((angles < 0).any()) else "zenith"},
    )
