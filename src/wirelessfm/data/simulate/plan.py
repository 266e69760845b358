"""From a request to base stations, users and the card of each data set."""

from __future__ import annotations

from dataclasses import asdict
from importlib import metadata

import numpy as np

from wirelessfm.data.simulate.places import Outdoors, Users, grid_users, place_sites, walking_users
from wirelessfm.data.simulate.request import TraceRequest
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import PathsMeta

OSM_LICENCE = "ODbL-1.0, contains information from OpenStreetMap, © OpenStreetMap contributors"
OSM_SCENES = ("munich", "etoile", "florence", "san_francisco")


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


def describe(
    request: TraceRequest, place: Outdoors, position: np.ndarray, users: Users, number: int, carrier_hz: float
) -> PathsMeta:
    """The card of one base station and carrier; the array faces the middle of the users it sees."""
    x, y, z = (float(c) for c in position)
    told = {"scene", "carriers_hz", "seed", "n_sites", "site_positions_m"}
    walk, grid = {"n_walks", "n_steps", "interval_s", "speed_m_per_s"}, {"max_users", "n_connected"}
    unused = walk if request.layout == "grid" else grid
    extra = {name: value for name, value in asdict(request).items() if name not in told | unused}
    return PathsMeta(
        carrier_hz=carrier_hz,
        bs_position_m=(x, y, z),
        bs_orientation_rad=(_yaw_rad(place, position, users), 0.0, 0.0),
        scene=request.scene,
        site=f"bs{number}",
        source=f"Sionna RT {metadata.version('sionna-rt')}, scene {request.scene}",
        licence=OSM_LICENCE if request.scene in OSM_SCENES else "Apache-2.0",
        seed=request.seed,
        extra=extra,
    )


def _yaw_rad(place: Outdoors, bs_position_m: np.ndarray, users: Users) -> float:
    """Azimuth from the base station to the middle of the users it sees; of all users if it sees none."""
    seen = place.sees(np.broadcast_to(bs_position_m, (len(users), 3)), users.position_m)
    towards = users.position_m[seen if seen.any() else slice(None)].mean(axis=0) - bs_position_m
    return round(float(np.arctan2(towards[1], towards[0])), 4)
