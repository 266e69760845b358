"""A fully connected network from the observed to all entries of a channel."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from wirelessfm.baselines.estimation_network import TrainedEstimator, noise_level, train_estimator
from wirelessfm.baselines.observed import Observed
from wirelessfm.csi import CSI

_HIDDEN = 512


def prepare(seen: Observed) -> Tensor:
    """The observed entries and the noise level, float32 [sample, 2 · observed + 1]."""
    return torch.cat([torch.view_as_real(seen.values).flatten(1), noise_level(seen)], dim=1)


def build(seen: Observed) -> nn.Module:
    """Two hidden layers, as in the channel mapping of Alrabeiah and Alkhateeb 2019, at half their width or less."""
    inputs, outputs = 2 * len(seen.flat) + 1, 2 * math.prod(seen.shape)
    return nn.Sequential(
        nn.Linear(inputs, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, outputs)
    )


def train_mapping_network(csi: CSI, labels: Tensor, n_outputs: int, seed: int) -> TrainedEstimator:
    """Fit on clean channels, see :func:`wirelessfm.baselines.estimation_network.train_estimator`."""
    return train_estimator(build, prepare, csi, labels, seed, 2e-3)
