"""One scale for a corpus, fitted on its training samples; and the power of a sample as a feature.

A model wants inputs around 1, channels are around 1e-5. The scale of :meth:`CSI.normalise` comes from the samples it is
given; used on test samples it would tell something about them. Here it is fitted once, on the training split, and
applied to whatever comes. Like every normalisation it is kept in the history, so ``denormalise`` undoes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from wirelessfm.csi import CSI
from wirelessfm.data.mixture import Indexed
from wirelessfm.errors import WirelessFMError

FITTED = "fitted"
_SMALLEST_POWER = 1e-30


@dataclass(frozen=True)
class Scale:
    """Root mean square of the values of ``n_samples`` training samples; JSON-compatible with ``asdict``."""

    rms: float
    n_samples: int

    def __post_init__(self) -> None:
        if not 0 < self.rms < float("inf"):
            raise WirelessFMError(f"a scale must be positive and finite, found {self.rms:g}")

    def apply(self, csi: CSI) -> CSI:
        """Divide by the scale; recorded in the history as ``fitted``."""
        real = csi.values.real
        return csi.divide(torch.tensor(self.rms, dtype=real.dtype, device=real.device), FITTED)


def fit_scale(
    source: Indexed,
    train: Sequence[int] | np.ndarray | Tensor,
    block_bytes: int = 2**26,
    progress: bool = False,
) -> Scale:
    """The root mean square over the training samples, in blocks of about ``block_bytes`` and float64 sums.

    Args:
        source: a store, a CSI or a part of one.
        train: positions or mask of the training samples, such as ``split.train``.
        block_bytes: values held at once.
        progress: show a progress bar.

    Raises:
        WirelessFMError: no samples, or samples without any power.
    """
    chosen = np.asarray(train)
    order = np.flatnonzero(chosen) if chosen.dtype == bool else np.sort(chosen)
    if len(order) == 0:
        raise WirelessFMError("fit_scale needs at least one training sample, found none")
    rows = max(1, block_bytes // max(1, source[order[:1]].values.nbytes))
    power, n_values = 0.0, 0
    for start in tqdm(range(0, len(order), rows), desc="scale", unit="block", disable=not progress):
        values = source[order[start : start + rows]].values
        power += float(torch.view_as_real(values).square().sum(dtype=torch.float64))
        n_values += values.numel()
    if power == 0:
        raise WirelessFMError(f"all {len(order)} training samples are zero: there is nothing to scale by")
    return Scale((power / n_values) ** 0.5, len(order))


def log_power_db(csi: CSI) -> Tensor:
    """Mean power of each sample in dB before any normalisation, float32 [sample]; zero samples give -300.

    What normalisation per sample takes away, path loss above all, stays available as a feature.
    """
    dims = [i for i, axis in enumerate(csi.axes) if axis != "sample"]
    power = csi.values.abs().double().square().mean(dim=dims)
    for step in csi.history:
        power = power * step.scale.double().square()
    return (10 * torch.log10(power.clamp(min=_SMALLEST_POWER))).float()
