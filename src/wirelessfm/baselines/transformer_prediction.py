"""Encoder–decoder transformer prediction of CSI on three-dimensional patches.

The baseline "Transformer" of WiFo (Liu et al., Sci. China Inf. Sci. 68(6):162302, 2025, §5): patches of 4 × 4 × 4,
width 128, 5 encoder and 8 decoder layers; what else it is made of is not published. Here the encoder sees the known
patches, and a query for every asked patch attends to them. A query starts from the last known patch beside it: from
blank queries, 80 steps leave the error where it was (NMSE .98 instead of .66, D5 in frequency). ``PUBLISHED`` has the
paper's sizes; the default is one that trains in seconds on one core.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, nn

from wirelessfm.baselines.csi_network import Grid, TrainedCSINetwork, Training, train_csi_network
from wirelessfm.csi import CSI


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes and training. Along an axis that ``patch`` does not divide, the greatest common divisor is taken."""

    width: int = 64
    encoder_depth: int = 2
    decoder_depth: int = 2
    heads: int = 4
    mlp_ratio: int = 2
    patch: int = 4
    training: Training = Training(max_batch=16)


PUBLISHED = TransformerConfig(128, 5, 8, 8)


class TransformerPredictor(nn.Module):
    """Complex [row, known, antenna, other] to complex [row, asked, antenna, other]; position codes are learned."""

    def __init__(self, config: TransformerConfig, grid: Grid) -> None:
        super().__init__()
        # One size for known and asked patches, so that both have the same axis step.
        sizes = (math.gcd(grid.n_known, grid.n_asked), grid.n_antennas, grid.n_other)
        self.patch = tuple(math.gcd(size, config.patch) for size in sizes)
        self.antennas = grid.n_antennas // self.patch[1]
        self.across = self.antennas * (grid.n_other // self.patch[2])
        width, features = config.width, 2 * math.prod(self.patch)
        self.project = nn.Linear(features, width)
        self.known_code = nn.Parameter(0.02 * torch.randn(grid.n_known // self.patch[0] * self.across, width))
        self.queries = nn.Parameter(0.02 * torch.randn(grid.n_asked // self.patch[0] * self.across, width))
        options: dict[str, Any] = {"batch_first": True, "norm_first": True, "activation": "gelu", "dropout": 0.0}
        options |= {"d_model": width, "nhead": config.heads, "dim_feedforward": config.mlp_ratio * width}
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(**options), config.encoder_depth, nn.LayerNorm(width), enable_nested_tensor=False
        )
        self.decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(**options), config.decoder_depth, nn.LayerNorm(width)
        )
        self.out = nn.Linear(width, features)

    def forward(self, values: Tensor) -> Tensor:
        n, a, o = self.patch
        parts = torch.view_as_real(values.contiguous())
        tokens = rearrange(parts, "b (i n) (j a) (k o) part -> b (i j k) (n a o part)", n=n, a=a, o=o)
        projected = self.project(tokens)
        queries = projected[:, -self.across :].repeat(1, len(self.queries) // self.across, 1) + self.queries
        decoded = self.out(self.decoder(queries, self.encoder(projected + self.known_code)))
        pattern = "b (i j k) (n a o part) -> b (i n) (j a) (k o) part"
        k = values.shape[3] // o
        return torch.view_as_complex(
            rearrange(decoded, pattern, j=self.antennas, k=k, n=n, a=a, o=o, part=2).contiguous()
        )


def train_transformer(
    csi: CSI, labels: Tensor, n_classes: int, seed: int, config: TransformerConfig = TransformerConfig()
) -> TrainedCSINetwork:
    """See :func:`~wirelessfm.baselines.csi_network.train_csi_network`."""
    return train_csi_network(partial(TransformerPredictor, config), csi, labels, seed, config.training)
