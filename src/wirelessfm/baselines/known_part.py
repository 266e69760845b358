"""What a predictor may see: the observed beginning of one axis, at unit power, and how to put an answer back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError

AXES = ("sample", "time", "antenna", "subcarrier")


@dataclass(frozen=True)
class KnownPart:
    """The beginning of the axis ``time`` or ``subcarrier``, the same for all samples; the rest of it is asked.

    Attributes:
        values: complex64 [sample, known, antenna, other], the axis in question moved to the front; every sample at
            unit mean power, which keeps squares of weak channels off the edge of float32 and methods free of scale.
        scale: float32 [sample], by which ``values`` were divided.
        noise_power: float32 [sample], of an entry of ``values``.
        n_asked: entries of the axis to predict.
        axis: which one.
    """

    values: Tensor
    scale: Tensor
    noise_power: Tensor
    n_asked: int
    axis: str

    @property
    def n_known(self) -> int:
        """Entries of the axis that are known."""
        return self.values.shape[1]

    def asked(self, complete: Tensor) -> Tensor:
        """The asked part of complex [sample, time, antenna, subcarrier], in the axes and scale of ``values``."""
        part = self._turned(complete)[:, self.n_known :]
        return part.to(torch.complex64) / self.scale[:, None, None, None]

    def completed(self, asked: Tensor) -> Tensor:
        """The inverse: complex64 [sample, time, antenna, subcarrier] of what is known and ``asked``."""
        whole = torch.cat([self.values, asked.to(torch.complex64)], dim=1) * self.scale[:, None, None, None]
        return self._turned(whole)

    def _turned(self, values: Tensor) -> Tensor:
        # Exchanging two axes is its own inverse.
        return values if self.axis == "time" else values.transpose(1, 3)


def known_part(csi: CSI) -> KnownPart:
    """Part CSI (sample, time, antenna, subcarrier) by its label ``observed``; other entries are not read.

    Raises:
        WirelessFMError: other axes, no label, or what is observed is not the beginning of time or subcarrier.
    """
    if csi.axes != AXES or "observed" not in csi.labels:
        raise WirelessFMError(
            f"prediction needs CSI with axes {AXES} and the label 'observed', found axes {csi.axes} and labels "
            f"{sorted(csi.labels)}"
        )
    axis, n_known = _beginning(csi.labels["observed"])
    dim = AXES.index(axis)
    values = csi.values.narrow(dim, 0, n_known)
    values = values if axis == "time" else values.transpose(1, 3)
    scale = values.abs().square().flatten(1).mean(dim=1).sqrt()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale)).float()
    noise_power = csi.labels.get("noise_power", torch.zeros(len(csi))).to(scale) / scale.square()
    return KnownPart(
        (values / scale[:, None, None, None]).to(torch.complex64),
        scale,
        noise_power,
        csi.values.shape[dim] - n_known,
        axis,
    )


def _beginning(observed: Tensor) -> tuple[str, int]:
    for axis in ("time", "subcarrier"):
        dim = AXES.index(axis)
        column = observed.movedim(dim, 0).flatten(1).any(dim=1)
        n_known = int(column.sum())
        if not 0 < n_known < len(column):
            continue
        if bool(observed.narrow(dim, 0, n_known).all()) and not bool(column[n_known:].any()):
            return axis, n_known
    raise WirelessFMError(
        "a predictor extends the beginning of 'time' or 'subcarrier', the same in all samples; the label 'observed' "
        f"of shape {list(observed.shape)} marks something else; use an estimator"
    )
