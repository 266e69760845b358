"""Path loss at a millimetre-wave carrier from the sub-6 GHz channel of the same user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import OFDM, PlanarArray, synthesize
from wirelessfm.tasks.base import NARROW_BAND, TaskData, assemble
from wirelessfm.tasks.sites import SitePaths, connected_sites
from wirelessfm.tasks.splitters import SpatialBlocks
from wirelessfm.tasks.truth import Truth


@dataclass(frozen=True)
class PathLossTask:
    """Path loss in dB at ``target_hz``, −10·log10 of the sum of path powers, between isotropic antennas.

    The sum of powers is the loss averaged over small-scale fading. A target at the same carrier would be trivial:
    the inputs are physical, so their power is the answer up to fading. Across bands the trap is the rule
    ``free-space-path-loss``, without labels: the loss of this carrier plus 20·log10 of the ratio of carriers, as in
    free space. Split by ground blocks of ``block_m``; ranked by the mean absolute error. As in LLM4WM (Liu et al.
    2025, arXiv:2501.12983), whose metric is a normalised error. ``noise_seed`` matters only with ``snr_db``.
    """

    name: str = "path-loss-28ghz"
    target_hz: float = 28e9
    n_antennas: int = 32
    ofdm: OFDM = NARROW_BAND
    snr_db: float | None = None
    noise_seed: int = 0
    block_m: float = 20.0
    test_fraction: float = 0.3
    kind: str = "path-loss-28ghz"
    n_classes: int = 1
    output: str = "value"
    made_from: str = "sites"
    metric: str = "mae_db"

    def build(self, sites: Sequence[SitePaths]) -> TaskData:
        """Users connected at both carriers.

        Raises:
            WirelessFMError: a site without a carrier at ``target_hz``, or no connected user.
        """
        kept = connected_sites(sites, self.name)
        labels = torch.cat([self._loss_db(site) for site in kept])
        generator = torch.Generator().manual_seed(self.noise_seed)
        array = PlanarArray(self.n_antennas)
        inputs = [synthesize(s.sub6, array, self.ofdm, snr_db=self.snr_db, generator=generator) for s in kept]
        notes = {
            "carrier_ghz": kept[0].sub6.meta.carrier_hz / 1e9,
            "antennas": self.n_antennas,
            "target_carrier_ghz": self.target_hz / 1e9,
        }
        splitter = SpatialBlocks(self.block_m, self.test_fraction)
        return assemble(self, kept, inputs, {"labels": labels}, notes, splitter)

    def _loss_db(self, site: SitePaths) -> Tensor:
        found = "none" if site.mmwave is None else f"{site.mmwave.meta.carrier_hz / 1e9:g} GHz"
        if site.mmwave is None or abs(site.mmwave.meta.carrier_hz / self.target_hz - 1) > 0.01:
            raise WirelessFMError(
                f"task '{self.name}' needs a second carrier at {self.target_hz / 1e9:g} GHz at "
                f"{site.sub6.meta.scene}/{site.sub6.meta.site}, found {found}"
            )
        return -site.mmwave.power_db()[:, None]

    def score(self, values: Tensor, truth: Truth) -> dict[str, float]:
        """Mean absolute and root mean squared error in dB."""
        error = (values - truth.labels).double()
        return {"mae_db": float(error.abs().mean()), "rmse_db": float(error.square().mean().sqrt())}
