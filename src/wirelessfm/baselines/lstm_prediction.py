"""LSTM prediction of CSI: a recurrent network reads the known entries and a linear layer says all asked ones.

As in the baselines of LLM4CP (B. Liu et al., arXiv:2406.14440) and WiFo: two layers. WiFo flattens the other axes; as
in LLM4CP every antenna is a sequence of its own here, of vectors over the other axis, which multiplies the training
data and keeps the output layer small.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from einops import rearrange
from torch import Tensor, nn

from wirelessfm.baselines.csi_network import Grid, TrainedCSINetwork, Training, train_csi_network
from wirelessfm.csi import CSI


@dataclass(frozen=True)
class LSTMConfig:
    """Sizes and training."""

    hidden: int = 128
    layers: int = 2
    training: Training = Training(max_batch=128, antennas_apart=True)


class LSTMPredictor(nn.Module):
    """Complex [row, known, antenna, other] to complex [row, asked, antenna, other]."""

    def __init__(self, config: LSTMConfig, grid: Grid) -> None:
        super().__init__()
        self.grid, width = grid, 2 * grid.n_antennas * grid.n_other
        self.recurrent = nn.LSTM(width, config.hidden, config.layers, batch_first=True)
        self.out = nn.Linear(config.hidden, grid.n_asked * width)

    def forward(self, values: Tensor) -> Tensor:
        steps = rearrange(torch.view_as_real(values), "b n a o part -> b n (a o part)")
        last = self.recurrent(steps)[0][:, -1]
        parts = self.out(last).reshape(-1, self.grid.n_asked, self.grid.n_antennas, self.grid.n_other, 2)
        return torch.view_as_complex(parts)


def train_lstm(
    csi: CSI, labels: Tensor, n_classes: int, seed: int, config: LSTMConfig = LSTMConfig()
) -> TrainedCSINetwork:
    """See :func:`~wirelessfm.baselines.csi_network.train_csi_network`."""
    return train_csi_network(partial(LSTMPredictor, config), csi, labels, seed, config.training)
