"""Training as published: epochs, a rate that falls in steps, Adam or SGD; bounded in cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from wirelessfm.baselines.training import TrainedNetwork, unit_values
from wirelessfm.csi import CSI


@dataclass(frozen=True)
class Schedule:
    """Published optimiser settings.

    Attributes:
        learning_rate: at the start.
        epochs: passes over the labelled samples.
        decay_epochs, decay: the rate is multiplied by ``decay`` every ``decay_epochs``.
        batch: samples a step; all of them where there are fewer.
        momentum: of SGD; None for Adam.
        weight_decay: L2 penalty in the gradient, as in both optimisers.
        max_norm: of the gradient, or None; SGD at a high rate can otherwise run away on data unlike the published.
        max_steps: bounds the cost; beyond it epochs and decay_epochs shrink in proportion.
    """

    learning_rate: float
    epochs: int
    decay_epochs: int
    decay: float
    batch: int = 128
    momentum: float | None = None
    weight_decay: float = 0.0
    max_norm: float | None = None
    max_steps: int = 6_000

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Over all parameters of ``model``."""
        rate, penalty = self.learning_rate, self.weight_decay
        if self.momentum is None:
            return torch.optim.Adam(model.parameters(), rate, weight_decay=penalty, fused=True)
        return torch.optim.SGD(model.parameters(), rate, self.momentum, weight_decay=penalty, fused=True)


class RealInput(nn.Module):
    """Complex [sample, antenna, subcarrier] to float [sample, 2 · subcarrier, antenna] at unit power on average.

    One scale for all samples, that of the labelled ones: power between samples is kept. Published inputs are gains
    times 10⁶, which for other arrays and cities is any number.
    """

    scale: Tensor

    def __init__(self, values: Tensor) -> None:
        super().__init__()
        scale = values.abs().square().mean().sqrt()
        self.register_buffer("scale", torch.where(scale > 0, scale, torch.ones_like(scale)))

    def forward(self, values: Tensor) -> Tensor:
        """See the class."""
        return rearrange(torch.view_as_real(values / self.scale), "b a k part -> b (part k) a")


def train_as_published(
    build: Callable[[int, int, int], nn.Module],
    schedule: Schedule,
    csi: CSI,
    labels: Tensor,
    n_outputs: int,
    seed: int,
) -> TrainedNetwork:
    """Train ``build(n_antennas, n_subcarriers, n_outputs)``, which takes what :class:`RealInput` gives.

    Args:
        build: the network.
        schedule: how to train it.
        csi: of the labelled samples.
        labels: int64 [sample], classes; or float [sample, n_outputs], values, which are learned at unit variance.
        n_outputs: classes, or values.
        seed: fixes weights, batches and dropout; the global generator is left alone.
    """
    targets, offset, scale = unit_values(labels)
    values = csi.tensor("sample antenna subcarrier")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(RealInput(values), build(values.shape[1], values.shape[2], n_outputs))
        _train(model, schedule, values, targets)
    return TrainedNetwork(model, offset, scale)


def _train(model: nn.Module, schedule: Schedule, values: Tensor, targets: Tensor) -> None:
    n = len(targets)
    batch = min(n, schedule.batch)
    published = max(1, schedule.epochs * n // batch)
    n_steps = min(published, schedule.max_steps)
    every = max(1, schedule.decay_epochs * n_steps // schedule.epochs)
    loss = nn.functional.mse_loss if targets.is_floating_point() else nn.functional.cross_entropy
    optimizer = schedule.optimizer(model)
    rate = torch.optim.lr_scheduler.StepLR(optimizer, every, schedule.decay)
    order = torch.cat([torch.randperm(n) for _ in range(-(-n_steps * batch // n))])[: n_steps * batch]
    # Batch normalisation cannot train on one sample.
    model.train(batch > 1)
    for index in order.split(batch):
        error = loss(model(values[index]), targets[index])
        optimizer.zero_grad(set_to_none=True)
        error.backward()
        if schedule.max_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), schedule.max_norm)
        optimizer.step()
        rate.step()
    model.eval()
