"""Kalman prediction of every delay tap as an autoregressive process seen in noise.

The classical tracker of a fading tap (Baddour and Beaulieu, Autoregressive modeling for fading channel simulation,
IEEE Trans. Wireless Commun. 4(4), 2005, for the model; Kalman 1960 for the filter). Here the model is not given by a
known Doppler spectrum but estimated from the sample itself, so no label is used.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.autoregression import burg, from_taps, to_taps
from wirelessfm.baselines.known_part import known_part
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError

_SAMPLES_AT_ONCE = 256


def kalman(csi: CSI, n_classes: int = 0) -> Tensor:
    """Filter the known times with the model of each tap, then predict: complex64, the shape of ``csi``.

    The noise comes from the label ``noise_power``, the model is Burg's of half as many coefficients as known times.

    Raises:
        WirelessFMError: the subcarriers are asked, not the times.
    """
    known = known_part(csi)
    if known.axis != "time":
        raise WirelessFMError("a Kalman filter predicts times, found subcarriers asked; use 'ar' or 'wiener'")
    predicted = []
    for values, noise in zip(
        known.values.split(_SAMPLES_AT_ONCE), known.noise_power.split(_SAMPLES_AT_ONCE), strict=True
    ):
        series = to_taps(values, "time")
        asked = kalman_predict(series, noise.repeat_interleave(values.shape[3]), known.n_known // 2, known.n_asked)
        predicted.append(from_taps(asked, "time", len(values)))
    return known.completed(torch.cat(predicted))


def kalman_predict(series: Tensor, noise_power: Tensor, order: int, n_more: int) -> Tensor:
    """Entries after the last of noisy series.

    Args:
        series: complex [batch, time, series of equal statistics].
        noise_power: float [batch], of one entry.
        order: of the autoregressive model; the state is the last ``order`` entries.
        n_more: how many entries.

    Returns:
        complex [batch, n_more, series].
    """
    coefficients, error = burg(series, order)
    # What a one-step error of the noisy series contains besides the innovation.
    inherited = noise_power * (1 + coefficients.abs().square().sum(dim=1))
    innovation = torch.maximum(error - inherited, 1e-3 * error)
    power = series.abs().square().mean(dim=(1, 2))
    identity = torch.eye(order, dtype=series.dtype)
    step = identity.roll(-1, 1).tril().expand(len(series), -1, -1).clone()
    step[:, 0] = coefficients
    covariance = power[:, None, None] * identity
    state = series.new_zeros(len(series), order, series.shape[2])
    for observation in series.unbind(dim=1):
        state, covariance = step @ state, step @ covariance @ step.mH
        covariance[:, 0, 0] += innovation
        gain = covariance[:, :, :1] / (covariance[:, 0, 0].real + noise_power).clamp(min=1e-20)[:, None, None]
        state = state + gain @ (observation[:, None] - state[:, :1])
        covariance = covariance - gain @ covariance[:, :1]
    predicted = []
    for _ in range(n_more):
        state = step @ state
        predicted.append(state[:, 0])
    return torch.stack(predicted, dim=1)
