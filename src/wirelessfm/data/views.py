"""Training batches drawn on the fly from paths: random users, arrays, orientations, bandwidths and noise.

Nothing is stored, and no batch is ever drawn twice: paths are the corpus, CSI is a view of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import SPEED_OF_LIGHT_M_PER_S, Paths
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
            receiver would have seen; its subcarriers are in ``meta.extra["reference_subcarrier_hz"]``. 0 antennas
            for none.
        positions: give the labels ``position_m`` float32 [sample, 3] and ``site`` int64 [sample], to objectives that
            need neighbours. Where a user is, is a target of tasks, known to a simulator only.
        times, interval_s: samples of the time axis and seconds between them; 0 times for no such axis.
        speed_m_per_s: with a time axis, smallest and largest, drawn for each sample together with a horizontal
            direction; Doppler that the paths bring along is not used.
    """

    antennas: tuple[int, ...] = (8, 16, 32)
    subcarriers: tuple[int, ...] = (32,)
    bandwidth_hz: tuple[float, float] = (9e5, 2e7)
    snr_db: tuple[float, float] = (0.0, 30.0)
    noiseless: float = 0.5
    turn: bool = True
    reference_antennas: int = 32
    reference_bandwidth_hz: float = 2e7
    positions: bool = False
    times: int = 0
    interval_s: float = 1e-3
    speed_m_per_s: tuple[float, float] = (0.0, 30.0)

    def __post_init__(self) -> None:
        if not self.antennas or not self.subcarriers or min(*self.antennas, *self.subcarriers) < 1:
            raise WirelessFMError("antennas and subcarriers need at least one positive size each")
        if not 0 < self.bandwidth_hz[0] <= self.bandwidth_hz[1] or self.snr_db[0] > self.snr_db[1]:
            raise WirelessFMError("bandwidth_hz and snr_db are [smallest, largest], bandwidths positive")
        if self.times < 0 or not self.interval_s > 0 or not 0 <= self.speed_m_per_s[0] <= self.speed_m_per_s[1]:
            raise WirelessFMError(
                "times is 0 or a number of time samples, interval_s positive and speed_m_per_s [smallest, largest], "
                f"found {self.times}, {self.interval_s} and {list(self.speed_m_per_s)}"
            )


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
        """One batch with axes (sample[, time], antenna, subcarrier); the (CPU) generator's state alone decides."""
        number = int(torch.multinomial(self._share, 1, generator=generator))
        site = self.sites[number]
        users = site[torch.randint(site.n_users, (batch_size,), generator=generator).to(site.gain.device)]
        array = PlanarArray(_choose(self.spec.antennas, generator))
        n_subcarriers = _choose(self.spec.subcarriers, generator)
        low, high = (math.log(b) for b in self.spec.bandwidth_hz)
        ofdm = OFDM(n_subcarriers, math.exp(low + (high - low) * _uniform(generator)) / n_subcarriers)
        turn = (torch.rand(batch_size, generator=generator) * 2 - 1) * math.pi if self.spec.turn else None
        turn = turn.to(users.gain.device) if turn is not None else None
        coords = {"subcarrier": ofdm.frequencies_hz()}
        if self.spec.times:
            coords["time"] = torch.arange(self.spec.times, dtype=torch.float64) * self.spec.interval_s
            users = self._moving(users, generator)
        response = channel_response(users, array, ofdm, times_s=coords.get("time"), yaw_offset_rad=turn)
        values = response[:, :, 0] if self.spec.times else response[:, 0, 0]
        labels: dict[str, Tensor] = {}
        extra: dict[str, Any] = {}
        if self.spec.reference_antennas:
            best, wide = PlanarArray(self.spec.reference_antennas), OFDM(32, self.spec.reference_bandwidth_hz / 32)
            labels["reference"] = channel_response(users, best, wide, yaw_offset_rad=turn)[:, 0, 0]
            extra["reference_subcarrier_hz"] = wide.frequencies_hz().tolist()
        if self.spec.positions:
            labels["position_m"] = users.position_m
            labels["site"] = torch.full((batch_size,), number, device=users.gain.device)
        if _uniform(generator) >= self.spec.noiseless:
            values = self._noisy(values, generator)
        coords = {name: positions.to(values.device) for name, positions in coords.items()}
        meta = CSIMeta(site.meta.carrier_hz, site.meta.source, site.meta.licence, extra)
        axes = ("sample", "time", "antenna", "subcarrier") if self.spec.times else ("sample", "antenna", "subcarrier")
        return CSI(values, axes, coords, labels, meta)

    def _moving(self, users: Paths, generator: torch.Generator) -> Paths:
        low, high = self.spec.speed_m_per_s
        speed = low + (high - low) * torch.rand(len(users), generator=generator)
        heading = (torch.rand(len(users), generator=generator) * 2 - 1) * math.pi
        velocity = torch.stack([speed * heading.cos(), speed * heading.sin(), torch.zeros(len(users))], dim=1)
        return replace(users, doppler_hz=doppler_hz(users, velocity.to(users.gain.device)))

    def _noisy(self, values: Tensor, generator: torch.Generator) -> Tensor:
        low, high = self.spec.snr_db
        snr_db = low + (high - low) * torch.rand(len(values), generator=generator)
        noise = torch.Generator(values.device).manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
        return add_noise(values, snr_db.to(values.device), noise)


def doppler_hz(paths: Paths, velocity_m_per_s: Tensor) -> Tensor:
    """Doppler shifts of moving users, float32 [user, path]: positive where a user approaches what it receives from.

    Args:
        paths: arrival directions point from the user towards where a path comes from.
        velocity_m_per_s: float [user, 3], in the scene's frame.
    """
    azimuth, elevation = paths.arrival_azimuth_rad, paths.arrival_elevation_rad
    x, y, z = velocity_m_per_s[:, :, None].unbind(dim=1)
    approach = elevation.cos() * (x * azimuth.cos() + y * azimuth.sin()) + z * elevation.sin()
    return (approach * (paths.meta.carrier_hz / SPEED_OF_LIGHT_M_PER_S)).float()


def _choose(options: Sequence[int], generator: torch.Generator) -> int:
    return options[int(torch.randint(len(options), (1,), generator=generator))]


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand(1, generator=generator))
