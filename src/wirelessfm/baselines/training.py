"""One training loop for every small classifier: the networks among the baselines and the heads on embeddings."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_MIN_BATCH, _MAX_BATCH = 16, 128


def train_classifier(model: nn.Module, inputs: Tensor, labels: Tensor, learning_rate: float, n_steps: int) -> None:
    """Minimise the cross-entropy with AdamW and a one-cycle rate; leaves the model in evaluation mode.

    Batches and dropout come from the global generator: call it inside ``torch.random.fork_rng``.

    Args:
        model: inputs to scores [sample, class].
        inputs: [sample, ...].
        labels: int64 [sample].
        learning_rate: the highest of the cycle.
        n_steps: batches; the batch is a tenth of the samples within 16 … 128, so few labels cost little.
    """
    n = len(labels)
    batch = min(n, _MAX_BATCH, max(_MIN_BATCH, n // 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=n_steps)
    order = torch.cat([torch.randperm(n) for _ in range(-(-n_steps * batch // n))])[: n_steps * batch]
    # Batch normalisation cannot train on one sample.
    model.train(batch > 1)
    for index in order.to(labels.device).split(batch):
        loss = nn.functional.cross_entropy(model(inputs[index]), labels[index])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()
