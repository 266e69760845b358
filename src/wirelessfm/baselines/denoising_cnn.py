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
    """Residual learning of the noise (DnCNN, Zhang et al. 2017; on beams He et al. 2018) with dilated convolutions.

    Convolutions run along the angles of the angle–delay transform at several rates; delays are the channels, since
    after synchronisation a delay means the same for every user and a direction does not. The noise level is one more
    channel (FFDNet, Zhang et al. 2018). Input float [sample, 2 · antenna · subcarrier + 1], see :func:`prepare`.
    """

    def __init__(self, shape: tuple[int, int], width: int = 128) -> None:
        super().__init__()
        self.shape = shape
        n = 2 * shape[1]
        rates = (1, 2, 4)
        sizes = [n + 1, *[width] * len(rates)]
        self.body = nn.Sequential(
            *(
                layer
                for i, rate in enumerate(rates)
                for layer in (nn.Conv1d(sizes[i], width, 3, padding=rate, dilation=rate), nn.ReLU())
            ),
            nn.Conv1d(width, n, 3, padding=1),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        level = inputs[:, -1:]
        values = torch.view_as_complex(inputs[:, :-1].reshape(len(inputs), *self.shape, 2).contiguous())
        beams = torch.view_as_real(to_angle_delay(values))
        layers = rearrange(beams, "b angle delay part -> b (delay part) angle")
        noise = self.body(torch.cat([layers, level[:, :, None].expand(-1, -1, self.shape[0])], dim=1))
        clean = rearrange(layers - noise, "b (delay part) angle -> b angle delay part", part=2)
        return torch.view_as_real(from_angle_delay(torch.view_as_complex(clean.contiguous()))).flatten(1)


def prepare(seen: Observed) -> Tensor:
    """The interpolated channel and the noise level, float32 [sample, 2 · antenna · subcarrier + 1]."""
    return torch.cat([torch.view_as_real(interpolate(seen)).flatten(1), noise_level(seen)], dim=1)


def train_denoising_cnn(csi: CSI, labels: Tensor, n_outputs: int, seed: int) -> TrainedEstimator:
    """Fit on clean channels, see :func:`wirelessfm.baselines.estimation_network.train_estimator`."""
    return train_estimator(lambda seen: DenoisingCNN(seen.shape), prepare, csi, labels, seed, 3e-3)
