"""What a receiver has measured of a channel, in the form every estimator starts from."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError

_AXES = ("sample", "antenna", "subcarrier")


@dataclass(frozen=True)
class Observed:
    """The measured entries, which are the same antennas × subcarriers in every sample, each sample at unit power.

    Attributes:
        values: complex64 [sample, observed antenna, observed subcarrier], of mean power 1.
        noise: float32 [sample], noise power per entry on that scale.
        scale: float32 [sample, 1, 1], multiplies an estimate back to the scale of the channel.
        antennas, subcarriers: int64, ascending: which are observed.
        shape: (antennas, subcarriers) of the complete channel.
    """

    values: Tensor
    noise: Tensor
    scale: Tensor
    antennas: Tensor
    subcarriers: Tensor
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def flat(self) -> Tensor:
        """int64 [entry], where the observed entries are in a flattened complete channel."""
        return (self.antennas[:, None] * self.shape[1] + self.subcarriers).flatten()


def observed_part(csi: CSI) -> Observed:
    """Read the observed entries of ``csi`` with its labels ``observed`` and ``noise_power``; no others are touched.

    Raises:
        WirelessFMError: other axes, no samples, labels missing, nothing observed, or not one grid of antennas ×
            subcarriers for all samples.
    """
    if csi.axes != _AXES:
        raise WirelessFMError(f"channel estimation works on CSI with axes {_AXES}, found {csi.axes}")
    for name in ("observed", "noise_power"):
        if name not in csi.labels:
            raise WirelessFMError(f"channel estimation needs the label '{name}' of every sample, found {[*csi.labels]}")
    values, seen = csi.values, csi.labels["observed"]
    if seen.dtype != torch.bool or seen.shape != values.shape or not len(values):
        raise WirelessFMError(
            f"the label 'observed' must be bool {list(values.shape)} of at least one sample, found {seen.dtype} "
            f"{list(seen.shape)}"
        )
    antennas, subcarriers = observed_grid(seen)
    entries = values[:, antennas][:, :, subcarriers]
    scale = entries.abs().square().mean(dim=(1, 2), keepdim=True).sqrt()
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    noise = (csi.labels["noise_power"].float().sqrt() / scale.flatten()).square()
    return Observed(entries / scale, noise, scale, antennas, subcarriers, (values.shape[1], values.shape[2]))


def observed_grid(seen: Tensor) -> tuple[Tensor, Tensor]:
    """Observed antennas and subcarriers, int64 ascending, of bool [sample, ..., antenna, subcarrier], not empty.

    Raises:
        WirelessFMError: they are not the same in every sample and at all times, or there are none.
    """
    first = seen.flatten(0, -3)[0]
    rows, columns = first.any(dim=1), first.any(dim=0)
    if not bool((seen == (rows[:, None] & columns)).all()) or not bool(rows.any()):
        raise WirelessFMError(
            "expected the same observed antennas × subcarriers in every sample and at all times, found another "
            "pattern; give samples of one pattern at a time"
        )
    return rows.nonzero().squeeze(1), columns.nonzero().squeeze(1)
