"""The fully connected network for line of sight of the LWM evaluation, on the channel itself.

Source: S. Alikhani, G. Charan, A. Alkhateeb, "Large Wireless Model (LWM)", arXiv:2411.08872, the network that the
paper trains on raw channels for comparison, with its rate for raw channels. Differs: the input has unit power;
above 6 400 labels fewer than 120 epochs, so that it stays below half a minute.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from wirelessfm.baselines.published_networks.schedule import Schedule, train_as_published
from wirelessfm.baselines.training import TrainedNetwork
from wirelessfm.csi import CSI

_SCHEDULE = Schedule(learning_rate=1e-4, epochs=120, decay_epochs=30, decay=0.5)


def _build(n_antennas: int, n_subcarriers: int, n_outputs: int) -> nn.Module:
    widths = (2 * n_antennas * n_subcarriers, 128, 64)
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(0.3)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], n_outputs))


def train_fcn_los(csi: CSI, labels: Tensor, n_classes: int, seed: int) -> TrainedNetwork:
    """Train on labelled samples, int64 classes; see :func:`train_as_published`."""
    return train_as_published(_build, _SCHEDULE, csi, labels, n_classes, seed)
