"""What to trace: the one object that describes a simulated data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wirelessfm.errors import WirelessFMError

# Users times rays of one solve: bounds the memory to about 2 GB.
BATCH_USER_RAYS = 10_000_000


@dataclass(frozen=True)
class TraceRequest:
    """What to trace. The same request always gives the same base stations and users.

    Attributes:
        scene: a scene that comes with Sionna RT, or ``town-N``, see :mod:`.towns`.
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
        deterministic: the same paths at every call. Without it about one path in thousands comes or goes; with it
            tracing takes a third to two thirds longer.

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
    deterministic: bool = False

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
