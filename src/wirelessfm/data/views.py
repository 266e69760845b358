"""Training batches drawn on the fly from paths: random users, arrays, orientations, bandwidths and noise.

Nothing is stored, and no batch is ever drawn twice: paths are the corpus, CSI is a view of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths
from wirelessfm.signal.arrays import PlanarArray
from wirelessfm.signal.noise import add_noise
from wirelessfm.signal.ofdm import OFDM
from wirelessfm.signal.synthesis import channel_response


@dataclass(frozen=True)
class ViewSpec:
    """What a batch may look like; ranges are drawn uniformly, the bandwidth log-uniformly.

    Attributes:
        antennas, subcarriers: sizes to choose from, one of each a batch.
        bandwidth_hz: smallest and largest.
        snr_db: smallest and largest, drawn for each sample.
        noiseless: fraction of batches without noise.
        turn: draw the orientation of the array for each sample; else keep that of the site.
        reference_antennas, reference_bandwidth_hz: with every view comes the label ``reference``, the same users
            seen without noise by a linear array of this size and on 32 subcarriers of this bandwidth: what a better
            receiver would have seen. 0 antennas for none.
    """

    antennas: tuple[int, ...] = (8, 16, 32)
    subcarriers: tuple[int, ...] = (32,)
    bandwidth_hz: tuple[float, float] = (9e5, 2e7)
    snr_db: tuple[float, float] = (0.0, 30.0)
    noiseless: float = 0.5
    turn: bool = True
    reference_antennas: int = 32
    reference_bandwidth_hz: float = 2e7

    def __post_init__(self) -> None:
        if not self.antennas or not self.subcarriers or min(*self.antennas, *self.subcarriers) < 1:
            raise WirelessFMError("antennas and subcarriers need at least one positive size each")
        if not 0 < self.bandwidth_hz[0] <= self.bandwidth_hz[1] or self.snr_db[0] > self.snr_db[1]:
            raise WirelessFMError("bandwidth_hz and snr_db are [smallest, largest], bandwidths positive")


class ViewSampler:
    """Draws CSI batches from the connected users of several sites."""

    def __init__(self, sites: Sequence[Paths], spec: ViewSpec, max_paths: int = 12) -> None:
        self.sites = [site.connected().strongest(max_paths) for site in sites]
        self.spec = spec
        if not self.sites or min(site.n_users for site in self.sites) == 0:
            raise WirelessFMError("pretraining needs sites with connected users; found none in at least one site")
        self._share = torch.tensor([float(site.n_users) for site in self.sites])

    @property
    def n_users(self) -> int:
        """Connected users of all sites; each carrier of a site counts."""
        return sum(site.n_users for site in self.sites)

    def to(self, device: str | torch.device) -> ViewSampler:
        """Move the paths to ``device``; batches are then synthesised there."""
        self.sites = [site.to(device) for site in self.sites]
        return self

    def draw(self, batch_size: int, generator: torch.Generator) -> CSI:
        """One batch with axes (sample, antenna, subcarrier), determined by the (CPU) generator's state alone."""
        site = self.sites[int(torch.multinomial(self._share, 1, generator=generator))]
        users = site[torch.randint(site.n_users, (batch_size,), generator=generator).to(site.gain.device)]
        array = PlanarArray(_choose(self.spec.antennas, generator))
        n_subcarriers = _choose(self.spec.subcarriers, generator)
        low, high = (math.log(b) for b in self.spec.bandwidth_hz)
        ofdm = OFDM(n_subcarriers, math.exp(low + (high - low) * _uniform(generator)) / n_subcarriers)
        turn = (torch.rand(batch_size, generator=generator) * 2 - 1) * math.pi if self.spec.turn else None
        turn = turn.to(users.gain.device) if turn is not None else None
        values = channel_response(users, array, ofdm, yaw_offset_rad=turn)[:, 0, 0]
        labels = {}
        if self.spec.reference_antennas:
            best, wide = PlanarArray(self.spec.reference_antennas), OFDM(32, self.spec.reference_bandwidth_hz / 32)
            labels["reference"] = channel_response(users, best, wide, yaw_offset_rad=turn)[:, 0, 0]
        if _uniform(generator) >= self.spec.noiseless:
            values = self._noisy(values, generator)
        coords = {"subcarrier": ofdm.frequencies_hz().to(values.device)}
        meta = CSIMeta(site.meta.carrier_hz, site.meta.source, site.meta.licence)
        return CSI(values, ("sample", "antenna", "subcarrier"), coords, labels, meta)

    def _noisy(self, values: Tensor, generator: torch.Generator) -> Tensor:
        low, high = self.spec.snr_db
        snr_db = low + (high - low) * torch.rand(len(values), generator=generator)
        noise = torch.Generator(values.device).manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
        return add_noise(values, snr_db.to(values.device), noise)


def _choose(options: Sequence[int], generator: torch.Generator) -> int:
    return options[int(torch.randint(len(options), (1,), generator=generator))]


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand(1, generator=generator))
