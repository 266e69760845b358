"""One training loop for every small network: those among the baselines and the heads on embeddings."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from wirelessfm.csi import CSI

_MIN_BATCH, _MAX_BATCH = 16, 128


def unit_values(labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What a network learns instead of ``labels``, and the offset and scale that lead back from what it says.

    Values [sample, d] are taken to zero mean and unit variance; one that never varies keeps a scale of 0, so that it
    is predicted as it is. Classes, int64, stay.
    """
    if not labels.is_floating_point():
        return labels, torch.zeros(1), torch.ones(1)
    scale, offset = torch.std_mean(labels.float(), dim=0, correction=0)
    return (labels.float() - offset) / torch.where(scale > 0, scale, torch.ones_like(scale)), offset, scale


class TrainedNetwork:
    """A fitted network on channels; its outputs are scores, or values in units of ``scale`` around ``offset``."""

    def __init__(self, model: nn.Module, offset: Tensor, scale: Tensor) -> None:
        self.model, self.offset, self.scale = model, offset, scale

    @property
    def n_parameters(self) -> int:
        """Trained numbers."""
        return sum(p.numel() for p in self.model.parameters())

    @torch.no_grad()
    def __call__(self, csi: CSI) -> Tensor:
        parts = csi.tensor("sample antenna subcarrier").split(1024)
        return torch.cat([self.model(part) for part in parts]) * self.scale + self.offset


def train_network(
    model: nn.Module,
    inputs: Tensor | CSI,
    targets: Tensor,
    learning_rate: float,
    n_steps: int,
    loss: Callable[[Tensor, Tensor], Tensor] | None = None,
    max_batch: int = _MAX_BATCH,
) -> None:
    """Minimise a loss with AdamW and a one-cycle rate; leaves the model in evaluation mode.

    Batches and dropout come from the global generator: call it inside ``torch.random.fork_rng``.

    Args:
        model: inputs to scores [sample, class], or to values like the targets.
        inputs: [sample, ...], a tensor or CSI.
        targets: int64 [sample], classes; or float or complex [sample, ...].
        learning_rate: the highest of the cycle.
        n_steps: batches; the batch is a tenth of the samples within 16 … ``max_batch``, so few labels cost little.
        loss: of predictions and targets; by default the cross-entropy of classes and the mean squared error of
            values.
        max_batch: for networks whose steps are dear.
    """
    n = len(targets)
    measure = loss or (nn.functional.mse_loss if targets.is_floating_point() else nn.functional.cross_entropy)
    batch = min(n, max_batch, max(_MIN_BATCH, n // 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=n_steps)
    order = torch.cat([torch.randperm(n) for _ in range(-(-n_steps * batch // n))])[: n_steps * batch]
    # Batch normalisation cannot train on one sample.
    model.train(batch > 1)
    for index in order.to(targets.device).split(batch):
        error = measure(model(inputs[index]), targets[index])
        optimizer.zero_grad(set_to_none=True)
        error.backward()
        optimizer.step()
        schedule.step()
    model.eval()
