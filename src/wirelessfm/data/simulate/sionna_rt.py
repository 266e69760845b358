"""Ray tracing with Sionna RT on the CPU: users of the base stations of a built-in city become Paths.

Sionna RT: Hoydis et al., "Sionna RT: Differentiable Ray Tracing for Radio Propagation Modeling" (2023), and
https://nvlabs.github.io/sionna/rt. One isotropic, vertically polarised antenna at each end.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from tqdm import tqdm

from wirelessfm.data.simulate.llvm import sionna_rt
from wirelessfm.data.simulate.places import Outdoors, Users, grid_users, place_sites, walking_users
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_file
from wirelessfm.paths import LOS, NLOS, NO_PATH, Paths, PathsMeta

# Users times rays of one solve: bounds the memory of the deterministic solver to about 2 GB.
BATCH_USER_RAYS = 10_000_000
OSM_LICENCE = "ODbL-1.0, contains information from OpenStreetMap, © OpenStreetMap contributors"
OSM_SCENES = ("munich", "etoile", "florence", "san_francisco")


@dataclass(frozen=True)
class TraceRequest:
    """What to trace. The same request always gives the same base stations and users.

    Attributes:
        scene: a scene that comes with Sionna RT.
        n_sites: number of base stations, placed by ``seed``; ignored if ``site_positions_m`` is given.
        site_positions_m: explicit (x, y, z) of each base station.
        carriers_hz: every carrier sees the same users in the same order.
        layout: ``grid`` or ``walk``.
        spacing_m: distance of grid points; walks start on grid points.
        radius_m: users stay within this horizontal distance of their base station.
        max_users: a random choice of so many grid points; None keeps all.
        n_connected: take grid points in random order until so many have a path, rounded up to whole
            batches; the first carrier decides. None takes all points, in the order of the grid.
        n_walks, n_steps, interval_s, speed_m_per_s: walks; user = walk * n_steps + step.
        seed: of base stations, users and rays.
        depth: largest number of interactions of a path.
        rays: rays shot from the base station.
        max_paths: strongest paths kept per user.
        refraction: paths through walls. Off by default: the buildings are hollow, so it lets too much through.
        diffraction: paths around edges; three to four times slower.

    Raises:
        WirelessFMError: a value out of range.
    """

    scene: str = "munich"
    n_sites: int = 1
    site_positions_m: tuple[tuple[float, float, float], ...] | None = None
    carriers_hz: tuple[float, ...] = (3.5e9,)
    layout: Literal["grid", "walk"] = "grid"
    spacing_m: float = 3.0
    radius_m: float = 200.0
    max_users: int | None = None
    n_connected: int | None = None
    n_walks: int = 20
    n_steps: int = 50
    interval_s: float = 0.5
    speed_m_per_s: float = 1.5
    seed: int = 0
    depth: int = 3
    rays: int = 20_000
    max_paths: int = 25
    refraction: bool = False
    diffraction: bool = False

    def __post_init__(self) -> None:
        least = {"n_sites": 1, "n_walks": 1, "n_steps": 1, "rays": 1, "max_paths": 1, "depth": 0, "seed": 0}
        least |= {name: 1 for name in ("max_users", "n_connected") if getattr(self, name) is not None}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise WirelessFMError(f"{name} must be at least {smallest}, found {getattr(self, name)}")
        for name in ("spacing_m", "radius_m", "interval_s", "speed_m_per_s"):
            if not getattr(self, name) > 0:
                raise WirelessFMError(f"{name} must be positive, found {getattr(self, name)}")
        if not self.carriers_hz or min(self.carriers_hz) <= 0:
            raise WirelessFMError(f"carriers_hz must be positive frequencies, found {self.carriers_hz}")
        if self.layout not in ("grid", "walk"):
            raise WirelessFMError(f"layout must be 'grid' or 'walk', found '{self.layout}'")
        if self.layout == "walk" and (self.max_users or self.n_connected):
            raise WirelessFMError("max_users and n_connected choose grid points; for walks set n_walks and n_steps")

    @property
    def batch_users(self) -> int:
        """Users traced at once: 500, fewer with more than 20,000 rays."""
        return max(1, min(500, BATCH_USER_RAYS // self.rays))


def trace_scene(request: TraceRequest, out: str | os.PathLike[str], progress: bool = True) -> list[Path]:
    """Trace every base station at every carrier and store each as a Paths folder ``SCENE-SITE-CARRIER``.

    Finished batches are kept in ``out/.partial`` until their folder is complete, so an interrupted call goes on
    where it stopped. Folders that exist with the same request are left as they are.

    Args:
        request: what to trace.
        out: folder for the results, created if needed.
        progress: show a progress bar.

    Returns:
        the folders, site after site, carriers in the order of the request.

    Raises:
        WirelessFMError: unknown scene, no outdoor users, a carrier for which a material is not defined, or a
            folder that holds something else.
    """
    place = Outdoors(request.scene)
    folders = []
    for number, position in enumerate(site_positions(request, place)):
        users = draw_users(request, place, position, number)
        yaw = yaw_rad(place, position, users)
        for carrier_hz in request.carriers_hz:
            meta = _meta(request, position, yaw, number, carrier_hz)
            folder = Path(out) / folder_name(request.scene, meta.site, carrier_hz)
            folders.append(folder)
            users = users[: _trace_into(folder, request, place, users, meta, progress)]
    return folders


def _trace_into(
    folder: Path, request: TraceRequest, place: Outdoors, users: Users, meta: PathsMeta, progress: bool
) -> int:
    """Make ``folder`` unless it is there; returns its number of users."""
    if folder.exists():
        return _load_same(folder, meta).n_users
    partial = folder.parent / ".partial" / f"{folder.name}-{_digest(meta)}"
    paths = trace(request, place, users, meta, partial, progress)
    paths.save(folder)
    shutil.rmtree(partial, ignore_errors=True)
    if not any(partial.parent.iterdir()):
        partial.parent.rmdir()
    return paths.n_users


def folder_name(scene: str, site: str, carrier_hz: float) -> str:
    """Such as ``munich-bs0-3.5GHz``."""
    return f"{scene}-{site}-{carrier_hz / 1e9:g}GHz"


def site_positions(request: TraceRequest, place: Outdoors) -> np.ndarray:
    """Base-station positions, float64 [site, 3] in metres."""
    if request.site_positions_m is not None:
        return np.asarray(request.site_positions_m, dtype=np.float64).reshape(-1, 3)
    # Rounded to centimetres, so that every number type states the same position.
    return place_sites(place, request.n_sites, request.radius_m, request.seed).round(2)


def draw_users(request: TraceRequest, place: Outdoors, bs_position_m: np.ndarray, number: int = 0) -> Users:
    """The users of base station ``number``.

    Raises:
        WirelessFMError: no outdoor point within the radius.
    """
    rng = np.random.default_rng([request.seed, number])
    grid = grid_users(place, bs_position_m, request.spacing_m, request.radius_m)
    if len(grid) == 0:
        raise WirelessFMError(
            f"no outdoor user within {request.radius_m} m of base station {np.round(bs_position_m, 1).tolist()} in "
            f"scene '{request.scene}'; move the base station, enlarge radius_m or reduce spacing_m"
        )
    if request.layout == "grid":
        chosen = rng.permutation(len(grid))[: request.max_users]
        return grid[np.sort(chosen) if request.n_connected is None else chosen]
    starts = grid.position_m[rng.choice(len(grid), request.n_walks)]
    step_m = request.speed_m_per_s * request.interval_s
    return walking_users(
        place, starts, request.n_steps, step_m, request.interval_s, bs_position_m, request.radius_m, rng
    )


def trace(
    request: TraceRequest,
    place: Outdoors,
    users: Users,
    meta: PathsMeta,
    partial: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Paths:
    """Trace ``users`` of one base station at one carrier.

    Args:
        request: depth, rays, max_paths and the kinds of interaction are read from it.
        place: the loaded scene.
        users: where they are and how they move.
        meta: says base-station position and carrier.
        partial: folder where finished batches are kept and looked for; None keeps them in memory.
        progress: show a progress bar.

    Returns:
        one entry per user, those without a path included; paths ordered by delay; ``doppler_hz`` for walks.

    Raises:
        WirelessFMError: the carrier is outside a material's range, or fewer than ``n_connected`` users have a path.
    """
    batches, connected, wanted = [], 0, request.n_connected
    label = folder_name(meta.scene, meta.site, meta.carrier_hz)
    with tqdm(total=len(users), desc=label, unit="user", disable=not progress) as bar:
        for batch in _solve_batches(request, place, users, meta, Path(partial) if partial else None):
            batches.append(batch)
            connected += int((batch["n_paths"] > 0).sum())
            bar.set_postfix(connected=connected, refresh=False)
            bar.update(len(batch["n_paths"]))
            if wanted is not None and connected >= wanted:
                break
    if wanted is not None and connected < wanted:
        raise WirelessFMError(
            f"{label}: {connected} of {len(users)} users have a path, n_connected asks for {wanted}; "
            "enlarge radius_m or reduce spacing_m"
        )
    arrays = {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}
    if request.layout == "grid":
        del arrays["doppler_hz"]
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    return Paths(**tensors, position_m=torch.from_numpy(users.position_m[: len(arrays["los"])]), meta=meta)


def _solve_batches(
    request: TraceRequest, place: Outdoors, users: Users, meta: PathsMeta, partial: Path | None
) -> Iterator[dict[str, np.ndarray]]:
    """The arrays of each batch of users, read from ``partial`` or traced and stored there."""
    rt = sionna_rt()
    _prepare(rt, place, meta, request.batch_users)
    # The default solver loses a path now and then, differently each time; this one costs 15 % and does not.
    solver = rt.PathSolver(deterministic=True)
    for number, start in enumerate(range(0, len(users), request.batch_users)):
        file = partial / f"batch-{number:05d}.npz" if partial else None
        if file is not None and file.is_file():
            with np.load(file, allow_pickle=False) as stored:
                yield dict(stored)
            continue
        n = _move_receivers(place, users[start : start + request.batch_users])
        found = solver(
            place.scene,
            max_depth=request.depth,
            samples_per_src=request.rays,
            refraction=request.refraction,
            diffraction=request.diffraction,
            seed=request.seed + 1,
        )
        batch = {name: array[:n] for name, array in _to_arrays(found, meta.carrier_hz, request.max_paths).items()}
        if file is not None:
            with atomic_file(file) as fresh:
                np.savez(fresh, **batch)
        yield batch


def _prepare(rt: Any, place: Outdoors, meta: PathsMeta, n_receivers: int) -> None:
    scene = place.scene
    try:
        scene.frequency = meta.carrier_hz
    except ValueError as error:
        raise WirelessFMError(
            f"cannot trace scene '{place.name}' at {meta.carrier_hz / 1e9:g} GHz: {error}; choose another carrier"
        ) from error
    scene.tx_array = scene.rx_array = rt.PlanarArray(num_rows=1, num_cols=1, pattern="iso", polarization="V")
    if not scene.transmitters:
        scene.add(rt.Transmitter("bs", position=[0.0, 0.0, 0.0]))
    scene.transmitters["bs"].position = list(meta.bs_position_m)
    # Moving a receiver is much faster than removing and adding it.
    for i in range(len(scene.receivers), n_receivers):
        scene.add(rt.Receiver(f"user-{i}", position=[0.0, 0.0, 0.0]))
    for i in range(n_receivers, len(scene.receivers)):
        scene.remove(f"user-{i}")


def _move_receivers(place: Outdoors, users: Users) -> int:
    """Move the receivers to a batch of users; those left over stand on the last user. Returns the batch size."""
    last = len(users) - 1
    for i, receiver in enumerate(place.scene.receivers.values()):
        receiver.position = users.position_m[min(i, last)].tolist()
        receiver.velocity = users.velocity_m_per_s[min(i, last)].tolist()
    return len(users)


def _to_arrays(found: Any, carrier_hz: float, max_paths: int) -> dict[str, np.ndarray]:
    """Sionna's paths as arrays of wirelessfm.Paths, [user, max_paths] or [user]."""
    delay_s = found.tau.numpy()[:, 0].astype(np.float64)
    real, imag = (part.numpy()[:, 0, 0, 0] for part in found.a)
    columns = {
        # Sionna keeps the carrier phase in the delay; float64 because there are thousands of turns.
        "gain": (real + 1j * imag) * np.exp(-2j * np.pi * carrier_hz * delay_s),
        "delay_s": delay_s,
        "departure_azimuth_rad": found.phi_t.numpy()[:, 0],
        "departure_elevation_rad": np.pi / 2 - found.theta_t.numpy()[:, 0],
        "arrival_azimuth_rad": found.phi_r.numpy()[:, 0],
        "arrival_elevation_rad": np.pi / 2 - found.theta_r.numpy()[:, 0],
        "doppler_hz": found.doppler.numpy()[:, 0],
        "n_interactions": (found.interactions.numpy()[:, :, 0] != 0).sum(axis=0),
    }
    valid = found.valid.numpy()[:, 0] & (columns["gain"] != 0)
    strongest = np.argsort(np.where(valid, -np.abs(columns["gain"]), np.inf), axis=1, kind="stable")[:, :max_paths]
    valid = np.take_along_axis(valid, strongest, axis=1)
    delay_s = np.where(valid, np.take_along_axis(delay_s, strongest, axis=1), np.inf)
    by_delay = np.argsort(delay_s, axis=1, kind="stable")
    order, valid = np.take_along_axis(strongest, by_delay, axis=1), np.take_along_axis(valid, by_delay, axis=1)
    arrays = {}
    for name, column in columns.items():
        dtype = {"gain": np.complex64, "n_interactions": np.int8}.get(name, np.float32)
        arrays[name] = np.zeros((len(valid), max_paths), dtype=dtype)
        arrays[name][:, : valid.shape[1]] = np.where(valid, np.take_along_axis(column, order, axis=1), 0)
    n_paths = valid.sum(axis=1).astype(np.int64)
    direct = (valid & (arrays["n_interactions"][:, : valid.shape[1]] == 0)).any(axis=1)
    los = np.where(n_paths == 0, NO_PATH, np.where(direct, LOS, NLOS)).astype(np.int8)
    return {**arrays, "n_paths": n_paths, "los": los}


