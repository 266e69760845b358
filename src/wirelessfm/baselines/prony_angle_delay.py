"""PAD: Prony extrapolation in time of the dominant bins of the angle–delay domain.

H. Yin, H. Wang, Y. Liu, D. Gesbert, "Addressing the curse of mobility in massive MIMO with Prony-based
angular-delay domain channel predictions", IEEE J. Sel. Areas Commun. 38(12), 2020, arXiv:1912.11330; a baseline of
LLM4CP and WiFo, whose order is half the known times (4 of 8, 6 of 12). Each bin has a model of its own from its own
few times, so noise is amplified: published NMSE exceeds 1 for fast users. Milder here: least squares is regularised by
the known noise power, and no bin is predicted stronger than it was seen.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.autoregression import extrapolate
from wirelessfm.baselines.known_part import known_part
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError

# Share of a sample's power in the bins that are extrapolated; the others, mostly noise, are predicted as zero.
KEPT_POWER = 0.99
_SAMPLES_AT_ONCE = 256


def prony_angle_delay(csi: CSI, n_classes: int = 0) -> Tensor:
    """Extend each dominant angle–delay bin by linear prediction: complex64, the shape of ``csi``.

    Raises:
        WirelessFMError: the subcarriers are asked, not the times.
    """
    known = known_part(csi)
    if known.axis != "time":
        raise WirelessFMError("PAD predicts times, found subcarriers asked; use 'ar' or 'wiener'")
    shape = (-1, n_rows(csi), csi.size("antenna") // n_rows(csi))
    noises, predicted = known.noise_power.split(_SAMPLES_AT_ONCE), []
    for values, noise in zip(known.values.split(_SAMPLES_AT_ONCE), noises, strict=True):
        bins = torch.fft.ifft(values.unflatten(2, shape[1:]), dim=4, norm="ortho")
        bins = torch.fft.fftn(bins, dim=(2, 3), norm="ortho").flatten(2, 3)
        asked = _extended(bins, noise, known.n_known // 2, known.n_asked).unflatten(2, shape[1:])
        asked = torch.fft.ifftn(asked, dim=(2, 3), norm="ortho").flatten(2, 3)
        predicted.append(torch.fft.fft(asked, dim=3, norm="ortho"))
    return known.completed(torch.cat(predicted))


def n_rows(csi: CSI) -> int:
    """Rows of a planar array by the heights of its antennas; 1 where there are no antenna positions."""
    if "antenna" not in csi.coords:
        return 1
    rows = len(csi.coords["antenna"][:, 2].unique())
    return rows if csi.size("antenna") % rows == 0 else 1


def _extended(bins: Tensor, noise_power: Tensor, order: int, n_more: int) -> Tensor:
    power = bins.abs().square().sum(dim=1).flatten(1)
    ordered, index = power.sort(dim=1, descending=True)
    # A bin is kept when the stronger ones do not yet hold the share.
    before = ordered.cumsum(dim=1) - ordered
    kept = torch.zeros_like(power, dtype=torch.bool).scatter(1, index, before < KEPT_POWER * power.sum(1, keepdim=True))
    series = bins.flatten(2).transpose(1, 2)
    result = series.new_zeros(*series.shape[:2], n_more)
    chosen, noise = series[kept], noise_power.repeat_interleave(kept.sum(dim=1))
    coefficients = linear_prediction(chosen, noise, order).to(series.dtype)
    asked = extrapolate(chosen[..., None], coefficients, n_more).squeeze(2)
    # Poles outside the unit circle grow without bound, and paths do not.
    peak = chosen.abs().amax(dim=1, keepdim=True)
    result[kept] = asked * (peak / asked.abs().clamp(min=1e-20)).clamp(max=1)
    return result.transpose(1, 2).unflatten(2, bins.shape[2:])


def linear_prediction(series: Tensor, noise_power: Tensor, order: int) -> Tensor:
    """Prony's coefficients a of x[n] = Σ a[k−1]·x[n−k] by regularised least squares.

    Args:
        series: complex [batch, time].
        noise_power: float [batch]; times the number of equations, it is added to the normal equations.
        order: number of coefficients.

    Returns:
        complex128 [batch, order].
    """
    windows = series.to(torch.complex128).unfold(1, order + 1, 1).flip(2)
    target, past = windows[..., :1], windows[..., 1:]
    normal = past.mH @ past
    # Besides the noise, enough to solve for fewer exponentials than coefficients.
    trace = normal.diagonal(dim1=1, dim2=2).real.sum(dim=1)
    ridge = noise_power.double() * windows.shape[1] + 1e-9 * trace + 1e-30
    return torch.linalg.solve(normal + ridge[:, None, None] * torch.eye(order), past.mH @ target).squeeze(2)
