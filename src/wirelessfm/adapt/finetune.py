"""Fine-tuning: the last blocks of an encoder, or all of it, trained with the head.

The head is first fitted on the frozen embedding and then trained with the encoder, which loses less of what
pretraining gave than starting from a random head (A. Kumar et al., "Fine-Tuning can Distort Pretrained Features",
ICLR 2022).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from wirelessfm.adapt.heads import fit_standardiser
from wirelessfm.baselines import System
from wirelessfm.baselines.training import train_network, unit_values
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError

_PROBE_STEPS, _MIN_STEPS, _MAX_STEPS, _EPOCHS = 300, 40, 300, 10
_LEARNING_RATE = 3e-4


@dataclass(frozen=True)
class FineTuning:
    """What ``System.run`` of a fine-tuned encoder is.

    Attributes:
        encoder: a model with ``embed(csi)``; it is copied and left as it was.
        n_blocks: how many of its last blocks are trained; None for every parameter.
        embed_options: further arguments of ``embed``, such as ``{"resize": "pad"}``.
    """

    encoder: nn.Module
    n_blocks: int | None
    embed_options: tuple[tuple[str, Any], ...] = ()

    def __call__(self, csi: CSI, labels: Tensor, n_outputs: int, seed: int) -> FineTuned:
        """Train on the labelled samples: int64 classes, or float values [sample, n_outputs]."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = _EncoderWithHead(copy.deepcopy(self.encoder), dict(self.embed_options), csi, n_outputs)
            targets, offset, scale = unit_values(labels)
            train_network(model.head, model.frozen(csi), targets, 2e-3, _PROBE_STEPS)
            for parameter in model.encoder.parameters():
                parameter.requires_grad_(False)
            for parameter in last_blocks(model.encoder, self.n_blocks):
                parameter.requires_grad_(True)
            n_steps = min(_MAX_STEPS, max(_MIN_STEPS, _EPOCHS * len(labels) // 128))
            train_network(model, csi, targets, _LEARNING_RATE, n_steps)
        return FineTuned(model, offset, scale)


class FineTuned:
    """A fitted encoder and head; a :class:`wirelessfm.baselines.Predictor`."""

    def __init__(self, model: _EncoderWithHead, offset: Tensor, scale: Tensor) -> None:
        self.model, self.offset, self.scale = model, offset, scale
        self.n_parameters = sum(p.numel() for p in model.encoder.parameters())

    @torch.no_grad()
    def __call__(self, csi: CSI) -> Tensor:
        parts = [self.model(csi[start : start + 256]) for start in range(0, len(csi), 256)]
        return torch.cat(parts) * self.scale + self.offset


class _EncoderWithHead(nn.Module):
    def __init__(self, encoder: nn.Module, options: dict[str, Any], csi: CSI, n_outputs: int) -> None:
        super().__init__()
        self.encoder, self.options = encoder.eval(), options
        self.standardise = None
        self.standardise = fit_standardiser(self.frozen(csi), max_width=None)
        self.head = nn.Linear(len(self.standardise.mean), n_outputs)

    @torch.no_grad()
    def frozen(self, csi: CSI) -> Tensor:
        """Embeddings without gradient, standardised once that is fitted."""
        return torch.cat([self.features(csi[start : start + 256]) for start in range(0, len(csi), 256)])

    def features(self, csi: CSI) -> Tensor:
        """Embeddings of a batch."""
        found = self.encoder.embed(csi, **self.options).float()  # type: ignore[operator]
        return found if self.standardise is None else self.standardise(found)

    def forward(self, csi: CSI) -> Tensor:
        """Scores or values of a batch."""
        return self.head(self.features(csi))


def last_blocks(encoder: nn.Module, count: int | None) -> list[nn.Parameter]:
    """The parameters of the last ``count`` blocks of an encoder, or all of them for None.

    Raises:
        WirelessFMError: no list of blocks, or not so many.
    """
    if count is None:
        return list(encoder.parameters())
    blocks = getattr(encoder, "blocks", None) or getattr(encoder, "encoder", None)
    if not isinstance(blocks, nn.ModuleList | nn.Sequential) or not 0 < count <= len(blocks):
        found = f"{len(blocks)}" if isinstance(blocks, nn.ModuleList | nn.Sequential) else "no"
        raise WirelessFMError(f"fine-tuning asks for the last {count} blocks, this encoder has {found}")
    return [p for block in list(blocks)[len(blocks) - count :] for p in block.parameters()]


def fine_tuned(system: System, n_blocks: int | None) -> System:
    """The line of the result table of an encoder that is trained further with the head.

    Args:
        system: its frozen line, with the module in ``model``; pooling and resizing are as in its notes, or else the
            pooling is the ``tuned_pooling`` of the model.
        n_blocks: how many of the last blocks are trained; None for all parameters.

    Raises:
        WirelessFMError: no module, or not so many blocks.
    """
    if system.model is None:
        raise WirelessFMError(f"system '{system.name}' has no module to fine-tune")
    last_blocks(system.model, n_blocks)
    usual = {"pooling": pooling} if (pooling := getattr(system.model, "tuned_pooling", None)) else {}
    notes = usual | dict(system.notes)
    options = tuple((name, notes[name]) for name in ("pooling", "resize") if name in notes)
    return replace(
        system,
        name=f"{system.name}+{'fine-tuned' if n_blocks is None else f'last-{n_blocks}'}",
        kind="network",
        run=FineTuning(system.model, n_blocks, options),
        complete=None,
        model=None,
    )
