"""Text files with one path a line, as exported from Remcom Wireless InSite.

Layout: M. Bayraktar et al., "RIS-Aided Joint Channel Estimation and Localization at mmWave under Hardware
Impairments", IEEE TWC 2024, https://github.com/WiSeCom-Lab/RIS-ray-tracing. A path is phase [deg], delay [s],
power [dBm], azimuth and elevation of arrival, azimuth and elevation of departure [deg]; users are separated by
``<ue>``. ``Info_BM.txt`` is base station to user, ``Info_RM.txt`` surface to user, ``Info_BR.txt`` base station to
surface; ``AP_pos.txt``, ``RIS_pos.txt`` and ``UE_pos.txt`` are positions [m] under one line of title.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from wirelessfm.data.guard import reading
from wirelessfm.data.readers.columns import COLUMNS, direct_delay, paths_from_columns
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.paths import Paths, PathsMeta

LICENCE = "MIT (WiSeCom-Lab RIS-ray-tracing)"
_LAYOUT = "a folder of text paths (Info_BM.txt, AP_pos.txt, UE_pos.txt, ...)"
_ENDS = {"BM": ("AP_pos.txt", "UE_pos.txt"), "RM": ("RIS_pos.txt", "UE_pos.txt"), "BR": ("AP_pos.txt", "RIS_pos.txt")}
_FACTORY_LEVEL_DB = 39.864


def read_remcom_text(
    folder: str | os.PathLike[str],
    link: str = "BM",
    carrier_hz: float = 60e9,
    level_db: float = _FACTORY_LEVEL_DB,
    half_wave_dipoles: bool = True,
) -> Paths:
    """The users of one link of a folder of text paths.

    Conventions, established on the line-of-sight paths of the published factory (280 + 280 + 1 links):

    - Delay x c equals the distance within 1e-5 m; both directions point away from their own end within 0.0005 deg;
      elevation is measured from the horizon.
    - Power is that of free space plus 39.864 dB (transmit power and antenna gain) times the pattern of a vertical
      half-wave dipole at both ends: the remainder has a standard deviation of 0.0004 dB. Both are taken out here,
      so that the gains are those between isotropic antennas.
    - The phases follow no e^{-j 2 pi f delay} at any frequency between 20 and 100 GHz; they are kept as given.

    Args:
        folder: the folder.
        link: ``BM``, ``RM`` or ``BR``.
        carrier_hz: not in the files; 60 GHz in the published factory.
        level_db: transmit power plus antenna gains [dBm] subtracted from every power.
        half_wave_dipoles: divide by the amplitude pattern cos(pi/2 sin el) / cos el of both ends.

    Raises:
        WirelessFMError: missing or damaged files, an unknown link, users and positions that differ in number.
    """
    with reading(folder, _LAYOUT) as path:
        if link not in _ENDS:
            raise unknown_name("link", link, _ENDS)
        source, target = (np.loadtxt(path / name, skiprows=1, ndmin=2) for name in _ENDS[link])
        blocks = _blocks(path / f"Info_{link}.txt")
        if len(blocks) != len(target):
            raise WirelessFMError(f"Info_{link}.txt has {len(blocks)} users, {_ENDS[link][1]} {len(target)} positions")
        phase, delay, power, aaz, ael, daz, del_ = np.concatenate(blocks).T
        pattern_db = _dipole_db(ael) + _dipole_db(del_) if half_wave_dipoles else 0.0
        columns = dict(zip(COLUMNS, (power - level_db - pattern_db, phase, delay, daz, del_, aaz, ael), strict=True))
        earliest_s = np.array([block[:, 1].min(initial=np.inf) for block in blocks])
        los = direct_delay(earliest_s, np.linalg.norm(target - source[0], axis=1))
        n_paths = np.array([len(block) for block in blocks])
        return paths_from_columns(columns, n_paths, target, los, _meta(path, link, carrier_hz, source[0]))


def _blocks(file: Path) -> list[np.ndarray]:
    """One [path, 7] a user; a user without a path is an empty block."""
    users = file.read_text(encoding="utf-8").split("<ue>")
    return [np.array([line.split() for line in user.splitlines() if line.strip()], dtype=np.float64).reshape(-1, 7)
            for user in users]  # fmt: skip


def _dipole_db(elevation_deg: np.ndarray) -> np.ndarray:
    """Power pattern of a vertical half-wave dipole relative to the horizon; -60 dB at most, along its axis."""
    elevation = np.radians(elevation_deg)
    return 20 * np.log10(np.maximum(np.cos(np.pi / 2 * np.sin(elevation)) / np.maximum(np.cos(elevation), 1e-9), 1e-3))


def _meta(folder: Path, link: str, carrier_hz: float, source: np.ndarray) -> PathsMeta:
    x, y, z = (float(v) for v in source)
    return PathsMeta(
        carrier_hz=carrier_hz,
        bs_position_m=(x, y, z),
        scene=folder.resolve().name,
        site={"B": "bs", "R": "ris"}[link[0]],
        source="Remcom Wireless InSite text paths",
        licence=LICENCE,
    )
