"""Three-dimensional residual network for CSI prediction, of the kind used for video.

The baseline "3D ResNet" of WiFo (Liu et al., Sci. China Inf. Sci. 68(6):162302, 2025, §5): 50 layers, after Hara,
Kataoka and Satoh, "Can spatiotemporal 3D CNNs retrace the history of 2D CNNs and ImageNet?", CVPR 2018. Bottleneck
blocks at full resolution; a last linear layer along the axis turns known entries into asked ones. ``PUBLISHED`` has
50 layers; the default is one that trains in seconds on one core.
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
class ResNet3dConfig:
    """Sizes and training.

    Attributes:
        blocks: bottleneck blocks in every stage; the width doubles from stage to stage.
        width: of the convolutions of the first stage; a stage's outputs are four times as wide.
        pool: antennas and other entries are folded into channels in squares of this side, where it divides them.
        training: how long and how fast.
    """

    blocks: tuple[int, ...] = (1, 1)
    width: int = 12
    pool: int = 2
    training: Training = Training(max_batch=16)


PUBLISHED = ResNet3dConfig((3, 4, 6, 3), 64, 1)


class Bottleneck(nn.Module):
    """Convolutions 1³, 3³ and 1³ beside an identity or, where the width changes, a projection."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv3d(inputs, width, 1, bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(),
            nn.Conv3d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(),
            nn.Conv3d(width, 4 * width, 1, bias=False),
            nn.BatchNorm3d(4 * width),
        )
        self.beside = nn.Identity() if inputs == 4 * width else nn.Conv3d(inputs, 4 * width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.beside(x))


class ResNet3dPredictor(nn.Module):
    """Complex [row, known, antenna, other] to complex [row, asked, antenna, other]."""

    def __init__(self, config: ResNet3dConfig, grid: Grid) -> None:
        super().__init__()
        self.fold = (math.gcd(grid.n_antennas, config.pool), math.gcd(grid.n_other, config.pool))
        channels = 2 * self.fold[0] * self.fold[1]
        layers: list[nn.Module] = [nn.Conv3d(channels, config.width, 3, padding=1)]
        inputs = config.width
        for stage, count in enumerate(config.blocks):
            width = config.width * 2**stage
            for _ in range(count):
                layers.append(Bottleneck(inputs, width))
                inputs = 4 * width
        self.body = nn.Sequential(*layers, nn.Conv3d(inputs, channels, 1))
        self.along = nn.Linear(grid.n_known, grid.n_asked)

    def forward(self, values: Tensor) -> Tensor:
        p, q = self.fold
        folded = rearrange(torch.view_as_real(values), "b n (a p) (o q) part -> b (p q part) n a o", p=p, q=q)
        # Beside the body, so that the last layer also sees the channel itself.
        asked = self.along((folded + self.body(folded)).movedim(2, -1))
        parts = rearrange(asked, "b (p q part) a o n -> b n (a p) (o q) part", p=p, q=q, part=2)
        return torch.view_as_complex(parts.contiguous())


def train_resnet3d(
    csi: CSI, labels: Tensor, n_classes: int, seed: int, config: ResNet3dConfig = ResNet3dConfig()
) -> TrainedCSINetwork:
    """See :func:`~wirelessfm.baselines.csi_network.train_csi_network`."""
    return train_csi_network(partial(ResNet3dPredictor, config), csi, labels, seed, config.training)
