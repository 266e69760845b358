"""Where base stations and users stand in a scene: outdoors, above the ground, also on hills.

A ray is shot down from the sky; a point is outdoors if the first thing it hits is the ground mesh. So roofs,
cars and the inside of buildings are never chosen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from wirelessfm.data.simulate.llvm import sionna_rt
from wirelessfm.data.simulate.towns import town_number, town_xml
from wirelessfm.errors import WirelessFMError, unknown_name

USER_HEIGHT_M = 1.5
BS_HEIGHT_M = (10.0, 25.0)
_GROUND = re.compile(r"(ground|terrain|plane|floor|street|road)", re.IGNORECASE)
_CLEARANCE_M = 4.0


@dataclass(frozen=True)
class Users:
    """Where users are: ``position_m`` and ``velocity_m_per_s``, both float32 [user, 3]."""

    position_m: np.ndarray
    velocity_m_per_s: np.ndarray

    def __len__(self) -> int:
        return len(self.position_m)

    def __getitem__(self, index: slice | np.ndarray) -> Users:
        return Users(self.position_m[index], self.velocity_m_per_s[index])


class Outdoors:
    """A loaded Sionna RT scene and its ground.

    Args:
        name: a scene that comes with Sionna RT, such as ``munich``, or ``town-N`` of :mod:`.towns`.

    Raises:
        WirelessFMError: unknown scene, or one without a ground mesh.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.scene = _load(name)
        self._ground = [o for n, o in self.scene.objects.items() if _GROUND.search(n)]
        if not self._ground:
            raise WirelessFMError(f"scene '{name}' has no ground mesh to put users on; choose a city such as munich")
        box = self.scene.mi_scene.bbox()
        self._low, self._high = np.array(box.min), np.array(box.max)

    @property
    def centre_m(self) -> np.ndarray:
        """Middle of the scene, [2]."""
        return (self._low[:2] + self._high[:2]) / 2

    @property
    def extent_m(self) -> float:
        """The shorter side of the scene."""
        return float((self._high - self._low)[:2].min())

    def ground_height_m(self, xy: np.ndarray) -> np.ndarray:
        """Height of the ground under the open sky.

        Args:
            xy: float [point, 2] in metres.

        Returns:
            float64 [point]; NaN where something else than ground is hit first, or nothing.
        """
        import drjit as dr
        import mitsuba as mi

        if len(xy) == 0:
            return np.empty(0)
        start = np.column_stack([xy, np.full(len(xy), self._high[2] + 10.0)])
        hit: Any = self.scene.mi_scene.ray_intersect(mi.Ray3f(_point(start), mi.Vector3f(0, 0, -1)))
        mesh: Any = dr.reinterpret_array(mi.UInt, hit.shape)
        outdoor = hit.is_valid().numpy() & np.isin(mesh.numpy(), [_first(o.object_id) for o in self._ground])
        return np.where(outdoor, hit.p.z.numpy().astype(np.float64), np.nan)

    def sees(self, start_m: np.ndarray, end_m: np.ndarray) -> np.ndarray:
        """Whether nothing stands between ``start_m`` [point, 3] and ``end_m`` [point, 3]; boolean [point]."""
        import mitsuba as mi

        ray: Any = mi.Ray3f(_point(start_m), mi.Vector3f(_point(end_m - start_m)))
        ray.maxt = mi.Float(1 - 1e-4)
        return ~self.scene.mi_scene.ray_test(ray).numpy()


def check_scene(name: str) -> None:
    """Refuse a name that is neither of a scene of Sionna RT nor of a made-up town."""
    if town_number(name) is None:
        _scene_file(name)


def _scene_file(name: str) -> str:
    scenes = vars(sionna_rt().scene).items()
    known = {n: path for n, path in scenes if isinstance(path, str) and path.endswith(".xml")}
    if name not in known:
        raise unknown_name("scene (nor is it town-0, town-1 and so on)", name, known)
    return known[name]


def _load(name: str) -> Any:
    rt, number = sionna_rt(), town_number(name)
    if number is not None:
        return rt.load_scene_from_string(town_xml(number), merge_shapes_exclude_regex=_GROUND.pattern)
    return rt.load_scene(_scene_file(name), merge_shapes_exclude_regex=_GROUND.pattern)


def grid_users(place: Outdoors, centre_m: np.ndarray, spacing_m: float, radius_m: float) -> Users:
    """Outdoor points of a square grid inside a circle, standing still."""
    points = _lift(place, _disc(np.asarray(centre_m)[:2], spacing_m, radius_m), USER_HEIGHT_M)
    return Users(points.astype(np.float32), np.zeros_like(points, dtype=np.float32))


