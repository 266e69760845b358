"""The optimisers of pretraining, and the learning rate they share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from wirelessfm.errors import WirelessFMError
from wirelessfm.recipe import TrainingPart


def build_optimizers(module: nn.Module, training: TrainingPart) -> Sequence[torch.optim.Optimizer]:
    """What trains the parameters of ``module``: each of them belongs to one of the optimisers.

    ``adamw`` is AdamW for all of them. ``muon`` is Muon (K. Jordan et al., "Muon: an optimizer for hidden layers in
    neural networks", 2024) for the matrices of the repeated blocks, whose steps it makes orthogonal, and AdamW for
    what comes before, after and beside them; steps are scaled to the size of AdamW's (J. Liu et al., "Muon is
    scalable for LLM training", 2025, eq. 4), so that one learning rate serves both.

    Raises:
        WirelessFMError: ``muon`` is asked for a model without repeated blocks.
    """
    trained = [p for p in module.parameters() if p.requires_grad]
    if training.optimizer == "adamw":
        return [_adamw(trained, training)]
    matrices = [p for p in dict.fromkeys(block_matrices(module)) if p.requires_grad]
    if not matrices:
        raise WirelessFMError(
            "optimizer 'muon' is for the matrices of repeated blocks, found none in this model; use adamw"
        )
    chosen = {id(p) for p in matrices}
    muon = torch.optim.Muon(
        matrices, lr=training.learning_rate, weight_decay=training.weight_decay, adjust_lr_fn="match_rms_adamw"
    )
    return [muon, _adamw([p for p in trained if id(p) not in chosen], training)]


def _adamw(parameters: Sequence[Tensor], training: TrainingPart) -> torch.optim.AdamW:
    groups = [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": training.weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=training.learning_rate, betas=(0.9, 0.98))


def block_matrices(module: nn.Module) -> Iterator[Tensor]:
    """Weights of the linear layers inside the blocks of every list or sequence of blocks; may repeat themselves."""
    for container in module.modules():
        if isinstance(container, nn.ModuleList | nn.Sequential):
            for block in container:
                yield from (m.weight for m in block.modules() if isinstance(m, nn.Linear) and m is not block)


def learning_rate(step: int, training: TrainingPart) -> float:
    """Linear warm-up, then half a cosine down to 1 % of the peak."""
    if step < training.warmup_steps:
        return training.learning_rate * (step + 1) / training.warmup_steps
    share = (step - training.warmup_steps) / max(1, training.steps - training.warmup_steps)
    return training.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
