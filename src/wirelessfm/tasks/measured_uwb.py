"""Line of sight of an ultra-wideband link at positions that training has not seen (measured)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wirelessfm import metrics
from wirelessfm.csi import CSI
from wirelessfm.data.readers.uwb_cir import FIRST_PATH_TAP, TAP_S, read_uwb_cir
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.tasks.base import TaskData
from wirelessfm.tasks.measured import Files, measured_data, the_recording
from wirelessfm.tasks.splitters import WholeGroups
from wirelessfm.tasks.truth import Truth

SPLITS = ("position", "random-leaky")


@dataclass(frozen=True)
class UwbLosTask:
    """Label 1 for line of sight, 0 for both kinds of non-line of sight; recording of Kolakowski and Modelski 2018.

    Input: [sample, antenna=1, subcarrier=``n_taps``], the Fourier transform of the impulse response from 20 taps
    (20 ns) before the first path on. Each response is divided by its number of accumulated preamble symbols, after
    which power is received power up to a constant, and turned so that its first path has phase zero, because the
    carrier phase of two free-running radios is random.

    Split by position of the link (a file of a few hundred responses each). The trap is ``random-leaky``, which is
    here to be shown: responses of one position are near-copies. Few positions make the spread over seeds wide. A rule
    without labels goes far: power of the first path against the total (``first-path-power``).
    """

    name: str = "uwb-los"
    split: str = "position"
    n_taps: int = 128
    test_fraction: float = 0.3
    kind: str = "uwb-los"
    n_classes: int = 2
    output: str = "class"
    made_from: str = "files"
    metric: str = "accuracy"

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise unknown_name("split", self.split, SPLITS)

    def build(self, files: Files) -> TaskData:
        """From the npz file of :func:`read_uwb_cir`, or its folder.

        Raises:
            WirelessFMError: not one such file, no line-of-sight label, more taps asked for than recorded.
        """
        csi = read_uwb_cir(the_recording(files, self.name))
        classes = csi.meta.extra["classes"]["label"]
        if "LOS" not in classes or len(classes) < 2:
            raise WirelessFMError(f"task '{self.name}' needs the label LOS and another, found {classes}")
        labels = (csi.labels["label"] == classes.index("LOS")).long()
        position = csi.labels["file_id"].long()
        group = torch.arange(len(csi)) if self.split == "random-leaky" else position
        notes = {
            "antennas": 1,
            "positions": len(position.unique()),
            "split": self.split,
            "los_fraction": round(float(labels.double().mean()), 4),
        }
        inputs = self._inputs(csi)
        return measured_data(self, inputs, labels, group, WholeGroups(self.test_fraction), "uwb-apartment", notes)

    def _inputs(self, csi: CSI) -> CSI:
        if not FIRST_PATH_TAP < self.n_taps <= csi.size("subcarrier"):
            raise WirelessFMError(
                f"n_taps must be in {FIRST_PATH_TAP + 1} … {csi.size('subcarrier')} (as recorded), found {self.n_taps}"
            )
        taps = torch.fft.ifft(torch.fft.ifftshift(csi.tensor("sample subcarrier"), dim=-1), dim=-1)[:, : self.n_taps]
        # Pulse and rounding spread the first path over about three taps.
        first = taps[:, FIRST_PATH_TAP : FIRST_PATH_TAP + 3].sum(dim=1).angle()
        symbols = csi.labels["preamble_count"].clamp(min=1)
        taps = taps * torch.polar(1 / symbols, -first)[:, None]
        values = torch.fft.fftshift(torch.fft.fft(taps, dim=-1), dim=-1)[:, None].contiguous()
        frequency = torch.fft.fftshift(torch.fft.fftfreq(self.n_taps, TAP_S, dtype=torch.float64))
        meta = replace(csi.meta, extra={**csi.meta.extra, "first_path_tap": FIRST_PATH_TAP})
        return CSI(values, ("sample", "antenna", "subcarrier"), {"subcarrier": frequency}, meta=meta)

    def score(self, scores: Tensor, truth: Truth) -> dict[str, float]:
        """Accuracy, and F1 macro and of the class line of sight."""
        predicted = scores.argmax(dim=1)
        return {
            "accuracy": metrics.accuracy(scores, truth.labels),
            "f1_macro": metrics.f1(predicted, truth.labels, "macro"),
            "f1_los": metrics.f1(predicted, truth.labels, "binary"),
        }
