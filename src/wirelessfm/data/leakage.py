"""How much of a test set the training set already holds: copies, and channels that differ in phase and scale only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.data.splits import Split
from wirelessfm.errors import WirelessFMError

_ROWS = 1024


@dataclass(frozen=True)
class Leakage:
    """Counts of tested samples with a counterpart among the training samples.

    Attributes:
        duplicates: exact copies, bit for bit; always of all samples.
        near_duplicates: correlation of at least ``threshold`` in magnitude, copies included; among the
            ``n_test`` and ``n_train`` samples that were compared, which makes it an estimate from below when those
            are fewer than the split has.
        n_test, n_train: samples compared for ``near_duplicates``.
        threshold: of |⟨a, b⟩| / (‖a‖‖b‖).
    """

    duplicates: int
    near_duplicates: int
    n_test: int
    n_train: int
    threshold: float

    def notes(self) -> dict[str, object]:
        """For the notes of result rows."""
        compared = f"{self.n_test} × {self.n_train}"
        return {
            "duplicates": self.duplicates,
            "near_duplicates": self.near_duplicates,
            "near_duplicate_share": round(self.near_duplicates / max(1, self.n_test), 4),
            "compared": compared,
        }


def count_leakage(
    csi: CSI, split: Split, threshold: float = 0.999, max_test: int = 4096, max_train: int = 16384, seed: int = 0
) -> Leakage:
    """Compare every tested channel with every channel that may be labelled.

    The near-duplicates are a matrix product in float32 of at most ``max_test`` × ``max_train`` channels, in blocks of
    1024 × 1024 correlations: about two seconds on one core for 2 700 × 6 300 channels of 1024 entries.

    Args:
        csi: what the split divides; ``sample`` is the first axis.
        split: training and test samples.
        threshold: of the correlation, in (0, 1]; 1 is a copy up to phase and scale within rounding.
        max_test, max_train: larger sides are drawn from at random.
        seed: of that draw.

    Raises:
        WirelessFMError: ``sample`` not first, indices beyond the samples, values out of range.
    """
    n = len(csi)
    if csi.axes[0] != "sample" or not 0 < threshold <= 1 or min(max_test, max_train) < 1:
        raise WirelessFMError(
            f"a leakage count needs CSI with 'sample' first, a threshold in (0, 1] and at least 1 sample a side, found "
            f"axes {csi.axes}, {threshold:g}, {max_test} and {max_train}"
        )
    if max(int(split.train.max()), int(split.test.max())) >= n:
        raise WirelessFMError(f"the split is of more samples than the {n} given; pass the CSI it was made for")
    values = csi.values.detach().cpu().flatten(1)
    generator = torch.Generator().manual_seed(seed)
    test, train = (_drawn(*side, generator) for side in ((split.test, max_test), (split.train, max_train)))
    near = _near(_unit(values[test]), _unit(values[train]), threshold)
    return Leakage(_copies(values, split), near, len(test), len(train), threshold)


def _drawn(index: Tensor, most: int, generator: torch.Generator) -> Tensor:
    return index if len(index) <= most else index[torch.randperm(len(index), generator=generator)[:most]]


def _copies(values: Tensor, split: Split) -> int:
    known = {values[i].numpy().tobytes() for i in split.train.tolist()}
    return sum(values[i].numpy().tobytes() in known for i in split.test.tolist())


def _unit(values: Tensor) -> Tensor:
    """Complex64 [sample, entry] of norm 1; a zero channel stays zero and resembles nothing."""
    # Gains of 1e-6 squared are at the edge of float32.
    peak = torch.view_as_real(values).abs().amax(dim=(1, 2), keepdim=True)[..., 0]
    scaled = values / torch.where(peak > 0, peak, torch.ones_like(peak))
    norm = scaled.norm(dim=1, keepdim=True)
    return (scaled / norm.clamp(min=1e-30)).to(torch.complex64)


def _near(test: Tensor, train: Tensor, threshold: float) -> int:
    found = 0
    # Rounding leaves the product of a vector with itself up to about 1e-6 short of 1.
    limit = threshold - 2e-6
    for rows in test.split(_ROWS):
        best = torch.zeros(len(rows))
        for columns in train.split(_ROWS):
            best = torch.maximum(best, (rows @ columns.mH).abs().amax(dim=1))
        found += int((best >= limit).sum())
    return found
