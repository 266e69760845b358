"""Encoder–decoder transformer prediction of CSI on three-dimensional patches.

The baseline "Transformer" of WiFo (Liu et al., Sci. China Inf. Sci. 68(6):162302, 2025, §5): patches of 4 × 4 × 4,
width 128, 5 encoder and 8 decoder layers; what else it is made of is not published. Here the encoder sees the known
patches, and a query for every asked patch attends to them. ``PUBLISHED`` has the paper's sizes; the default is one
that trains in seconds on one core.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

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
        across = self.antennas * (grid.n_other // self.patch[2])
        width, features = config.width, 2 * math.prod(self.patch)
        self.project = nn.Linear(features, width)
        self.known_code = nn.Parameter(0.02 * torch.randn(grid.n_known // self.patch[0] * across, width))
        self.queries = nn.Parameter(0.02 * torch.randn(grid.n_asked // self.patch[0] * across, width))
        sizes_of_layer = (width, config.heads, config.mlp_ratio * width, 0.0)
        options = {"batch_first": True, "norm_first": True, "activation": "gelu"}
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(*sizes_of_layer, **options),
            config.encoder_depth,
            nn.LayerNorm(width),
            enable_nested_tensor=False,
        )
        self.decoder = nn.TransformerDecoder(
            nn.TransformerDecoderLayer(*sizes_of_layer, **options), config.decoder_depth, nn.LayerNorm(width)
        )
        self.out = nn.Linear(width, features)

    def forward(self, values: Tensor) -> Tensor:
        n, a, o = self.patch
        parts = torch.view_as_real(values.contiguous())
        tokens = rearrange(parts, "b (i n) (j a) (k o) part -> b (i j k) (n a o part)", n=n, a=a, o=o)
        memory = self.encoder(self.project(tokens) + self.known_code)
        decoded = self.out(self.decoder(self.queries.expand(len(values), -1, -1), memory))
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
