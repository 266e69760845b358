"""Autoregressive extrapolation, fitted to the very sample it extends: no labels, no training.

Burg's method (J. P. Burg, Modern spectral analysis, 37th SEG meeting, 1967), for several series of equal statistics
at once. In time each delay tap has its own model, because paths of one delay have few Doppler shifts, and antennas
share it; in frequency each angle bin has its own, because paths of one angle have few delays, and times share it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.known_part import KnownPart, known_part
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal.power import squared_magnitude

_SAMPLES_AT_ONCE = 256


def autoregression(csi: CSI, n_classes: int = 0) -> Tensor:
    """Extend every tap by an autoregressive model of half as many coefficients as there are known entries.

    Returns:
        complex64, the shape of ``csi``.
    """
    known = known_part(csi)
    return known.completed(extended(known))


def extended(known: KnownPart) -> Tensor:
    """The asked part alone, complex64 [sample, asked, antenna, other], in the scale of ``known``."""
    order, parts = model_order(known), known.values.split(_SAMPLES_AT_ONCE)
    return torch.cat([_extended(part, known, order) for part in parts])


def model_order(known: KnownPart) -> int:
    """Half the known entries, as PAD in WiFo.

    Raises:
        WirelessFMError: fewer than 2 known entries.
    """
    if known.n_known < 2:
        raise WirelessFMError(f"an autoregressive model needs at least 2 known entries, found {known.n_known}")
    return known.n_known // 2


def _extended(values: Tensor, known: KnownPart, order: int) -> Tensor:
    series = to_taps(values, known.axis)
    return from_taps(extrapolate(series, burg(series, order)[0], known.n_asked), known.axis, len(values))


def to_taps(values: Tensor, axis: str) -> Tensor:
    """Known part to series of equal statistics side by side.

    Args:
        values: complex [sample, known, antenna, other].
        axis: ``time`` for a series per delay tap, antennas side by side; ``subcarrier`` for one per angle bin,
            times side by side.

    Returns:
        complex [sample·tap, known, side by side]; the transform is unitary.
    """
    if axis == "time":
        return torch.fft.ifft(values, dim=3, norm="ortho").permute(0, 3, 1, 2).flatten(0, 1)
    return torch.fft.fft(values, dim=2, norm="ortho").transpose(1, 2).flatten(0, 1)


def from_taps(series: Tensor, axis: str, n_samples: int) -> Tensor:
    """The inverse of :func:`to_taps`, for any number of entries along the axis."""
    taps = series.unflatten(0, (n_samples, -1))
    if axis == "time":
        return torch.fft.fft(taps.permute(0, 2, 3, 1), dim=3, norm="ortho")
    return torch.fft.ifft(taps.transpose(1, 2), dim=2, norm="ortho")


def burg(series: Tensor, order: int) -> tuple[Tensor, Tensor]:
    """Coefficients a of x[n] = Σ a[k−1]·x[n−k] + e[n] that minimise forward and backward errors lattice by lattice.

    The model is always stable. It is exact for one complex exponential without noise.

    Args:
        series: complex [batch, time, series of equal statistics].
        order: at least 1 and below the number of times.

    Returns:
        a, complex [batch, order]; mean power of e, float [batch].
    """
    forward = backward = series
    coefficients = series.new_zeros(len(series), 0)
    for _ in range(order):
        forward, backward = forward[:, 1:], backward[:, :-1]
        power = (squared_magnitude(forward) + squared_magnitude(backward)).sum(dim=(1, 2)) / 2
        reflection = (forward * backward.conj()).sum(dim=(1, 2)) / power.clamp(min=1e-20)
        column, beside = reflection[:, None], reflection[:, None, None]
        coefficients = torch.cat([coefficients - column * coefficients.flip(1).conj(), column], dim=1)
        forward, backward = forward - beside * backward, backward - beside.conj() * forward
    return coefficients, (squared_magnitude(forward) + squared_magnitude(backward)).mean(dim=(1, 2)) / 2


def extrapolate(series: Tensor, coefficients: Tensor, n_more: int) -> Tensor:
    """The next entries of an autoregression without innovation, of order 1 or more: complex [batch, n_more, series]."""
    order = coefficients.shape[1]
    known = series[:, -order:].unbind(dim=1)
    backwards, entries = coefficients.flip(1)[:, :, None], list(known)
    for _ in range(n_more):
        entries.append((torch.stack(entries[-order:], dim=1) * backwards).sum(dim=1))
    return torch.stack(entries[order:], dim=1)
