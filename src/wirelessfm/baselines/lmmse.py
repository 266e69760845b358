"""Linear minimum mean squared error with a covariance learned from clean channels."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wirelessfm.baselines.observed import observed_part
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError

_BATCH = 128
# Hypotheses of the power of the signal, relative to what was observed.
_POWERS_DB = torch.arange(-24.0, 12.1, 1.5)
# Noise of the noiseless: 70 dB below the signal, against inverting what the labels say nothing about.
_LEAST_NOISE = 1e-7


class SampleCovarianceLMMSE:
    """Ĥ = C_ho (C_oo + σ²/p · I)⁻¹ y with the power p of each sample inferred from its own entries.

    Attributes:
        covariance: complex64 [d, d] of channels of unit mean power, d = antennas · subcarriers.
    """

    def __init__(self, covariance: Tensor) -> None:
        self.covariance = covariance

    @property
    def n_parameters(self) -> int:
        """Real numbers in a Hermitian matrix."""
        return self.covariance.shape[0] ** 2

    def __call__(self, csi: CSI) -> Tensor:
        seen = observed_part(csi)
        if math.prod(seen.shape) != len(self.covariance):
            raise WirelessFMError(
                f"this LMMSE was fitted on channels of {len(self.covariance)} entries, found "
                f"{seen.shape[0]} antennas × {seen.shape[1]} subcarriers"
            )
        covariance = self.covariance.to(torch.complex128)
        powers, modes = torch.linalg.eigh(covariance[seen.flat][:, seen.flat])
        spread = covariance[:, seen.flat] @ modes
        parts = zip(seen.values.flatten(1).split(_BATCH), seen.noise.split(_BATCH), strict=True)
        found = [_estimate(y.to(modes.dtype), noise, powers.clamp(min=0), modes, spread) for y, noise in parts]
        return torch.cat(found).to(torch.complex64).reshape(-1, *seen.shape) * seen.scale


def _estimate(y: Tensor, noise: Tensor, powers: Tensor, modes: Tensor, spread: Tensor) -> Tensor:
    """Mean of the estimates over the hypotheses of the power, weighted by their likelihood.

    In the eigenvectors of C_oo everything is diagonal: |uᵢᴴy|² has the mean p·λᵢ + σ².
    """
    seen = y @ modes.conj()
    power = 10 ** (_POWERS_DB.double() / 10)[:, None]
    variance = power * powers + noise.double().clamp(min=_LEAST_NOISE)[:, None, None]
    fit = -(variance.log() + seen.abs().square()[:, None, :] / variance).sum(dim=2)
    gain = torch.einsum("bp,bpi->bi", fit.softmax(dim=1), power / variance)
    return (seen * gain) @ spread.T


def fit_lmmse(csi: CSI, labels: Tensor, n_outputs: int, seed: int) -> SampleCovarianceLMMSE:
    """Covariance of the clean channels ``labels``, complex [sample, antenna, subcarrier]; the seed is ignored.

    The estimator is Kay 1993, chapter 12; Edfors et al. 1998 for OFDM. Every sample counts at unit power: users near
    the base station would decide alone otherwise.
    """
    if csi.axes != ("sample", "antenna", "subcarrier") or not labels.is_complex() or labels.dim() != 3:
        raise WirelessFMError(
            f"lmmse needs complex channels [sample, antenna, subcarrier], found {labels.dtype} {list(labels.shape)} "
            f"for CSI with axes {csi.axes}"
        )
    power = labels.abs().square().mean(dim=(1, 2), keepdim=True)
    alive = power.flatten() > 0
    if not alive.any():
        raise WirelessFMError(f"lmmse needs a channel with power, found none among {len(labels)} labels")
    return SampleCovarianceLMMSE(shrunk_covariance((labels / power.sqrt())[alive]))


def shrunk_covariance(channels: Tensor) -> Tensor:
    """Sample covariance S drawn towards T, the Kronecker product of antennas and subcarriers: complex64 [d, d].

    (1 − α)·S + α·T with the α of least expected error, Σ var(s_ij) / ‖S − T‖² (Ledoit and Wolf 2004; Schäfer and
    Strimmer 2005 for other targets than the identity). T needs no more samples than one axis has entries, so few
    labels give T and many give S. No mean is taken off: the phase of a channel is arbitrary.

    Args:
        channels: complex [sample, antenna, subcarrier].
    """
    n, n_antennas, n_subcarriers = channels.shape
    rows = channels.flatten(1)
    sample = rows.T @ rows.conj() / n
    antennas = torch.einsum("sak,sbk->ab", channels, channels.conj()) / (n * n_subcarriers)
    subcarriers = torch.einsum("sak,sam->km", channels, channels.conj()) / (n * n_antennas)
    target = torch.kron(antennas, subcarriers) * (n_antennas / antennas.diagonal().real.sum())
    energy = rows.abs().square().sum(dim=1).square().mean()
    scatter = (energy - sample.abs().square().sum()) / n
    alpha = float((scatter / (sample - target).abs().square().sum().clamp(min=1e-30)).clamp(0, 1))
    return (1 - alpha) * sample + alpha * target
