"""Ray tracing with Sionna RT on the CPU: users of the base stations of a city, or of a made-up town, become Paths.

Sionna RT: Hoydis et al., "Sionna RT: Differentiable Ray Tracing for Radio Propagation Modeling" (2023), and
https://nvlabs.github.io/sionna/rt. One isotropic, vertically polarised antenna at each end.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from wirelessfm.data.simulate.llvm import sionna_rt
from wirelessfm.data.simulate.path_arrays import path_arrays
from wirelessfm.data.simulate.places import Outdoors, Users, check_scene
from wirelessfm.data.simulate.plan import describe, draw_users, folder_name, site_positions
from wirelessfm.data.simulate.request import TraceRequest
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_file
from wirelessfm.paths import NO_PATH, Paths, PathsMeta

# Sionna finds repeated paths through a hash table of this size and drops a path whose place is taken: with its
# default and 500 users 10 % of the paths are lost. 10,000 places per user lose next to none.
HASH_TABLE_SIZE = 5_000_000


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
        first = None
        for meta in [describe(request, place, position, users, number, f) for f in request.carriers_hz]:
            folders.append(Path(out) / folder_name(meta.scene, meta.site, meta.carrier_hz))
            paths = _trace_into(folders[-1], request, place, users, meta, first, progress)
            first = paths if first is None else first
    return folders


def trace_scenes(
    requests: Sequence[TraceRequest], out: str | os.PathLike[str], progress: bool = True
) -> Iterator[Path]:
    """:func:`trace_scene` of many; one that cannot be traced does not keep the others from it.

    Raises:
        WirelessFMError: an unknown scene, before anything is traced; what went wrong, after all the others.
    """
    for request in requests:
        check_scene(request.scene)
    wrong = []
    for request in requests:
        try:
            yield from trace_scene(request, out, progress)
        except WirelessFMError as error:
            wrong.append(f"{request.scene}: {error}" if len(requests) > 1 else str(error))
    if wrong:
        raise WirelessFMError("; ".join(wrong))


def _trace_into(
    folder: Path,
    request: TraceRequest,
    place: Outdoors,
    users: Users,
    meta: PathsMeta,
    first: Paths | None,
    progress: bool,
) -> Paths:
    """Make ``folder`` unless it is there; ``first`` holds the same users at the first carrier."""
    if folder.exists():
        return _load_same(folder, meta)
    partial = folder.parent / ".partial" / f"{folder.name}-{_digest(meta)}"
    if first is None:
        paths = trace(request, place, users, meta, request.n_connected, partial, progress)
    else:
        # Geometry alone decides whether there is a path, whatever the carrier; only the gains change.
        reached = first.n_paths > 0
        reached = reached if bool(reached.any()) else torch.ones_like(reached)
        again = users[: len(first)][reached.numpy()]
        paths = _among(trace(request, place, again, meta, None, partial, progress), reached, first.position_m)
    paths.save(folder)
    shutil.rmtree(partial, ignore_errors=True)
    if not any(partial.parent.iterdir()):
        partial.parent.rmdir()
    return paths


def _among(paths: Paths, where: Tensor, position_m: Tensor) -> Paths:
    """Put the users of ``paths`` back to the places marked in ``where``; the others have no path."""
    values: dict[str, Any] = {}
    for name, value in paths.tensors().items():
        values[name] = torch.full((len(where), *value.shape[1:]), NO_PATH if name == "los" else 0, dtype=value.dtype)
        values[name][where] = value
    values["position_m"] = position_m
    return replace(paths, **values)


def trace(
    request: TraceRequest,
    place: Outdoors,
    users: Users,
    meta: PathsMeta,
    n_connected: int | None = None,
    partial: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Paths:
    """Trace ``users`` of one base station at one carrier.

    Args:
        request: depth, rays, max_paths and the kinds of interaction are read from it.
        place: the loaded scene.
        users: where they are and how they move.
        meta: says base-station position and carrier.
        n_connected: stop after the batch in which so many users have a path; None traces all.
        partial: folder where finished batches are kept and looked for; None keeps them in memory.
        progress: show a progress bar.

    Returns:
        one entry per user, those without a path included; paths ordered by delay; ``doppler_hz`` for walks.

    Raises:
        WirelessFMError: the carrier is outside a material's range, or fewer than ``n_connected`` users have a path.
    """
    batches, connected = [], 0
    label = folder_name(meta.scene, meta.site, meta.carrier_hz)
    with tqdm(total=len(users), desc=label, unit="user", disable=not progress) as bar:
        for batch in _solve_batches(request, place, users, meta, Path(partial) if partial else None):
            batches.append(batch)
            connected += int((batch["n_paths"] > 0).sum())
            bar.set_postfix(connected=connected, refresh=False)
            bar.update(len(batch["n_paths"]))
            if n_connected is not None and connected >= n_connected:
                break
    if n_connected is not None and connected < n_connected:
        raise WirelessFMError(
            f"{label}: {connected} of {len(users)} users have a path, n_connected asks for {n_connected}; "
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
    solver = rt.PathSolver(deterministic=request.deterministic)
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
            max_num_paths_per_src=HASH_TABLE_SIZE,
            refraction=request.refraction,
            diffraction=request.diffraction,
            seed=request.seed + 1,
        )
        batch = {name: array[:n] for name, array in path_arrays(found, meta.carrier_hz, request.max_paths).items()}
        if file is not None:
            with atomic_file(file) as fresh:
                np.savez(fresh, allow_pickle=False, **batch)
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
