"""Wiener prediction: the linear minimum mean squared error estimate from the sample covariance of labelled channels.

Kay, Fundamentals of Statistical Signal Processing: Estimation Theory, 1993, §12.3; what papers on learned prediction
tend to leave out. One filter along the axis in question serves all antennas and all entries of the other axis, whose
statistics are the same: in time it follows from the Doppler spectra of the training set, in frequency from its delay
profiles, averaged over all its users.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm.baselines.known_part import known_part
from wirelessfm.csi import CSI

# Of the mean eigenvalue; the noise on the known part regularises too.
RIDGE = 1e-4


@dataclass(frozen=True)
class Wiener:
    """``filters``: complex64 [asked, known]."""

    filters: Tensor

    @property
    def n_parameters(self) -> int:
        """Real numbers in the filters."""
        return 2 * self.filters.numel()

    def __call__(self, csi: CSI) -> Tensor:
        """CSI with its known part to complex64 CSI of the same shape."""
        known = known_part(csi)
        return known.completed(torch.einsum("mn,snao->smao", self.filters, known.values))


def fit_wiener(csi: CSI, labels: Tensor, n_classes: int, seed: int) -> Wiener:
    """Covariances of noisy known with clean asked entries, every sample at unit power; the seed is ignored.

    Args:
        csi: with the label ``observed``.
        labels: complex [sample, time, antenna, subcarrier], the clean channels.
        n_classes: ignored.
        seed: ignored, the solution is unique.
    """
    known = known_part(csi)
    given = known.values.transpose(0, 1).flatten(1).to(torch.complex128)
    asked = known.asked(labels).transpose(0, 1).flatten(1).to(torch.complex128)
    own = given @ given.mH
    ridge = RIDGE * own.diagonal().real.mean().clamp(min=1e-30)
    filters = torch.linalg.solve(own + ridge * torch.eye(len(own)), given @ asked.mH).mH
    return Wiener(filters.to(torch.complex64))