def yaw_rad(place: Outdoors, bs_position_m: np.ndarray, users: Users) -> float:
    """Azimuth from the base station to the middle of the users it sees; of all users if it sees none."""
    seen = place.sees(np.broadcast_to(bs_position_m, (len(users), 3)), users.position_m)
    towards = users.position_m[seen if seen.any() else slice(None)].mean(axis=0) - bs_position_m
    return round(float(np.arctan2(towards[1], towards[0])), 4)


def _meta(request: TraceRequest, position: np.ndarray, yaw: float, number: int, carrier_hz: float) -> PathsMeta:
    x, y, z = (float(c) for c in position)
    told = {"scene", "carriers_hz", "seed", "n_sites", "site_positions_m"}
    only_walk = (
        {"n_walks", "n_steps", "interval_s", "speed_m_per_s"}
        if request.layout == "grid"
        else {"max_users", "n_connected"}
    )
    extra = {name: value for name, value in asdict(request).items() if name not in told | only_walk}
    return PathsMeta(
        carrier_hz=carrier_hz,
        bs_position_m=(x, y, z),
        bs_orientation_rad=(yaw, 0.0, 0.0),
        scene=request.scene,
        site=f"bs{number}",
        source=f"Sionna RT {metadata.version('sionna-rt')}, scene {request.scene}",
        licence=OSM_LICENCE if request.scene in OSM_SCENES else "Apache-2.0",
        seed=request.seed,
        extra=extra,
    )


def _digest(meta: PathsMeta) -> str:
    return hashlib.sha256(json.dumps(asdict(meta), sort_keys=True).encode()).hexdigest()[:12]


def _load_same(folder: Path, meta: PathsMeta) -> Paths:
    paths = Paths.load(folder)
    if paths.meta != meta:
        raise WirelessFMError(
            f"'{folder}' already holds paths of another request (seed {paths.meta.seed}, {paths.meta.extra}); "
            "choose another folder or delete it"
        )
    return paths
