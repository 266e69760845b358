"""Which of eight places a Wi-Fi packet was received at, on days that training has not seen (measured)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm import metrics
from wirelessfm.csi import CSI
from wirelessfm.data.readers.intel5300_loc8 import read_intel5300_loc8
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.tasks.base import TaskData
from wirelessfm.tasks.measured import Files, measured_data, the_recording
from wirelessfm.tasks.splitters import Splitter, WholeGroups
from wirelessfm.tasks.truth import Truth

SPLITS = ("later-days", "day-out", "random-leaky")


@dataclass(frozen=True)
class WifiLocationTask:
    """Place, one of 8 on a 20 cm grid, from a packet of an Intel 5300 card; recording of Rocamora Reyes et al. 2024.

    Input: [sample, antenna=6 (3 receive × 2 transmit), subcarrier=30] in √mW, the gain control undone with the
    reported signal strength (Halperin et al. 2011). By default amplitudes with zero phase, as Wi-Fi sensing uses
    them: clocks are not shared, so each packet has a phase and a delay of its own.

    Splits: ``later-days`` tests the last ``n_tested_days`` and trains on all before; ``day-out`` tests one day that
    the seed draws. The trap is ``random-leaky``, which is here to be shown, not to be used: 120 packets of one log
    are near-copies of each other, so that any method finds the place of nearly every packet of a day it has seen.
    Rules without labels do not apply.
    """

    name: str = "wifi-location"
    split: str = "later-days"
    n_tested_days: int = 1
    phase: bool = False
    kind: str = "wifi-location"
    n_classes: int = 8
    output: str = "class"
    made_from: str = "files"
    metric: str = "accuracy"

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise unknown_name("split", self.split, SPLITS)

    def build(self, files: Files) -> TaskData:
        """From the npz file of :func:`read_intel5300_loc8`, or its folder.

        Raises:
            WirelessFMError: not one such file, places other than 1 to 8, too few days for the split.
        """
        csi = read_intel5300_loc8(the_recording(files, self.name))
        labels, day = csi.labels["location"].long() - 1, csi.labels["day"].long()
        if int(labels.min()) < 0 or int(labels.max()) >= self.n_classes:
            raise WirelessFMError(
                f"task '{self.name}' has places 1 … {self.n_classes}, found {(labels.unique() + 1).tolist()}"
            )
        days = day.unique().tolist()
        group = torch.arange(len(csi)) if self.split == "random-leaky" else day
        notes = {"antennas": 6, "days": days, "split": self.split, "phase": self.phase}
        return measured_data(self, self._inputs(csi), labels, group, self._splitter(days), "polyu-laboratory", notes)

    def _inputs(self, csi: CSI) -> CSI:
        values = csi.tensor("sample rx antenna subcarrier").flatten(1, 2)
        values = values * _gain(values, csi.labels["rssi_abc_noise_agc"])[:, None, None]
        values = values if self.phase else values.abs().to(torch.complex64)
        return CSI(values.contiguous(), ("sample", "antenna", "subcarrier"), meta=csi.meta)

    def _splitter(self, days: list[int]) -> Splitter:
        if self.split == "later-days":
            if not 0 < self.n_tested_days < len(days):
                raise WirelessFMError(f"cannot test {self.n_tested_days} of the {len(days)} days {days}")
            return WholeGroups(tested=tuple(days[-self.n_tested_days :]))
        return WholeGroups(0.3 if self.split == "random-leaky" else 1 / len(days))

    def score(self, scores: Tensor, truth: Truth) -> dict[str, float]:
        """Accuracy and macro F1."""
        return {
            "accuracy": metrics.accuracy(scores, truth.labels),
            "f1_macro": metrics.f1(scores.argmax(dim=1), truth.labels, "macro"),
        }


def _gain(values: Tensor, reported: Tensor) -> Tensor:
    """Counts to √mW, float32 [sample], from int [sample, 5]: RSSI of three antennas (0: not used), noise, AGC."""
    rssi, agc_db = reported[:, :3].double(), reported[:, 4].double()
    power = (10 ** (rssi / 10) * (rssi > 0)).sum(dim=1) * 10 ** (-(44 + agc_db) / 10)
    counts = values.abs().square().mean(dim=(1, 2)).double()
    return (power / counts.clamp(min=1e-12)).sqrt().float()
