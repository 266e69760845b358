"""Residual one-dimensional convolutional heads, as in the LWM beam evaluation (arXiv:2411.08872) and after WiMAE.

Neither source gives all layer sizes. Wide has the stages of LWM's head of about 500 thousand parameters (2 blocks of
32 channels, 3 of 64, 4 of 128); slim has one block a stage of half the channels. Both slide along the features of a
sample, which is a sequence of one channel here.
"""

from __future__ import annotations

from torch import Tensor, nn

Stages = tuple[tuple[int, int], ...]

SLIM: Stages = ((1, 16), (1, 32), (1, 64))
WIDE: Stages = ((2, 32), (3, 64), (4, 128))


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


class ResNetHead(nn.Module):
    """Float [sample, feature] to [sample, n_outputs]."""

    def __init__(self, stages: Stages, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        width = stages[0][1]
        layers: list[nn.Module] = [
            nn.Conv1d(1, width, 7, stride=2, padding=3, bias=False),
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
        return self.out(self.body(x[:, None]).mean(dim=2))
