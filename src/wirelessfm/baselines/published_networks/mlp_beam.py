"""The fully connected network that maps sub-6 GHz channels to millimetre-wave beams.

Source: M. Alrabeiah, A. Alkhateeb, "Deep Learning for mmWave Beam and Blockage Prediction Using Sub-6 GHz Channels",
IEEE Trans. Commun. 2020 (arXiv:1910.02900): five hidden layers with dropout 0.4, SGD with momentum, one scale for
the whole data set. Differs: 512 units a layer instead of 2048 and batches of 128 instead of 1000, for at most 800
steps, because the original is 21 million parameters for 100 epochs; gradients are cut at norm 1.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from wirelessfm.baselines.published_networks.schedule import Schedule, train_as_published
from wirelessfm.baselines.training import TrainedNetwork
from wirelessfm.csi import CSI

_HIDDEN_LAYERS, _WIDTH = 5, 512
_SCHEDULE = Schedule(
    learning_rate=0.1,
    epochs=100,
    decay_epochs=80,
    decay=0.1,
    momentum=0.9,
    weight_decay=1e-4,
    max_norm=1.0,
    max_steps=800,
)


def _build(n_antennas: int, n_subcarriers: int, n_outputs: int) -> nn.Module:
    widths = (2 * n_antennas * n_subcarriers, *[_WIDTH] * _HIDDEN_LAYERS)
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in itertools.pairwise(widths):
        linear = nn.Linear(inputs, outputs)
        nn.init.xavier_uniform_(linear.weight)
        layers += [linear, nn.ReLU(), nn.Dropout(0.4)]
    return nn.Sequential(*layers, nn.Linear(widths[-1], n_outputs))


def train_mlp_beam(csi: CSI, labels: Tensor, n_classes: int, seed: int) -> TrainedNetwork:
    """Train on labelled samples, int64 classes; see :func:`train_as_published`."""
    return train_as_published(_build, _SCHEDULE, csi, labels, n_classes, seed)
