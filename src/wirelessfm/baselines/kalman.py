"""Kalman prediction of every delay tap as an autoregressive process seen in noise.

The classical tracker of a fading tap (Baddour and Beaulieu, Autoregressive modeling for fading channel simulation,
IEEE Trans. Wireless Commun. 4(4), 2005, for the model; Kalman 1960 for the filter). Here the model is not given by a
known Doppler spectrum but estimated from the sample itself, so no label is used.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.autoregression import burg, from_taps, model_order, to_taps
from wirelessfm.baselines.known_part import known_part
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError

_SAMPLES_AT_ONCE = 256
_FLOOR = 1e-6  # of the noise, against the power of a tap


def kalman(csi: CSI, n_classes: int = 0) -> Tensor:
    """Filter the known times with the model of each tap, then predict: complex64, the shape of ``csi``.

    The noise comes from the label ``noise_power``, the model is Burg's of half as many coefficients as known times.

    Raises:
        WirelessFMError: the subcarriers are asked, not the times.
    """
    known = known_part(csi)
    if known.axis != "time":
        raise WirelessFMError("a Kalman filter predicts times, found subcarriers asked; use 'ar' or 'wiener'")
    order, predicted = model_order(known), []
    for values, noise in zip(
        known.values.split(_SAMPLES_AT_ONCE), known.noise_power.split(_SAMPLES_AT_ONCE), strict=True
    ):
        series = to_taps(values, "time")
        asked = kalman_predict(series, noise.repeat_interleave(values.shape[3]), order, known.n_asked)
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
    power = series.abs().square().mean(dim=(1, 2)).double()
    # Without noise the covariance becomes singular, which needs all digits and a floor.
    noise = torch.maximum(noise_power.double(), _FLOOR * power)
    step, innovation = _model(series, noise, order)
    covariance = power[:, None, None] * torch.eye(order, dtype=step.dtype)
    state = step.new_zeros(len(series), order, series.shape[2])
    for observation in series.unbind(dim=1):
        state, covariance = step @ state, step @ covariance @ step.mH
        covariance[:, 0, 0] += innovation
        gain = covariance[:, :, :1] / (covariance[:, 0, 0].real + noise).clamp(min=1e-30)[:, None, None]
        state = state + gain @ (observation[:, None] - state[:, :1])
        covariance = covariance - gain @ covariance[:, :1]
    predicted = []
    for _ in range(n_more):
        state = step @ state
        predicted.append(state[:, 0])
    return torch.stack(predicted, dim=1).to(series.dtype)


def _model(series: Tensor, noise: Tensor, order: int) -> tuple[Tensor, Tensor]:
    """Transition of the state, complex128 [batch, order, order], and power of the innovation, float64 [batch]."""
    coefficients, error = burg(series, order)
    coefficients, error = coefficients.to(torch.complex128), error.double()
    step = torch.eye(order, dtype=torch.complex128).roll(-1, 1).tril().repeat(len(series), 1, 1)
    step[:, 0] = coefficients
    # What a one-step error of the noisy series contains besides the innovation.
    inherited = noise * (1 + coefficients.abs().square().sum(dim=1))
    return step, torch.maximum(error - inherited, 1e-3 * error)
