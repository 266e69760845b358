"""Where the user is, from its channel: positions relative to the base station."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm import metrics
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths
from wirelessfm.signal import OFDM, PlanarArray, synthesize
from wirelessfm.tasks.base import TaskData, assemble
from wirelessfm.tasks.sites import SitePaths, connected_sites
from wirelessfm.tasks.splitters import SpatialBlocks
from wirelessfm.tasks.truth import Truth

# 19.2 MHz, a 20 MHz carrier: one delay bin is 16 m, where that of the narrow band is 312 m.
WIDE_BAND = OFDM(32, 600e3)


@dataclass(frozen=True)
class LocalisationTask:
    """Horizontal position in metres, (forward, left) of the base station, from the sub-6 GHz channel.

    Forward is where the array looks (the yaw of the base station), so base stations can be pooled; with a yaw of 0
    this is (east, north). A linear array of isotropic elements cannot tell a direction from its mirror image behind
    it, which real sectors suppress by their element pattern; ``front_only`` leaves out the users behind the array.

    Split by ground blocks of ``block_m``; ranked by the mean horizontal error. Traps: delays are absolute, as if
    clocks were synchronous, so distance comes nearly for free; the rule ``phase-slope-position`` needs no label and
    is right where there is line of sight. Channels of both sides of a boundary between blocks are close, so
    fingerprints gain from small blocks. ``noise_seed`` matters only with ``snr_db``.
    """

    name: str = "localisation"
    n_antennas: int = 32
    ofdm: OFDM = WIDE_BAND
    front_only: bool = True
    snr_db: float | None = None
    noise_seed: int = 0
    block_m: float = 20.0
    test_fraction: float = 0.3
    kind: str = "localisation"
    n_classes: int = 2
    output: str = "value"
    made_from: str = "sites"
    metric: str = "error_m"

    def build(self, sites: Sequence[SitePaths]) -> TaskData:
        """Users connected at every carrier of their site and, with ``front_only``, in front of the array.

        Raises:
            WirelessFMError: no such user.
        """
        kept = [self._in_front(site) for site in connected_sites(sites, self.name)]
        kept = [site for site in kept if site.sub6.n_users]
        if not kept:
            raise WirelessFMError(
                f"task '{self.name}' found no connected user in front of an array; turn the base stations or set "
                "front_only=False"
            )
        generator = torch.Generator().manual_seed(self.noise_seed)
        array = PlanarArray(self.n_antennas)
        inputs = [synthesize(s.sub6, array, self.ofdm, snr_db=self.snr_db, generator=generator) for s in kept]
        labels = torch.cat([relative_position_m(s.sub6) for s in kept])
        notes = {
            "carrier_ghz": kept[0].sub6.meta.carrier_hz / 1e9,
            "antennas": self.n_antennas,
            "bandwidth_mhz": round(self.ofdm.bandwidth_hz / 1e6, 3),
            "front_only": self.front_only,
        }
        splitter = SpatialBlocks(self.block_m, self.test_fraction)
        return assemble(self, kept, inputs, {"labels": labels}, notes, splitter)

    def _in_front(self, site: SitePaths) -> SitePaths:
        if not self.front_only:
            return site
        front = relative_position_m(site.sub6)[:, 0] > 0
        return SitePaths(site.sub6[front], None if site.mmwave is None else site.mmwave[front])

    def score(self, values: Tensor, truth: Truth) -> dict[str, float]:
        """Horizontal error in metres: mean, and the 50, 67, 80 and 90 % points of its distribution (TR 38.843)."""
        error = metrics.horizontal_error_m(values, truth.labels)
        points = metrics.error_percentiles(error)
        return {"error_m": float(error.mean())} | {f"error_{name}_m": value for name, value in points.items()}


def relative_position_m(paths: Paths) -> Tensor:
    """(forward, left) of the base station, turned by its yaw: float32 [user, 2] in metres."""
    offset = paths.position_m[:, :2] - torch.tensor(paths.meta.bs_position_m[:2])
    yaw = paths.meta.bs_orientation_rad[0]
    forward = torch.tensor([math.cos(yaw), math.sin(yaw)])
    left = torch.tensor([-math.sin(yaw), math.cos(yaw)])
    return torch.stack([offset @ forward, offset @ left], dim=1)
