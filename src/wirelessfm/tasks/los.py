"""Line-of-sight identification: is there a direct path, from the channel alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm import metrics
from wirelessfm.signal import OFDM, PlanarArray, synthesize
from wirelessfm.tasks.base import NARROW_BAND, TaskData, assemble
from wirelessfm.tasks.sites import SitePaths, connected_sites
from wirelessfm.tasks.splitters import SpatialBlocks
from wirelessfm.tasks.truth import Truth


@dataclass(frozen=True)
class LosTask:
    """Label 1 for line of sight, 0 without, from the sub-6 GHz channel of a half-wavelength linear array.

    ``noise_seed`` matters only with ``snr_db``: the noise is part of the data, the same for every split.
    """

    name: str = "los"
    n_antennas: int = 32
    ofdm: OFDM = NARROW_BAND
    snr_db: float | None = None
    noise_seed: int = 0
    block_m: float = 20.0
    test_fraction: float = 0.3
    kind: str = "los"
    n_classes: int = 2
    output: str = "class"
    made_from: str = "sites"
    metric: str = "accuracy"

    def build(self, sites: Sequence[SitePaths]) -> TaskData:
        """Users connected at every carrier of their site, so that tasks share their users."""
        kept = connected_sites(sites, self.name)
        generator = torch.Generator().manual_seed(self.noise_seed)
        array = PlanarArray(self.n_antennas)
        inputs = [synthesize(s.sub6, array, self.ofdm, snr_db=self.snr_db, generator=generator) for s in kept]
        labels = torch.cat([s.sub6.los for s in kept]).long()
        notes = {
            "carrier_ghz": kept[0].sub6.meta.carrier_hz / 1e9,
            "antennas": self.n_antennas,
            "los_fraction": round(float(labels.double().mean()), 4),
        }
        splitter = SpatialBlocks(self.block_m, self.test_fraction)
        return assemble(self, kept, inputs, {"labels": labels}, notes, splitter)

    def score(self, scores: Tensor, truth: Truth) -> dict[str, float]:
        """Accuracy, and F1 weighted, macro and of the class line of sight."""
        predicted = scores.argmax(dim=1)
        result = {"accuracy": metrics.accuracy(scores, truth.labels)}
        kinds = {"f1_weighted": "weighted", "f1_macro": "macro", "f1_los": "binary"}
        return result | {name: metrics.f1(predicted, truth.labels, average) for name, average in kinds.items()}
