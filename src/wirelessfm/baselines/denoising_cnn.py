"""A convolutional network that takes noise and interpolation error off a linearly interpolated channel."""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from wirelessfm.baselines.estimation_network import TrainedEstimator, noise_level, train_estimator
from wirelessfm.baselines.ls_linear import interpolate
from wirelessfm.baselines.observed import Observed
from wirelessfm.csi import CSI
from wirelessfm.signal import from_angle_delay, to_angle_delay


class DenoisingCNN(nn.Module):
    """Angle–delay transform, dilated convolutions, inverse: estimate = gain · input + correction, entry by entry.

    The sum is the residual learning of DnCNN (Zhang et al. 2017; on beams He et al. 2018), at several rates; the gain
    in [0, 1] shrinks entries as a Wiener filter does, which a sum alone has to learn from noise (3 dB worse after the
    same 500 steps on a ray-traced city). Convolutions run along the angles, and delays are the channels, since after
    synchronisation a delay means the same for every user and a direction does not. The noise level is one more channel
    (FFDNet, Zhang et al. 2018). Input float [sample, 2 · antenna · subcarrier + 1], see :func:`prepare`.
    """

    def __init__(self, shape: tuple[int, int], width: int = 64) -> None:
        super().__init__()
        self.shape = shape
        n_delays = shape[1]
        self.body = nn.Sequential(
            *_block(2 * n_delays + 1, width, rate=1),
            *_block(width, width, rate=2),
            *_block(width, width, rate=4),
            nn.Conv1d(width, 3 * n_delays, 3, padding=1),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        values = torch.view_as_complex(inputs[:, :-1].unflatten(1, (*self.shape, 2)).contiguous())
        beams = to_angle_delay(values)
        layers = rearrange(torch.view_as_real(beams), "b angle delay part -> b (delay part) angle")
        level = inputs[:, -1:, None].expand(-1, -1, self.shape[0])
        found = self.body(torch.cat([layers, level], dim=1))
        gain, correction = found.split([self.shape[1], 2 * self.shape[1]], dim=1)
        added = rearrange(correction, "b (delay part) angle -> b angle delay part", part=2).contiguous()
        clean = torch.sigmoid(gain).mT * beams + torch.view_as_complex(added)
        return torch.view_as_real(from_angle_delay(clean)).flatten(1)


def _block(inputs: int, outputs: int, rate: int) -> list[nn.Module]:
    return [nn.Conv1d(inputs, outputs, 3, padding=rate, dilation=rate), nn.ReLU()]


def prepare(seen: Observed) -> Tensor:
    """The interpolated channel and the noise level, float32 [sample, 2 · antenna · subcarrier + 1]."""
    return torch.cat([torch.view_as_real(interpolate(seen)).flatten(1), noise_level(seen)], dim=1)


def train_denoising_cnn(csi: CSI, labels: Tensor, n_outputs: int, seed: int) -> TrainedEstimator:
    """Fit on clean channels, see :func:`wirelessfm.baselines.estimation_network.train_estimator`."""
    return train_estimator(lambda seen: DenoisingCNN(seen.shape), prepare, csi, labels, seed, 6e-3)
