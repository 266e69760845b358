"""A fully connected network from a channel as fingerprint to a position.

Source: the localisation network of the LWM 1.1 challenge (ITU LWM-2025), 64 and 32 units, with its optimiser; there
it reads an embedding, here the channel itself, as fingerprint networks do. Differs also: targets of unit variance
instead of metres; above 5 100 labels fewer than 150 epochs.
"""

from __future__ import annotations

from torch import Tensor, nn

from wirelessfm.baselines.published_networks.schedule import Schedule, train_as_published
from wirelessfm.baselines.training import TrainedNetwork
from wirelessfm.csi import CSI

_SCHEDULE = Schedule(learning_rate=1e-3, epochs=150, decay_epochs=40, decay=0.6)


def _build(n_antennas: int, n_subcarriers: int, n_outputs: int) -> nn.Module:
    inputs = 2 * n_antennas * n_subcarriers
    hidden = [nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU()]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(32, n_outputs))


def train_fcn_position(csi: CSI, labels: Tensor, n_outputs: int, seed: int) -> TrainedNetwork:
    """Train on labelled samples, float [sample, n_outputs]; see :func:`train_as_published`."""
    return train_as_published(_build, _SCHEDULE, csi, labels, n_outputs, seed)
