"""Majority class: what every system must beat."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm.csi import CSI


@dataclass(frozen=True)
class Majority:
    """Scores every sample with the class frequencies among the labels, float32 [class]."""

    frequency: Tensor
    n_parameters: int = 0

    def __call__(self, csi: CSI) -> Tensor:
        return self.frequency.expand(len(csi), -1)


def fit_majority(csi: CSI, labels: Tensor, n_classes: int, seed: int) -> Majority:
    """Count the labels; input and seed are ignored."""
    return Majority(torch.bincount(labels, minlength=n_classes).float() / len(labels))
