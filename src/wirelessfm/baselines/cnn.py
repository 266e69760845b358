"""A small convolutional network on the raw channel and its angle–delay transform, trained from scratch."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from wirelessfm.baselines.raw import log_power
from wirelessfm.baselines.training import TrainedNetwork, train_network, unit_values
from wirelessfm.csi import CSI
from wirelessfm.signal import to_angle_delay

# 20 epochs, but enough steps for few labels; with many, 600 steps bound the cost to about 10 s on one core.
_EPOCHS, _MIN_STEPS, _MAX_STEPS = 20, 200, 600


class SmallCNN(nn.Module):
    """Convolutions along the antennas; subcarriers and delays of both domains are the channels.

    Each sample enters at unit power, log power joins before the last layers. Square kernels over antenna and
    subcarrier were no better at four times the cost (a third-party city, 32 × 32): a narrow band has few delays,
    so there is little to slide along. Any number of antennas; input complex [sample, antenna, subcarrier].
    """

    power_db: Tensor

    def __init__(self, n_antennas: int, n_subcarriers: int, n_classes: int, width: int = 64) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_block(4 * n_subcarriers, width, stride=1),
            *_block(width, width, stride=2),
            nn.Flatten(),
        )
        self.hidden = nn.Linear(width * -(-n_antennas // 2) + 1, 128)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(128, n_classes)
        self.register_buffer("power_db", torch.zeros(2))

    def forward(self, values: Tensor) -> Tensor:
        power = log_power(values)
        unit = values / 10 ** (power[..., None] / 20)
        parts = torch.view_as_real(torch.stack([unit, to_angle_delay(unit)], dim=1))
        mean, spread = self.power_db.unbind()
        body = self.body(rearrange(parts, "b domain a k part -> b (domain k part) a"))
        hidden = self.hidden(torch.cat([body, (power - mean) / spread.clamp(min=1e-3)], dim=1))
        return self.out(self.drop(torch.relu(hidden)))


def _block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    return [nn.Conv1d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm1d(outputs), nn.ReLU()]


def train_cnn(csi: CSI, labels: Tensor, n_classes: int, seed: int) -> TrainedNetwork:
    """Train on labelled samples, int64 classes or float [sample, d]; the seed fixes weights, batches and dropout."""
    targets, offset, scale = unit_values(labels)
    values = csi.tensor("sample antenna subcarrier")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = SmallCNN(values.shape[1], values.shape[2], n_classes)
        spread, mean = torch.std_mean(log_power(values), correction=0)
        model.power_db.copy_(torch.stack([mean, spread]))
        n_steps = min(_MAX_STEPS, max(_MIN_STEPS, _EPOCHS * len(labels) // 128))
        train_network(model, values, targets, 3e-3, n_steps)
    return TrainedNetwork(model, offset, scale)
