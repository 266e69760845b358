"""Millimetre-wave beam prediction from the sub-6 GHz channel of the same user.

As in Alrabeiah and Alkhateeb 2020 and the LWM evaluation (Alikhani et al. 2024): a 28 GHz array of 32 antennas
and a sweep of 64 beams. Theirs contains both end-fire beams, which are one vector, so that their last class
never occurs; here the sweep is half-open and every beam can be the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wirelessfm import metrics
from wirelessfm.baselines import DirectionNoise, System, path_phase_system, path_power_system
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths
from wirelessfm.signal import OFDM, PlanarArray, beam_powers, dft_codebook, synthesize
from wirelessfm.tasks.base import NARROW_BAND, TaskData, assemble
from wirelessfm.tasks.sites import SitePaths, connected_sites
from wirelessfm.tasks.splitters import SpatialBlocks
from wirelessfm.tasks.truth import Truth


@dataclass(frozen=True)
class CrossBandBeamTask:
    """Label: the strongest of ``n_beams`` beams of the noiseless millimetre-wave channel.

    Both arrays are linear, half-wavelength spaced at their own carrier and look the same way.
    ``noise_seed`` matters only with ``snr_db``.
    """

    name: str
    n_antennas_sub6: int
    n_beams: int = 64
    n_antennas_mmwave: int = 32
    ofdm: OFDM = NARROW_BAND
    snr_db: float | None = None
    noise_seed: int = 0
    block_m: float = 20.0
    test_fraction: float = 0.3
    kind: str = "beam"
    output: str = "class"
    made_from: str = "sites"
    metric: str = "accuracy"

    @property
    def n_classes(self) -> int:
        """One class per beam."""
        return self.n_beams

    def build(self, sites: Sequence[SitePaths]) -> TaskData:
        """Users connected at both carriers.

        Raises:
            WirelessFMError: a site without a millimetre-wave carrier, or no connected user.
        """
        kept = connected_sites(sites, self.name)
        generator = torch.Generator().manual_seed(self.noise_seed)
        array = PlanarArray(self.n_antennas_sub6)
        inputs = [synthesize(s.sub6, array, self.ofdm, snr_db=self.snr_db, generator=generator) for s in kept]
        targets = [self._target(s) for s in kept]
        inputs = [csi.asked_at(paths.meta.carrier_hz) for csi, paths in zip(inputs, targets, strict=True)]
        powers = torch.cat([self._powers(paths) for paths in targets])
        notes = {
            "carrier_ghz": kept[0].sub6.meta.carrier_hz / 1e9,
            "antennas": self.n_antennas_sub6,
            "target_carrier_ghz": targets[0].meta.carrier_hz / 1e9,
            "target_antennas": self.n_antennas_mmwave,
            "beams": self.n_beams,
            "snr_db": self.snr_db,
        }
        splitter = SpatialBlocks(self.block_m, self.test_fraction)
        truth = {"labels": powers.argmax(dim=1), "beam_powers": powers}
        bounds = self._bounds([s.sub6 for s in kept])
        return replace(assemble(self, kept, inputs, truth, notes, splitter), bounds=bounds)

    def _bounds(self, paths: Sequence[Paths]) -> tuple[System, ...]:
        """What the true paths say; in noise that is their directions, as far as noise leaves them, and powers."""
        if self.snr_db is None:
            return (path_power_system(paths, self.n_antennas_mmwave), path_phase_system(paths, self.n_antennas_mmwave))
        noise = DirectionNoise(self.n_antennas_sub6, self.ofdm.n_subcarriers, self.snr_db, self.noise_seed)
        return (path_power_system(paths, self.n_antennas_mmwave, noise),)

    def _target(self, site: SitePaths) -> Paths:
        if site.mmwave is None:
            meta = site.sub6.meta
            raise WirelessFMError(
                f"task '{self.name}' needs a millimetre-wave carrier, {meta.scene}/{meta.site} has only "
                f"{meta.carrier_hz / 1e9:g} GHz; trace it with a second --carrier-hz"
            )
        return site.mmwave

    def _powers(self, paths: Paths) -> Tensor:
        array, codebook = PlanarArray(self.n_antennas_mmwave), dft_codebook(self.n_antennas_mmwave, self.n_beams)
        parts = [paths[i : i + 2048] for i in range(0, len(paths), 2048)]
        return torch.cat([beam_powers(synthesize(part, array, self.ofdm).values, codebook) for part in parts])

    def score(self, scores: Tensor, truth: Truth) -> dict[str, float]:
        """See :func:`score_beams`."""
        return score_beams(scores, truth)


def score_beams(scores: Tensor, truth: Truth) -> dict[str, float]:
    """Top-1 and top-3, the neighbouring beam allowed, within 1 dB of the best beam, and the mean loss in dB."""
    assert truth.beam_powers is not None
    n_beams = truth.beam_powers.shape[1]
    predicted = scores.argmax(dim=1)
    loss = metrics.beam_loss_db(truth.beam_powers, predicted)
    return {
        "accuracy": metrics.accuracy(scores, truth.labels),
        "top_3": metrics.top_k(scores, truth.labels, min(3, n_beams)),
        "within_one_beam": metrics.within_one_beam(predicted, truth.labels, n_beams),
        "within_1db": float((loss <= 1).double().mean()),
        "rsrp_loss_db": float(loss.mean()),
        "f1_weighted": metrics.f1(predicted, truth.labels, "weighted"),
    }
