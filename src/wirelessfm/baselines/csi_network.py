"""What the networks that predict CSI share: normalisation, loss, bounded training, and putting the answer back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wirelessfm.baselines.known_part import known_part
from wirelessfm.baselines.training import train_network
from wirelessfm.csi import CSI

_MIN_STEPS = 20
_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Grid:
    """Sizes of what a network is given, complex [row, known, antenna, other], and asked for."""

    n_known: int
    n_asked: int
    n_antennas: int
    n_other: int


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes:
        learning_rate: the highest of a one-cycle schedule.
        max_steps: at most so many batches.
        max_entries: at most so many complex entries given, over all batches; bounds the time whatever the sizes.
        max_batch: rows in a batch.
        antennas_apart: every antenna is a row of its own (as in LLM4CP), else a sample is a row.
    """

    learning_rate: float = 2e-3
    max_steps: int = 400
    max_entries: float = 5e7
    max_batch: int = 32
    antennas_apart: bool = False

    def n_steps(self, grid: Grid, n_rows: int) -> int:
        """Batches for ``n_rows`` rows of ``grid``."""
        batch = min(n_rows, self.max_batch)
        entries = batch * grid.n_known * grid.n_antennas * grid.n_other
        return max(_MIN_STEPS, min(self.max_steps, math.floor(self.max_entries / entries)))


class TrainedCSINetwork:
    """A network complex [row, known, antenna, other] to complex [row, asked, antenna, other], after training."""

    def __init__(self, network: nn.Module, antennas_apart: bool) -> None:
        self.network, self.antennas_apart = network, antennas_apart

    @property
    def n_parameters(self) -> int:
        """Trained numbers; frozen ones do not count."""
        return sum(p.numel() for p in self.network.parameters() if p.requires_grad)

    @torch.no_grad()
    def __call__(self, csi: CSI) -> Tensor:
        """CSI with its known part to complex64 CSI of the same shape."""
        known = known_part(csi)
        parts = [self.network(part) for part in _rows(known.values, self.antennas_apart).split(_ROWS_AT_ONCE)]
        asked = torch.cat(parts)
        if self.antennas_apart:
            asked = asked.unflatten(0, (len(csi), -1)).squeeze(3).transpose(1, 2)
        return known.completed(asked)


def train_csi_network(
    build: Callable[[Grid], nn.Module], csi: CSI, labels: Tensor, seed: int, training: Training
) -> TrainedCSINetwork:
    """Train on labelled samples, each at unit power of its known part.

    Args:
        build: sizes to an untrained network.
        csi: with the label ``observed``.
        labels: complex [sample, time, antenna, subcarrier], the clean channels.
        seed: of weights, batches and dropout.
        training: how long and how fast.
    """
    known = known_part(csi)
    inputs = _rows(known.values, training.antennas_apart).contiguous()
    targets = _rows(known.asked(labels), training.antennas_apart).contiguous()
    grid = Grid(inputs.shape[1], targets.shape[1], inputs.shape[2], inputs.shape[3])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build(grid)
        n_steps = training.n_steps(grid, len(inputs))
        train_network(network, inputs, targets, training.learning_rate, n_steps, batch_nmse, training.max_batch)
    return TrainedCSINetwork(network, training.antennas_apart)


def batch_nmse(predicted: Tensor, target: Tensor) -> Tensor:
    """Σ‖e‖²/Σ‖h‖² over the batch, as LLM4CP: a single antenna in a fade does not outweigh the others."""
    return (predicted - target).abs().square().sum() / target.abs().square().sum().clamp(min=1e-20)


def _rows(values: Tensor, antennas_apart: bool) -> Tensor:
    return values.transpose(1, 2).flatten(0, 1)[:, :, None] if antennas_apart else values
