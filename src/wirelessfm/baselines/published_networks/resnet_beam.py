"""The residual convolutional network for beams of the LWM evaluation, on the channel itself.

Source: S. Alikhani, G. Charan, A. Alkhateeb, "Large Wireless Model (LWM)", arXiv:2411.08872: about 500 thousand
parameters, features as channels. Differs: a step of the sequence is an antenna with all its subcarriers instead of
16 of them, a quarter of the cost; the source gives no rate for this network, so Adam at the paper's 1e-3, and at
most 300 steps instead of 120 epochs.
"""

from __future__ import annotations

from torch import Tensor, nn

from wirelessfm.baselines.published_networks.schedule import Schedule, train_as_published
from wirelessfm.baselines.training import TrainedNetwork
from wirelessfm.csi import CSI

Stages = tuple[tuple[int, int], ...]

WIDE: Stages = ((2, 32), (3, 64), (4, 128))
_SCHEDULE = Schedule(learning_rate=1e-3, epochs=120, decay_epochs=30, decay=0.5, max_steps=300)


class ResidualBlock(nn.Module):
    """Two convolutions of width 3 and a shortcut, with a 1 × 1 convolution where the channels change."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
            nn.Conv1d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm1d(outputs),
        )
        change = nn.Sequential(nn.Conv1d(inputs, outputs, 1, bias=False), nn.BatchNorm1d(outputs))
        self.shortcut = nn.Identity() if inputs == outputs else change

    def forward(self, x: Tensor) -> Tensor:
        """Float [sample, inputs, length] to [sample, outputs, length]."""
        return (self.body(x) + self.shortcut(x)).relu()


class ResidualNetwork(nn.Module):
    """Float [sample, channel, length] to [sample, n_outputs]."""

    def __init__(self, stages: Stages, n_channels: int, n_outputs: int) -> None:
        super().__init__()
        width = stages[0][1]
        layers: list[nn.Module] = [
            nn.Conv1d(n_channels, width, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(),
            nn.MaxPool1d(3, stride=2, padding=1),
        ]
        for blocks, outputs in stages:
            for _ in range(blocks):
                layers.append(ResidualBlock(width, outputs))
                width = outputs
        self.body = nn.Sequential(*layers)
        hidden = [nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.5)]
        self.out = nn.Sequential(*hidden, nn.Linear(width, n_outputs))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return self.out(self.body(x).mean(dim=2))


def _build(n_antennas: int, n_subcarriers: int, n_outputs: int) -> nn.Module:
    return ResidualNetwork(WIDE, 2 * n_subcarriers, n_outputs)


def train_resnet_beam(csi: CSI, labels: Tensor, n_classes: int, seed: int) -> TrainedNetwork:
    """Train on labelled samples, int64 classes; see :func:`train_as_published`."""
    return train_as_published(_build, _SCHEDULE, csi, labels, n_classes, seed)
