"""What a task is built from: the multipath of the users of base stations, at one or two carriers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths


@dataclass(frozen=True)
class SitePaths:
    """The same users of one base station at a sub-6 GHz and, where there is one, a millimetre-wave carrier.

    Raises:
        WirelessFMError: the two are not the same users of the same base station.
    """

    sub6: Paths
    mmwave: Paths | None = None

    def __post_init__(self) -> None:
        if self.mmwave is None:
            return
        low, high = self.sub6.meta, self.mmwave.meta
        same_place = (low.scene, low.site, low.bs_position_m) == (high.scene, high.site, high.bs_position_m)
        if not same_place or not torch.equal(self.sub6.position_m, self.mmwave.position_m):
            raise WirelessFMError(
                f"expected the same users of the same base station at two carriers, found {low.scene}/{low.site} "
                f"({self.sub6.n_users} users) and {high.scene}/{high.site} ({self.mmwave.n_users} users) or users "
                "at other positions"
            )

    def connected(self) -> SitePaths:
        """Only the users with a path at every carrier there is."""
        kept = self.sub6.n_paths > 0
        if self.mmwave is None:
            return SitePaths(self.sub6[kept])
        kept = kept & (self.mmwave.n_paths > 0)
        return SitePaths(self.sub6[kept], self.mmwave[kept])


def connected_sites(sites: Sequence[SitePaths], task: str) -> list[SitePaths]:
    """The sites reduced to connected users, those left without any dropped.

    Raises:
        WirelessFMError: no site, or no connected user at any.
    """
    kept = [site for site in (s.connected() for s in sites) if site.sub6.n_users]
    if not kept:
        raise WirelessFMError(
            f"task '{task}' found no connected user in {len(sites)} sites; it needs users with at least one path "
            "at every carrier"
        )
    return kept
