"""LLM4CP: a frozen language model between small trained layers predicts CSI, antenna by antenna.

B. Liu, X. Liu, S. Gao, X. Cheng, L. Yang, "LLM4CP: Adapting Large Language Models for Channel Prediction", J. Commun.
Inf. Netw. 9(2), 2024, arXiv:2406.14440; layers as in its release. Of GPT-2 only the layer norms and the position
table are trained. Differences: samples enter at unit power instead of standardised batch by batch; the delay branch
has real and imaginary parts side by side per delay; sizes adapt to the grid, in either direction.

The backbone needs the extra ``llm``. Without a folder of weights it is random: that is the control experiment every
reuse of a language model owes, and what the default ``llm4cp-random`` is, at a size that trains on one core.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from wirelessfm.baselines.csi_network import Grid, TrainedCSINetwork, Training, train_csi_network
from wirelessfm.baselines.system import System
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError, missing_extra
from wirelessfm.files import sha256_of


@dataclass(frozen=True)
class LLM4CPConfig:
    """Sizes and training.

    Attributes:
        layers: of the language model, the first ones.
        width, heads: of a random language model; weights have their own.
        channels, blocks: of the convolutions before it.
        weights: folder with GPT-2 as ``config.json`` and ``model.safetensors``; empty for random weights.
        training: how long and how fast.
    """

    layers: int = 2
    width: int = 128
    heads: int = 4
    channels: int = 8
    blocks: int = 1
    weights: str = ""
    training: Training = Training(learning_rate=5e-3, max_entries=4e6, max_batch=32, antennas_apart=True)


PUBLISHED = LLM4CPConfig(6, 768, 12, 64, 4)


class AttentiveBlock(nn.Module):
    """Two convolutions whose channels are weighted by what is in them, beside an identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)
        )
        self.weigh = nn.Sequential(
            nn.Conv2d(channels, channels, 1, bias=False), nn.ReLU(), nn.Conv2d(channels, channels, 1, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        inner = self.body(x)
        means, peaks = inner.mean(dim=(2, 3), keepdim=True), inner.amax(dim=(2, 3), keepdim=True)
        return x + inner * torch.sigmoid(self.weigh(means) + self.weigh(peaks))


def _branch(channels: int, blocks: int) -> nn.Sequential:
    first, last = nn.Conv2d(2, channels, 3, padding=1), nn.Conv2d(channels, 2, 3, padding=1)
    return nn.Sequential(first, *(AttentiveBlock(channels) for _ in range(blocks)), last)


class LLM4CPPredictor(nn.Module):
    """Complex [row, known, 1, other] to complex [row, asked, 1, other]."""

    def __init__(self, config: LLM4CPConfig, grid: Grid) -> None:
        super().__init__()
        self.patch, features = math.gcd(grid.n_known, 4), 2 * grid.n_other
        self.within_patch = nn.Linear(self.patch, self.patch)
        self.branches = nn.ModuleList(_branch(config.channels, config.blocks) for _ in range(2))
        self.backbone = gpt2(config, grid.n_known)
        width = self.backbone.config.n_embd
        self.embed = nn.Conv1d(features, width, 3, padding=1, padding_mode="circular", bias=False)
        self.register_buffer("code", _sines(grid.n_known, width))
        self.before = nn.Linear(grid.n_known, grid.n_known)
        self.out = nn.Linear(width, features)
        self.along = nn.Linear(grid.n_known, grid.n_asked)

    def forward(self, values: Tensor) -> Tensor:
        domains = (values[:, :, 0], torch.fft.ifft(values[:, :, 0], dim=2, norm="ortho"))
        images = [branch(self._image(domain)) for branch, domain in zip(self.branches, domains, strict=True)]
        tokens = rearrange(images[0] + images[1], "b part n o -> b (o part) n")
        embedded = self.embed(tokens).transpose(1, 2) + self.code
        embedded = self.before(embedded.transpose(1, 2)).transpose(1, 2)
        hidden = self.backbone(inputs_embeds=embedded, use_cache=False).last_hidden_state
        asked = self.along(self.out(hidden).transpose(1, 2))
        return torch.view_as_complex(rearrange(asked, "b (o part) n -> b n 1 o part", part=2).contiguous())

    def _image(self, domain: Tensor) -> Tensor:
        parts = rearrange(torch.view_as_real(domain), "b (i n) o part -> b part i o n", n=self.patch)
        return rearrange(self.within_patch(parts), "b part i o n -> b part (i n) o")


def gpt2(config: LLM4CPConfig, n_tokens: int) -> Any:
    """The first layers of GPT-2, frozen but for layer norms and position table.

    Raises:
        WirelessFMError: the extra ``llm`` is not installed, or the folder holds no GPT-2 with that many layers and
            positions.
    """
    try:
        from transformers import GPT2Config, GPT2Model
    except ImportError as error:
        raise missing_extra("transformers", "llm") from error
    if config.weights:
        try:
            model: Any = GPT2Model.from_pretrained(config.weights, local_files_only=True, use_safetensors=True)
        except (OSError, ValueError) as error:
            raise WirelessFMError(
                f"'{config.weights}' is no folder with GPT-2 as config.json and model.safetensors: {error}"
            ) from error
    else:
        # No word, so none that begins or ends a text.
        sizes: dict[str, Any] = {"vocab_size": 1, "bos_token_id": None, "eos_token_id": None}
        sizes |= {"n_embd": config.width, "n_layer": config.layers, "n_head": config.heads, "n_positions": n_tokens}
        model = GPT2Model(GPT2Config(**sizes))
    if len(model.h) < config.layers or model.config.n_positions < n_tokens:
        raise WirelessFMError(
            f"expected a GPT-2 of at least {config.layers} layers and {n_tokens} positions, found {len(model.h)} and "
            f"{model.config.n_positions}"
        )
    model.h = model.h[: config.layers]
    model.wte = nn.Identity()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("ln" in name or "wpe" in name)
    return model


def _sines(count: int, width: int) -> Tensor:
    rates = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(count, dtype=torch.float64)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)[:, :width].float()


def train_llm4cp(
    csi: CSI, labels: Tensor, n_classes: int, seed: int, config: LLM4CPConfig = LLM4CPConfig()
) -> TrainedCSINetwork:
    """See :func:`~wirelessfm.baselines.csi_network.train_csi_network`."""
    return train_csi_network(partial(LLM4CPPredictor, config), csi, labels, seed, config.training)


def llm4cp_system(weights: str, config: LLM4CPConfig = PUBLISHED) -> System:
    """LLM4CP on a language model of your own, as a line of the result table.

    Args:
        weights: folder with GPT-2 as ``config.json`` and ``model.safetensors``.
        config: sizes around it.
    """
    run = partial(train_llm4cp, config=replace(config, weights=weights))
    file = Path(weights) / "model.safetensors"
    if not file.is_file():
        raise WirelessFMError(f"expected GPT-2 as config.json and model.safetensors in '{weights}', found no such file")
    return System(
        "llm4cp",
        "network",
        run,
        task_kinds=("time-prediction", "frequency-prediction"),
        outputs=("csi",),
        pretrained=True,
        weights=sha256_of(file)[:16],
    )
