"""What of a channel was observed, at unit power: where estimation and embedding of the flagship begin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wirelessfm.baselines.observed import observed_grid
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal.arrays import PlanarArray
from wirelessfm.signal.power import squared_magnitude


@dataclass(frozen=True)
class Seen:
    """The observed entries of CSI at unit power, where they are, and how they were scaled.

    Attributes:
        values: complex64 [sample, time, observed antenna, observed subcarrier], mean power 1 (0 where nothing is).
        power: float32 [sample], mean power per entry before.
        noise: float32 [sample], noise power per entry after scaling; NaN where it is not known.
        antennas, subcarriers: int64, which are observed.
        positions: float32 [antenna, 3] in wavelengths, of all antennas.
        frequencies_hz: float64 [subcarrier], of all subcarriers.
        carrier_hz: of the CSI; 3.5 GHz where it is not known.
    """

    values: Tensor
    power: Tensor
    noise: Tensor
    antennas: Tensor
    subcarriers: Tensor
    positions: Tensor
    frequencies_hz: Tensor
    carrier_hz: float

    @property
    def centred(self) -> Tensor:
        """Positions of the observed antennas about their middle: where an array is does not change what it sees."""
        observed = self.positions[self.antennas]
        return observed - observed.mean(dim=0)

    @property
    def gap_hz(self) -> float:
        """Smallest distance of observed subcarriers; delays are ambiguous beyond 1/gap."""
        seen = self.frequencies_hz[self.subcarriers]
        return float(seen.diff().abs().min()) if len(seen) > 1 else 1e6

    @property
    def neighbours(self) -> Tensor:
        """Bool [observed subcarrier − 1], which of them have the next one no farther than the gap: pairs of one lag."""
        return self.frequencies_hz[self.subcarriers].diff().abs() < 1.5 * self.gap_hz

    @property
    def span(self) -> int:
        """From the first to the last observed subcarrier, in gaps, both counted."""
        seen = self.frequencies_hz[self.subcarriers]
        return 1 + round(float(seen.max() - seen.min()) / self.gap_hz)

    def mirrored(self) -> Seen:
        """The same observation in a world whose left and right (y) are exchanged."""
        return replace(self, positions=self.positions * self.positions.new_tensor([1, -1, 1]))

    @property
    def shape(self) -> tuple[int, int]:
        """(antennas, subcarriers) of the complete channel."""
        return len(self.positions), len(self.frequencies_hz)


def read_seen(csi: CSI) -> Seen:
    """The observed part of CSI with axes (sample[, time], antenna, subcarrier), by its label ``observed`` if any.

    Raises:
        WirelessFMError: other axes longer than 1, no samples, no subcarrier frequencies, or observed entries that are
            not the same antennas × subcarriers in every sample.
    """
    if "subcarrier" not in csi.coords:
        raise WirelessFMError("this model needs coords['subcarrier'] in Hz; give the CSI its frequencies")
    if not len(csi):
        raise WirelessFMError("expected at least one sample, found none")
    csi = csi.denormalise()
    values = csi.tensor("sample time antenna subcarrier" if "time" in csi.axes else "sample antenna subcarrier")
    values = (values if values.dim() == 4 else values[:, None]).to(torch.complex64)
    antennas, subcarriers = _observed(csi, values)
    values = values[:, :, antennas][..., subcarriers]
    power = squared_magnitude(values).mean(dim=(1, 2, 3))
    noise = csi.labels.get("noise_power", torch.full_like(power, torch.nan)).to(power)
    scale = power.clamp_min(1e-30)
    return Seen(
        values / scale.sqrt()[:, None, None, None],
        power,
        noise / scale,
        antennas,
        subcarriers,
        _positions(csi),
        csi.coords["subcarrier"].double(),
        csi.meta.carrier_hz or 3.5e9,
    )


def _observed(csi: CSI, values: Tensor) -> tuple[Tensor, Tensor]:
    n_antennas, n_subcarriers = values.shape[2:]
    if "observed" not in csi.labels:
        return torch.arange(n_antennas, device=values.device), torch.arange(n_subcarriers, device=values.device)
    seen = csi.labels["observed"]
    if seen.dtype != torch.bool or seen.shape != csi.values.shape:
        raise WirelessFMError(
            f"the label 'observed' must be bool {list(csi.values.shape)}, found {seen.dtype} {list(seen.shape)}"
        )
    # In the order of the values; axes that these do not have are of length 1.
    named = [csi.axes.index(axis) for axis in ("sample", "time", "antenna", "subcarrier") if axis in csi.axes]
    rest = [axis for axis in range(seen.dim()) if axis not in named]
    return observed_grid(seen.permute(*named, *rest).reshape(values.shape))


def _positions(csi: CSI) -> Tensor:
    """Where the antennas are; half a wavelength apart along y where the CSI does not say."""
    if "antenna" in csi.coords:
        return csi.coords["antenna"].float()
    n = csi.size("antenna") if "antenna" in csi.axes else 1
    return PlanarArray(n).positions_wavelengths().to(csi.values.device)
