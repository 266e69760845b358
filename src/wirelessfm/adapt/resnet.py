"""Residual one-dimensional convolutional heads, as in the LWM beam evaluation (arXiv:2411.08872) and after WiMAE.

Neither source gives all layer sizes. Wide has the stages of LWM's head of about 500 thousand parameters (2 blocks of
32 channels, 3 of 64, 4 of 128); slim has one block a stage of half the channels. Both slide along the features of a
sample, which is a sequence of one channel here.
"""

from __future__ import annotations

from torch import Tensor

from wirelessfm.baselines.published_networks.resnet_beam import WIDE, ResidualNetwork, Stages

SLIM: Stages = ((1, 16), (1, 32), (1, 64))

__all__ = ["SLIM", "WIDE", "ResNetHead"]


class ResNetHead(ResidualNetwork):
    """Float [sample, feature] to [sample, n_outputs]."""

    def __init__(self, stages: Stages, n_inputs: int, n_outputs: int) -> None:
        super().__init__(stages, 1, n_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return super().forward(x[:, None])
