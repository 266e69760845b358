"""NIST Q-D Channel Realization output (60 GHz ray tracing, JSON lines).

Layout: NIST / University of Padova, "Q-D Channel Realization Software", https://github.com/wigig-tools/qd-realization.
``qdOutput.json[.gz]``: one JSON object a line for each ordered pair of nodes and antenna arrays (PAA) with lists over
time of per-path Delay [s], Gain [dB], Phase [rad], AODEL, AODAZ, AOAEL, AOAAZ [deg]. ``NodePositions.json``: one
object a line with Node, Position and Rotation over time. ``paraCfgCurrent.txt``: carrierFrequency.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from wirelessfm.data.guard import reading
from wirelessfm.data.readers.columns import COLUMNS, direct_delay, paths_from_columns
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.paths import Paths, PathsMeta

LICENCE = "NIST software notice (US public domain), parts Apache-2.0"
_LAYOUT = "a NIST Q-D output folder (qdOutput.json[.gz], NodePositions.json, paraCfgCurrent.txt)"
_FIELDS = ("Gain", "Phase", "Delay", "AODAZ", "AODEL", "AOAAZ", "AOAEL")


def read_nist_qd(folder: str | os.PathLike[str], tx: int = 0, paa_tx: int = 0, paa_rx: int = 0) -> Paths:
    """All links of one fixed transmitter: the users are (receiver, time), receivers in node order.

    Conventions, established on the line-of-sight paths of two published scenarios:

    - ``*EL`` are zenith angles; both directions point away from their own end.
    - Angles at a node are in that node's rotated frame. Rotation (a, b, c) [rad] turns by a about z, then b about
      the new x, then c about the new y; undoing it gives the direction between the positions within 3e-7 rad.
    - Gain equals free space within 0.006 dB (the tracer takes c = 3e8 m/s) for 0 dB transmitted.
    - Phase is only that of the reflections (0 on the line of sight, pi a bounce): the carrier phase
      -2 pi f delay is added here, as Paths requires.
    - The line of sight is not marked: the earliest path is it when its delay x c equals the distance.

    Args:
        folder: folder with the three files.
        tx: node number of the transmitter.
        paa_tx, paa_rx: antenna array at either end.

    Returns:
        Paths; ``meta.extra`` lists ``rx`` and ``n_times``, so that user = rx index x n_times + time.

    Raises:
        WirelessFMError: missing or damaged files, unknown or moving transmitter.
    """
    with reading(folder, _LAYOUT) as path:
        nodes = {int(node["Node"]): node for node in _json_lines(path / "NodePositions.json")}
        links = _links(path, tx, paa_tx, paa_rx)
        meta = _meta(path, tx, nodes, links)
        users = [_users(link, nodes[int(link["TX"])], nodes[int(link["RX"])], meta.carrier_hz) for link in links]
        columns = {name: np.concatenate([c[name] for _, c, _, _ in users]) for name in COLUMNS}
        n_paths, position_m, los = (np.concatenate([user[i] for user in users]) for i in (0, 2, 3))
        return paths_from_columns(columns, n_paths, position_m, los, meta)


def _json_lines(path: Path) -> list[dict[str, Any]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in content.splitlines() if line.strip()]


def _links(folder: Path, tx: int, paa_tx: int, paa_rx: int) -> list[dict[str, Any]]:
    file = folder / "qdOutput.json"
    links = _json_lines(file if file.exists() else folder / "qdOutput.json.gz")
    known = {str(link["TX"]) for link in links}
    if str(tx) not in known:
        raise unknown_name("transmitter of this folder", str(tx), known)
    chosen = [k for k in links if (k["TX"], k.get("PAA_TX", 0), k.get("PAA_RX", 0)) == (tx, paa_tx, paa_rx)]
    if not chosen:
        raise WirelessFMError(f"transmitter {tx} has no link between antenna arrays {paa_tx} and {paa_rx}")
    return sorted(chosen, key=lambda link: int(link["RX"]))


def _meta(folder: Path, tx: int, nodes: Mapping[int, Any], links: list[dict[str, Any]]) -> PathsMeta:
    positions = np.atleast_2d(np.asarray(nodes[tx]["Position"], dtype=np.float64))
    if len(np.unique(positions, axis=0)) > 1:
        raise WirelessFMError(
            f"transmitter {tx} moves, and Paths has one base-station position; "
            "read the link the other way round (tx=the fixed node)"
        )
    x, y, z = (float(v) for v in positions[0])
    lines = (line.split("\t") for line in (folder / "paraCfgCurrent.txt").read_text(encoding="utf-8").splitlines())
    config = {fields[0].strip(): fields[1].strip() for fields in lines if len(fields) > 1}
    return PathsMeta(
        carrier_hz=float(config["carrierFrequency"]),
        bs_position_m=(x, y, z),
        scene=folder.resolve().name,
        site=f"node{tx}",
        source="NIST Q-D Channel Realization",
        licence=LICENCE,
        extra={"rx": [int(link["RX"]) for link in links], "n_times": len(links[0]["Delay"])},
    )


def _users(
    link: Mapping[str, Any], tx: Mapping[str, Any], rx: Mapping[str, Any], carrier_hz: float
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """n_paths, columns, position_m and los of one link, one user a time step."""
    times = len(link["Delay"])
    per_time = {name: [np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in link[name]] for name in _FIELDS}
    n_paths = np.array([delay.size for delay in per_time["Delay"]], dtype=np.int64)
    flat = {name: np.concatenate([*values, np.empty(0)]) for name, values in per_time.items()}
    step = np.repeat(np.arange(times), n_paths)
    departure = _global(flat["AODAZ"], flat["AODEL"], _over_time(tx["Rotation"], times)[step])
    arrival = _global(flat["AOAAZ"], flat["AOAEL"], _over_time(rx["Rotation"], times)[step])
    phase_deg = np.degrees(flat["Phase"]) - 360.0 * np.remainder(carrier_hz * flat["Delay"], 1.0)
    ordered = (flat["Gain"], phase_deg, flat["Delay"], *departure, *arrival)
    position_m = _over_time(rx["Position"], times)
    distance_m = np.linalg.norm(position_m - _over_time(tx["Position"], times), axis=1)
    earliest_s = np.array([delay.min(initial=np.inf) for delay in per_time["Delay"]])
    return n_paths, dict(zip(COLUMNS, ordered, strict=True)), position_m, direct_delay(earliest_s, distance_m)


def _over_time(values: Any, times: int) -> np.ndarray:
    """[time, 3]; a node that stands still may be given once."""
    array = np.atleast_2d(np.asarray(values, dtype=np.float64))
    return np.broadcast_to(array, (times, 3))


def _global(azimuth_deg: np.ndarray, zenith_deg: np.ndarray, rotation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth and elevation [deg] in the scene frame of directions given in frames rotated by ``rotation``."""
    if not len(azimuth_deg):
        return azimuth_deg, zenith_deg
    azimuth, zenith = np.radians(azimuth_deg), np.radians(zenith_deg)
    local = np.stack((np.sin(zenith) * np.cos(azimuth), np.sin(zenith) * np.sin(azimuth), np.cos(zenith)), axis=1)
    x, y, z = Rotation.from_euler("ZXY", rotation).apply(local).T
    return np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
