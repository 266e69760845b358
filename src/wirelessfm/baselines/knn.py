"""Weighted nearest neighbours in a data base of labelled fingerprints.

The standard of fingerprint positioning since RADAR (Bahl and Padmanabhan 2000); here for classes too. Two samples are
compared by the cosine similarity c of their fingerprints and the difference Δ of their log powers,
d² = 2·(1 − c) + (Δ/σ)², σ the spread of log power among the labels. Unrelated samples are 2 apart by either term, so
neither needs a weight. Neighbours count by 1/d.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wirelessfm.baselines.raw import log_power
from wirelessfm.csi import CSI
from wirelessfm.signal import to_angle_delay

# Chosen on Munich (line of sight, positions, beams; 5 and 100 % of the labels) and used everywhere: 3 is up to 1.4 m
# and 1 point better, 10 up to 1.5 points, each on one task and worse on another.
N_NEIGHBOURS = 5
_CLOSEST = 1e-3  # below this, float32 distances are rounding

Fingerprint = Callable[[Tensor], Tensor]


def channel(values: Tensor) -> Tensor:
    """The channel itself, complex [sample, antenna · subcarrier]; |xᴴy| does not depend on a common phase."""
    return values.flatten(1)


def angle_delay_magnitude(values: Tensor) -> Tensor:
    """Magnitudes of the angle–delay domain, float [sample, angle · delay]: close users differ in the phases of their
    paths long before they differ in angles and delays."""
    return to_angle_delay(values).abs().flatten(1)


@dataclass(frozen=True)
class Neighbours:
    """Fingerprints of the labelled samples, of unit norm, their log power [dB] and what they vote for.

    Attributes:
        prints: float or complex [label, f].
        power_db: float32 [label, 1].
        targets: float32 [label, d], values or one-hot classes.
        spread_db: spread of the log power.
        fingerprint: values [sample, antenna, subcarrier] to fingerprints [sample, f].
        k: neighbours that vote.
    """

    prints: Tensor
    power_db: Tensor
    targets: Tensor
    spread_db: float
    fingerprint: Fingerprint
    k: int
    n_parameters: int = 0

    def __call__(self, csi: CSI) -> Tensor:
        """Class frequencies or mean values among the weighted neighbours, float32 [sample, d]."""
        return torch.cat([self._predict(part) for part in csi.tensor("sample antenna subcarrier").split(512)])

    def _predict(self, values: Tensor) -> Tensor:
        similarity = (_unit(self.fingerprint(values)) @ self.prints.mH).abs()
        power = (log_power(values) - self.power_db.mT) / self.spread_db
        square = 2 * (1 - similarity) + power.square()
        nearest, index = square.topk(min(self.k, len(self.prints)), dim=1, largest=False)
        weight = 1 / nearest.clamp(min=_CLOSEST**2).sqrt()
        votes = (weight[..., None] * self.targets[index]).sum(dim=1)
        return votes / weight.sum(dim=1, keepdim=True)


def fit_neighbours(
    csi: CSI, labels: Tensor, n_outputs: int, seed: int, fingerprint: Fingerprint = channel, k: int = N_NEIGHBOURS
) -> Neighbours:
    """Keep the labelled samples, int64 classes or float [sample, d]; nothing is drawn, the seed is ignored."""
    values = csi.tensor("sample antenna subcarrier")
    power = log_power(values)
    spread = max(float(power.std(correction=0)), 1e-3)
    targets = labels if labels.is_floating_point() else nn.functional.one_hot(labels, n_outputs)
    return Neighbours(_unit(fingerprint(values)), power, targets.float(), spread, fingerprint, k)


def _unit(prints: Tensor) -> Tensor:
    # Weak channels are scaled up first, so that their squares stay within float32.
    scaled = prints / prints.abs().amax(dim=1, keepdim=True).clamp(min=1e-30)
    return scaled / scaled.norm(dim=1, keepdim=True).clamp(min=1e-30)
