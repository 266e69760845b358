"""Writes tiny synthetic files in the published layouts, with truth the tests can compare against."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path

import h5py
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


def random_complex(*shape: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def save_v73(path: Path, **variables: np.ndarray) -> Path:
    """As MATLAB's save -v7.3: reversed axes, complex as (real, imag) records."""
    with h5py.File(path, "w") as file:
        for name, value in variables.items():
            reversed_axes = value.T
            if np.iscomplexobj(value):
                record = np.dtype([("real", reversed_axes.real.dtype), ("imag", reversed_axes.real.dtype)])
                stored = np.empty(reversed_axes.shape, record)
                stored["real"], stored["imag"] = reversed_axes.real, reversed_axes.imag
                reversed_axes = stored
            file.create_dataset(name, data=reversed_axes)
    return path


def wimae(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "channels.npz", channels=random_complex(5, 1, 4, 6))
    return folder / "channels.npz"


def wifo(folder: Path, v73: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    values = random_complex(5, 4, 3, 6)
    if v73:
        return save_v73(folder / "X_test.mat", X_val=values)
    scipy.io.savemat(folder / "X_test.mat", {"X_val": values})
    return folder / "X_test.mat"


def llm4cp(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return save_v73(folder / "H_U_his_test.mat", H_U_his_test=random_complex(3, 2, 4, 5, 2, 2, 2))


def csinet(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(0).uniform(0.4, 0.6, (3, 2048)).astype(np.float32)
    scipy.io.savemat(folder / "DATA_Htestin.mat", {"HT": image})
    return folder / "DATA_Htestin.mat"


def quadriga(folder: Path, delay_s: float = 1.25e-7) -> Path:
    """Two receive and three transmit antennas, two paths ``delay_s`` and twice that, four snapshots."""
    folder.mkdir(parents=True, exist_ok=True)
    delay = np.array([delay_s, 2 * delay_s])[:, None] * np.ones((1, 4))
    coeff = random_complex(2, 3, 2, 4).astype(np.complex128)
    return save_v73(folder / "channel.mat", coeff=coeff, delay=delay, center_frequency=np.array([[2.4e9]]))


def raw_iq(folder: Path, kind: str = "cu8") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    numbers = np.random.default_rng(0).integers(0, 127, 400)
    numbers.astype({"cu8": "u1", "cs8": "i1", "cs16": "<i2", "cf32": "<f4"}[kind]).tofile(folder / f"tone.{kind}")
    return folder / f"tone.{kind}"


def sigmf(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    data = np.random.default_rng(0).integers(-2000, 2000, 400).astype("<i2").tobytes()
    (folder / "burst.sigmf-data").write_bytes(data)
    mark = {"core:sample_start": 20, "core:sample_count": 50, "core:label": "burst", "core:freq_lower_edge": 99e6}
    head = {"core:datatype": "ci16_le", "core:sample_rate": 1e6, "core:version": "1.2.0", "core:license": "CC0",
            "core:sha512": hashlib.sha512(data).hexdigest()}  # fmt: skip
    meta = {"global": head, "captures": [{"core:sample_start": 0, "core:frequency": 1e8}], "annotations": [mark]}
    (folder / "burst.sigmf-meta").write_text(json.dumps(meta), encoding="utf-8")
    return folder / "burst.sigmf-meta"


def intel5300_loc8(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    np.savez_compressed(
        folder / "csi.npz",
        csi=rng.integers(-50, 50, (8, 30, 3, 2, 2)).astype(np.int8),
        day=np.repeat([3, 7], 4).astype(np.int8),
        period=np.ones(8, np.int8),
        loc=np.arange(1, 9).astype(np.int8),
        timestamp_us=np.arange(8, dtype=np.uint32),
        rssi_abc_noise_agc=rng.integers(-90, 40, (8, 5)).astype(np.int16),
    )
    return folder / "csi.npz"


def uwb_cir(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    taps = np.zeros((4, 260, 2), np.int16)
    taps[:, 20, 0] = 1000
    flat = {n: np.arange(4, dtype=np.float32) for n in ("first_path", "rx_level_dbm", "fp_level_dbm", "range_median_m")}
    np.savez_compressed(
        folder / "uwb.npz", cir=taps, label=np.array(["LOS", "NLOS", "NDP NLOS", "LOS"]), **flat,
        file_id=np.arange(4, dtype=np.int16), preamble_count=np.arange(4, dtype=np.int16),
        anchor_xy=np.zeros((4, 2), np.float32), tag_xy=np.ones((4, 2), np.float32),
    )  # fmt: skip
    return folder / "uwb.npz"


def esp32_har(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    runs = {}
    for name, n in (("D1_e01_rx_tx", 5), ("D1_e01_tx_rx", 4), ("D2_e01_rx_tx", 3)):
        runs[f"{name}_x"] = rng.uniform(5, 60, (56, n)).astype(np.float32)
        runs[f"{name}_y"] = np.array(["WALKING_RX", "TURN_TX"])[rng.integers(0, 2, n)]
    np.savez_compressed(folder / "esp32.npz", **runs)
    return folder / "esp32.npz"


def openofdm_iq(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(0).integers(-(2**15), 2**15, (300, 2)).astype(np.int16)
    np.savez_compressed(folder / "wifi_iq.npz", conducted_11a_6=values)
    return folder / "wifi_iq.npz"


def intel5300_log(folder: Path, n_packets: int = 3) -> tuple[Path, np.ndarray]:
    """A Linux 802.11n CSI Tool log and its CSI [packet, 30, 3 rx, 2 tx], chains in connector order."""
    folder.mkdir(parents=True, exist_ok=True)
    truth = np.random.default_rng(0).integers(-100, 100, (n_packets, 30, 3, 2, 2))
    frames = []
    for packet, values in enumerate(truth):
        bits = ""
        for group in values:
            bits = "000" + bits
            for tx_pair in group.reshape(-1, 2):
                for number in tx_pair:
                    bits = f"{int(number) & 0xFF:08b}" + bits
        payload = int(bits, 2).to_bytes((len(bits) + 7) // 8, "little")
        # timestamp, count, reserved, Nrx, Ntx, rssi a b c, noise, agc, permutation 0 1 2, length, rate.
        head = struct.pack(
            "<IHHBBBBBbBBHH", packet * 1000, packet, 0, 3, 2, 40, 41, 42, -90, 30, 0b100100, len(payload), 0
        )
        frame = b"\xbb" + head + payload
        frames.append(struct.pack(">H", len(frame)) + frame)
    (folder / "log.dat").write_bytes(b"".join(frames))
    return folder / "log.dat", truth[..., 0] + 1j * truth[..., 1]


def esp32_log(folder: Path) -> tuple[Path, np.ndarray]:
    """An ESP32-CSI-Tool log and its CSI [packet, 64]; each pair is imaginary, real."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = np.random.default_rng(0).integers(-30, 30, (4, 128))
    rows = [
        f"CSI_DATA,AP,AA:BB,-{40 + i},11,1,7,0,1,1,1,0,0,0,-90,0,6,2,{1000 * i},0,100,0,0,0.5,128,"
        f"[{' '.join(map(str, n))} ]"
        for i, n in enumerate(numbers)
    ]
    (folder / "log.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder / "log.csv", numbers[:, 1::2] + 1j * numbers[:, ::2]


def nexmon_log(folder: Path) -> tuple[Path, np.ndarray]:
    """A Nexmon capture of a 43455c0 chip at 20 MHz and its CSI [packet, 64]."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = np.random.default_rng(0).integers(-500, 500, (2, 64, 2)).astype("<i2")
    packets = b""
    for i, values in enumerate(numbers):
        udp = b"\x11" * 4 + bytes(6) + struct.pack("<HHHH", i, 0, 0xD024, 0x4345) + values.tobytes()
        frame = bytes(6) + b"NEXMON" + bytes(30) + udp
        packets += struct.pack("<IIII", i, 500, len(frame), len(frame)) + frame
    header = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    (folder / "log.pcap").write_bytes(header + packets)
    return folder / "log.pcap", numbers[..., 0] + 1j * numbers[..., 1]