def walking_users(
    place: Outdoors,
    starts_m: np.ndarray,
    n_steps: int,
    step_m: float,
    interval_s: float,
    centre_m: np.ndarray,
    radius_m: float,
    rng: np.random.Generator,
) -> Users:
    """Walkers who keep their direction, swerve a little, and turn away from walls and from the circle's edge.

    Args:
        starts_m: float [walker, 3], outdoor.
        n_steps: positions per walker; ``interval_s`` and ``step_m`` apart.

    Returns:
        walker after walker, each in order of time: user = walker * n_steps + step.
    """
    xy, heading = starts_m[:, :2].astype(np.float64), rng.uniform(-np.pi, np.pi, len(starts_m))
    track = [starts_m.astype(np.float64)]
    for _ in range(n_steps):
        heading = heading + rng.normal(0, 0.1, len(xy))
        z = track[-1][:, 2] - USER_HEIGHT_M
        waiting = np.ones(len(xy), dtype=bool)
        # A walker who finds no way in sixteen tries stands still for this step.
        for _ in range(16):
            ahead = xy + step_m * np.column_stack([np.cos(heading), np.sin(heading)])
            ground = place.ground_height_m(ahead)
            free = np.isfinite(ground) & (np.linalg.norm(ahead - np.asarray(centre_m)[:2], axis=1) <= radius_m)
            go = waiting & free
            xy, z, waiting = np.where(go[:, None], ahead, xy), np.where(go, ground, z), waiting & ~free
            if not waiting.any():
                break
            heading = np.where(waiting, rng.uniform(-np.pi, np.pi, len(xy)), heading)
        track.append(np.column_stack([xy, z + USER_HEIGHT_M]))
    steps = np.stack(track, axis=1)
    velocity = np.diff(steps, axis=1) / interval_s
    return Users(steps[:, :-1].reshape(-1, 3).astype(np.float32), velocity.reshape(-1, 3).astype(np.float32))


def place_sites(place: Outdoors, n_sites: int, radius_m: float, seed: int) -> np.ndarray:
    """Base-station positions near the middle of the scene: in the open, overlooking streets, far apart.

    Candidates are outdoor points at random heights of 10 to 25 m with free space around them. The half from
    which most ground can be seen is kept, and farthest-point sampling chooses among these.

    Returns:
        float64 [site, 3], metres.

    Raises:
        WirelessFMError: fewer candidates than sites.
    """
    rng = np.random.default_rng(seed)
    offset = rng.uniform(0, 10, 2)
    candidates = _lift(place, _disc(place.centre_m + offset, 10.0, place.extent_m / 4), 0.0)
    around = _CLEARANCE_M * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    for shift in around:
        candidates = candidates[np.isfinite(place.ground_height_m(candidates[:, :2] + shift))]
    if len(candidates) < n_sites:
        raise WirelessFMError(
            f"scene '{place.name}' offers {len(candidates)} places for a base station, {n_sites} wanted; "
            "ask for fewer sites or give their positions"
        )
    candidates[:, 2] += rng.uniform(*BS_HEIGHT_M, len(candidates))
    seen = _visible_share(place, candidates, radius_m)
    best_first = candidates[np.argsort(-seen, kind="stable")]
    return _farthest_points(best_first[: max(n_sites, len(best_first) // 2)], n_sites)


def _visible_share(place: Outdoors, candidates: np.ndarray, radius_m: float) -> np.ndarray:
    """Number of points of a coarse ground grid that each candidate sees within the radius."""
    ground = _lift(place, _disc(place.centre_m, 20.0, place.extent_m), USER_HEIGHT_M)
    seen = np.zeros(len(candidates))
    for i, candidate in enumerate(candidates):
        near = ground[np.linalg.norm(ground[:, :2] - candidate[:2], axis=1) <= radius_m]
        seen[i] = place.sees(np.broadcast_to(candidate, near.shape), near).sum() if len(near) else 0
    return seen


def _farthest_points(points: np.ndarray, n: int) -> np.ndarray:
    chosen = [0]
    distance = np.full(len(points), np.inf)
    for _ in range(n - 1):
        distance = np.minimum(distance, np.linalg.norm(points[:, :2] - points[chosen[-1], :2], axis=1))
        chosen.append(int(distance.argmax()))
    return points[chosen]


def _disc(centre_m: np.ndarray, spacing_m: float, radius_m: float) -> np.ndarray:
    steps = np.arange(-np.floor(radius_m / spacing_m), np.floor(radius_m / spacing_m) + 1) * spacing_m
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    return centre_m + grid[np.linalg.norm(grid, axis=1) <= radius_m]


def _lift(place: Outdoors, xy: np.ndarray, height_m: float) -> np.ndarray:
    z = place.ground_height_m(xy)
    outdoor = np.isfinite(z)
    return np.column_stack([xy[outdoor], z[outdoor] + height_m])


def _point(points: np.ndarray) -> Any:
    import mitsuba as mi

    return mi.Point3f(*(np.ascontiguousarray(c, dtype=np.float32) for c in points.T))


def _first(value: Any) -> int:
    return int(np.ravel(np.asarray(value))[0])
