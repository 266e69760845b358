"""Writes tiny synthetic files in the published layouts, with truth the tests can compare against."""

from __future__ import annotations

import gzip
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io
from scipy.spatial.transform import Rotation

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


def deepmimo_v4(
    folder: Path, scene: Scene = Scene(), kind: str = "npz", zenith: bool = True, inter: bool = True
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    paths = scene.paths()
    width = max(p.shape[1] for p in paths) + 1
    table = np.full((6, len(paths), width), np.nan)
    for user, p in enumerate(paths):
        table[:, user, : p.shape[1]] = p
    delay, gain, daz, del_, aaz, ael = table
    flags = [np.where(f == 1, 0.0, 11.0) for f in scene.flags()]
    code = np.array([[*f, *[np.nan] * (width - len(f))] for f in flags])
    matrices = {"power": gain, "phase": scene.phase_deg(delay), "delay": delay, "aod_az": daz, "aoa_az": aaz}
    matrices |= {"aod_el": 90 - del_ if zenith else del_, "aoa_el": 90 - ael if zenith else ael}
    matrices |= {"rx_pos": np.array(scene.users), "tx_pos": np.array([scene.bs])} | ({"inter": code} if inter else {})
    for key, value in matrices.items():
        file = folder / f"{key}_t001_tx000_r000"
        if kind == "mat":
            scipy.io.savemat(f"{file}.mat", {key: value.astype(np.float32)})
        else:
            np.savez_compressed(f"{file}.npz", **{key: value.astype(np.float32)})
    params = {"rt_params": {"frequency": scene.carrier_hz, "raytracer_name": "Remcom Wireless Insite"}, "txrx_sets": {}}
    (folder / "params.json").write_text(json.dumps(params), encoding="utf-8")
    return folder


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"{folder.name}/{file.name}")
    return target


def nist_qd(folder: Path, scene: Scene = Scene(carrier_hz=60e9), packed: bool = True) -> Path:
    """Transmitter 0 and one receiver whose time steps are the users of ``scene``, turned in space."""
    folder.mkdir(parents=True, exist_ok=True)
    rotation = (0.4, -0.2, 0.1)
    fields: dict[str, list] = {n: [] for n in ("Delay", "Gain", "Phase", "AODEL", "AODAZ", "AOAEL", "AOAAZ")}
    turn = Rotation.from_euler("ZXY", rotation)
    for (delay, gain, daz, del_, aaz, ael), flag in zip(scene.paths(), scene.flags(), strict=True):
        a, e = np.radians(aaz), np.radians(ael)
        v = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], -1)
        local = turn.inv().apply(v) if len(v) else v
        zenith, azimuth = np.degrees(np.arccos(local[:, 2])), np.degrees(np.arctan2(local[:, 1], local[:, 0]))
        row = (delay, gain, np.where(flag == 1, 0, np.pi), 90 - del_, daz, zenith, azimuth)
        for name, value in zip(fields, row, strict=True):
            fields[name].append(value.tolist())
    link = {"TX": 0, "RX": 1, "PAA_TX": 0, "PAA_RX": 0, **fields}
    text = json.dumps(link) + "\n"
    nodes = [
        {"Node": 0, "Position": [scene.bs], "Rotation": [[0, 0, 0]]},
        {"Node": 1, "Position": list(scene.users), "Rotation": [list(rotation)] * len(scene.users)},
    ]
    (folder / "NodePositions.json").write_text("".join(json.dumps(n) + "\n" for n in nodes), encoding="utf-8")
    (folder / "paraCfgCurrent.txt").write_text(f"ParameterName\tParameterValue\ncarrierFrequency\t{scene.carrier_hz}\n")
    if packed:
        (folder / "qdOutput.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    else:
        (folder / "qdOutput.json").write_text(text, encoding="utf-8")
    return folder


def remcom_text(folder: Path, scene: Scene = Scene(carrier_hz=60e9), level_db: float = 10.0) -> Path:
    """Powers include ``level_db`` and no antenna pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks = []
    for delay, gain, daz, del_, aaz, ael in scene.paths():
        rows = np.stack([scene.phase_deg(delay), delay, gain + level_db, aaz % 360, ael, daz % 360, del_], -1)
        blocks.append("\n".join(" ".join(f"{v:.10g}" for v in row) for row in rows))
    (folder / "Info_BM.txt").write_text("\n<ue>\n".join(blocks), encoding="utf-8")
    for name, points in (("AP", [scene.bs]), ("UE", scene.users), ("RIS", [(0, 0, 0)])):
        lines = "\n".join(" ".join(map(str, p)) for p in points)
        (folder / f"{name}_pos.txt").write_text(f"{name} positions (x y z)\n{lines}\n", encoding="utf-8")
    return folder
