"""Writes tiny synthetic files in the published layouts, with truth the tests can compare against."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io

C = 299_792_458.0


@dataclass(frozen=True)
class Scene:
    """Line of sight plus one bounce for each user; the second user has no path, the third no line of sight."""

    carrier_hz: float = 3.5e9
    bs: tuple[float, float, float] = (4.0, -3.0, 10.0)
    users: tuple[tuple[float, float, float], ...] = ((30.0, 20.0, 1.5), (-40, 5, 1.5), (-25, -60, 1.5), (4, 50, 2))
    mirror_x: float = 70.0

    def paths(self) -> list[np.ndarray]:
        """Per user float64 [6, paths]: delay_s, gain_db, departure azimuth, elevation, arrival azimuth, elevation."""
        rows = []
        for index, user in enumerate(self.users):
            kept = {1: [], 2: [True]}.get(index, [False, True])
            rows.append(np.array([self._path(np.array(user), bounce) for bounce in kept]).reshape(-1, 6).T)
        return rows

    def flags(self) -> list[np.ndarray]:
        return [np.array([1.0, 0.0][-n:] if n else []) for n in (p.shape[1] for p in self.paths())]

    def phase_deg(self, delay_s: np.ndarray) -> np.ndarray:
        return np.degrees(np.angle(np.exp(-2j * np.pi * self.carrier_hz * delay_s)))

    def _path(self, user: np.ndarray, bounce: bool) -> list[float]:
        bs = np.array(self.bs)
        flip = np.array([-1.0, 1.0, 1.0]) if bounce else np.ones(3)
        offset = np.array([2 * self.mirror_x, 0, 0]) if bounce else np.zeros(3)
        image_of_user, image_of_bs = user * flip + offset, bs * flip + offset
        distance = float(np.linalg.norm(image_of_user - bs))
        gain = 20 * np.log10(C / self.carrier_hz / (4 * np.pi * distance)) - 6.0 * bounce
        return [distance / C, gain, *_angles(image_of_user - bs), *_angles(image_of_bs - user)]


def _angles(v: np.ndarray) -> tuple[float, float]:
    return float(np.degrees(np.arctan2(v[1], v[0]))), float(np.degrees(np.arcsin(v[2] / np.linalg.norm(v))))


def deepmimo_v3(folder: Path, scene: Scene = Scene(), transmit_power: float = 30.0, split: int = 3) -> Path:
    """Two user files (users 0..split and the rest) for base station 1."""
    folder.mkdir(parents=True, exist_ok=True)
    params = {"version": 2, "carrier_freq": scene.carrier_hz, "transmit_power": transmit_power}
    scipy.io.savemat(folder / "params.mat", {**params, "user_grids": [[1.0, 2.0, 2.0]], "num_BS": 1})
    cells = np.empty((1, len(scene.users)), dtype=object)
    for i, (p, flag) in enumerate(zip(scene.paths(), scene.flags(), strict=True)):
        delay, gain, daz, del_, aaz, ael = p
        block = np.stack([scene.phase_deg(delay), delay, gain + transmit_power, aaz, 90 - ael, daz, 90 - del_, flag])
        cells[0, i] = {"p": block.astype(np.float32)}
    locations = np.array([[*u, np.linalg.norm(np.subtract(u, scene.bs)), 80.0] for u in scene.users])
    for first, last in ((0, split), (split, len(scene.users))):
        content = {"channels": cells[:, first:last], "rx_locs": locations[first:last], "tx_loc": [scene.bs]}
        scipy.io.savemat(folder / f"BS1_UE_{first}-{last}.mat", content)
    return folder
