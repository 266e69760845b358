"""A small convolutional network on the raw channel and its angle–delay transform, trained from scratch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from wirelessfm.baselines.raw import log_power
from wirelessfm.csi import CSI
from wirelessfm.signal import to_angle_delay

_BATCH = 128
# Steps, not epochs, bound the cost: 20 epochs of the labels there are, but no fewer than few labels need to be
# fitted and no more than the time allows.
_MIN_STEPS, _MAX_STEPS, _EPOCHS = 200, 800, 20


class SmallCNN(nn.Module):
    """Real and imaginary parts of both domains, each sample at unit power, as 4 channels; log power joins at the end.

    Any number of antennas and subcarriers; input complex [sample, antenna, subcarrier].
    """

    def __init__(self, n_antennas: int, n_subcarriers: int, n_classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_block(4, 16, (1, 2)),
            *_block(16, 32, (2, 2)),
            *_block(32, 64, (2, 2)),
            nn.Flatten(),
        )
        rows, columns = _halved(_halved(n_antennas)), _halved(_halved(_halved(n_subcarriers)))
        self.hidden = nn.Linear(64 * rows * columns + 1, 128)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(128, n_classes)
        self.register_buffer("power_db", torch.zeros(2))

    def forward(self, values: Tensor) -> Tensor:
        power = log_power(values)
        unit = values / 10 ** (power[..., None] / 20)
        planes = torch.view_as_real(torch.stack([unit, to_angle_delay(unit)], dim=1))
        planes = planes.permute(0, 1, 4, 2, 3).flatten(1, 2)
        mean, spread = self.power_db.unbind()
        hidden = self.hidden(torch.cat([self.body(planes), (power - mean) / spread.clamp(min=1e-3)], dim=1))
        return self.out(self.drop(torch.relu(hidden)))


def _block(inputs: int, outputs: int, stride: tuple[int, int]) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def _halved(n: int) -> int:
    return -(-n // 2)


class TrainedCNN:
    """A fitted :class:`SmallCNN`."""

    def __init__(self, model: SmallCNN) -> None:
        self.model = model.eval()

    @property
    def n_parameters(self) -> int:
        """Trained numbers."""
        return sum(p.numel() for p in self.model.parameters())

    @torch.no_grad()
    def __call__(self, csi: CSI) -> Tensor:
        device = next(self.model.parameters()).device
        parts = csi.tensor("sample antenna subcarrier").split(1024)
        return torch.cat([self.model(part.to(device)).cpu() for part in parts])


def train_cnn(csi: CSI, labels: Tensor, n_classes: int, seed: int, device: str = "cpu") -> TrainedCNN:
    """Train with AdamW and a one-cycle rate; the seed fixes initialisation, batches and dropout."""
    values = csi.tensor("sample antenna subcarrier").to(device)
    with torch.random.fork_rng(devices=[] if device == "cpu" else None):
        torch.manual_seed(seed)
        model = SmallCNN(values.shape[1], values.shape[2], n_classes).to(device)
        spread, mean = torch.std_mean(log_power(values), correction=0)
        model.power_db.copy_(torch.stack([mean, spread]))
        _train(model, values, labels.to(device))
    return TrainedCNN(model)


def _train(model: SmallCNN, values: Tensor, labels: Tensor) -> None:
    batch = min(_BATCH, len(labels))
    n_steps = min(_MAX_STEPS, max(_MIN_STEPS, _EPOCHS * len(labels) // batch))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=n_steps)
    order = torch.cat([torch.randperm(len(labels)) for _ in range(-(-n_steps * batch // len(labels)))])
    # Batch normalisation needs two samples.
    model.train(batch > 1)
    for index in order[: n_steps * batch].to(labels.device).split(batch):
        loss = nn.functional.cross_entropy(model(values[index]), labels[index])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
