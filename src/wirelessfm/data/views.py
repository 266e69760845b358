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
from wirelessfm.data.known import known_of_paths
from wirelessfm.data.rays import scattered
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.paths import SPEED_OF_LIGHT_M_PER_S, Paths, synchronised
from wirelessfm.signal.arrays import PlanarArray
from wirelessfm.signal.noise import add_noise
from wirelessfm.signal.ofdm import OFDM
from wirelessfm.signal.synthesis import channel_response


@dataclass(frozen=True)
class ViewSpec:
    """What a batch may look like; ranges are drawn uniformly, the bandwidth log-uniformly.

    Attributes:
        antennas, subcarriers: sizes to choose from, one of each a batch.
        rows: numbers of rows to choose from; an array has ``antennas`` columns and so many rows.
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
        times: samples of the time axis; 0 for no such axis.
        interval_s: smallest and largest time between them, drawn log-uniformly for each batch.
        speed_m_per_s: with a time axis, smallest and largest, drawn for each sample together with a horizontal
            direction; Doppler that the paths bring along is not used.
        synchronised: count delays from the first path of each user, as a receiver does before it estimates.
        rays_per_path: above 1, paths become clusters of so many rays in half of the batches, see
            :func:`~wirelessfm.data.rays.scattered`.
        carriers_hz: only sites at these carriers; empty for all.
        known: give the label ``known``, what a simulator knows of the paths of a user (line of sight among it), see
            :func:`~wirelessfm.data.known.known_of_paths`.
        other_carrier: give the label ``other_carrier``: the same users seen at their other carrier without noise by
            ``reference_antennas`` antennas on the subcarriers of the reference.
    """

    antennas: tuple[int, ...] = (8, 16, 32)
    rows: tuple[int, ...] = (1,)
    subcarriers: tuple[int, ...] = (32,)
    bandwidth_hz: tuple[float, float] = (9e5, 2e7)
    snr_db: tuple[float, float] = (0.0, 30.0)
    noiseless: float = 0.5
    turn: bool = True
    reference_antennas: int = 32
    reference_bandwidth_hz: float = 2e7
    positions: bool = False
    times: int = 0
    interval_s: tuple[float, float] = (1e-3, 1e-3)
    speed_m_per_s: tuple[float, float] = (0.0, 30.0)
    synchronised: bool = False
    rays_per_path: int = 1
    carriers_hz: tuple[float, ...] = ()
    known: bool = False
    other_carrier: bool = False

    def __post_init__(self) -> None:
        sizes = (self.antennas, self.rows, self.subcarriers)
        if not all(sizes) or min(map(min, sizes)) < 1 or self.rays_per_path < 1:
            raise WirelessFMError(
                "antennas, rows and subcarriers need at least one positive size each, and rays_per_path is at least 1"
            )
        if self.other_carrier and not self.reference_antennas:
            raise WirelessFMError("other_carrier is seen by reference_antennas antennas; set them above 0")
        if not 0 < self.bandwidth_hz[0] <= self.bandwidth_hz[1] or self.snr_db[0] > self.snr_db[1]:
            raise WirelessFMError("bandwidth_hz and snr_db are [smallest, largest], bandwidths positive")
        sensible = 0 < self.interval_s[0] <= self.interval_s[1] and 0 <= self.speed_m_per_s[0] <= self.speed_m_per_s[1]
        if self.times < 0 or not sensible:
            raise WirelessFMError(
                "times is 0 or a number of time samples, interval_s and speed_m_per_s are [smallest, largest], "
                f"intervals positive; found {self.times}, {list(self.interval_s)} and {list(self.speed_m_per_s)}"
            )


class ViewSampler:
    """Draws CSI batches from the connected users of several sites."""

    def __init__(self, sites: Sequence[Paths], spec: ViewSpec, max_paths: int = 12) -> None:
        self.spec = spec
        pairs = chosen_sites(sites, spec.carriers_hz, spec.other_carrier)
        self.sites = [site.strongest(max_paths) for site, _ in pairs]
        self.others = [other.strongest(max_paths) for _, other in pairs if other is not None]
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
        self.others = [site.to(device) for site in self.others]
        return self

    def draw(self, batch_size: int, generator: torch.Generator) -> CSI:
        """One batch with axes (sample[, time], antenna, subcarrier); the (CPU) generator's state alone decides."""
        spec = self.spec
        number = int(torch.multinomial(self._share, 1, generator=generator))
        site = self.sites[number]
        device = site.gain.device
        chosen = torch.randint(site.n_users, (batch_size,), generator=generator).to(device)
        users = site[chosen]
        columns = _choose(spec.antennas, generator)
        array = PlanarArray(columns, _choose(spec.rows, generator) if len(spec.rows) > 1 else spec.rows[0])
        n_subcarriers = _choose(spec.subcarriers, generator)
        ofdm = OFDM(n_subcarriers, _between(spec.bandwidth_hz, generator) / n_subcarriers)
        turn = (torch.rand(batch_size, generator=generator) * 2 - 1) * math.pi if spec.turn else None
        turn = turn.to(device) if turn is not None else None
        coords = {"antenna": array.positions_wavelengths(), "subcarrier": ofdm.frequencies_hz()}
        labels, extra = self._labels(number, chosen, turn)
        users = synchronised(users) if spec.synchronised else users
        if spec.rays_per_path > 1 and _uniform(generator) < 0.5:
            users = scattered(users, spec.rays_per_path, generator)
        if spec.times:
            coords["time"] = torch.arange(spec.times, dtype=torch.float64) * _between(spec.interval_s, generator)
            users = self._moving(users, generator)
        response = channel_response(users, array, ofdm, times_s=coords.get("time"), yaw_offset_rad=turn)
        values = response[:, :, 0] if spec.times else response[:, 0, 0]
        if _uniform(generator) >= spec.noiseless:
            values = self._noisy(values, generator)
        coords = {name: positions.to(device) for name, positions in coords.items()}
        meta = CSIMeta(site.meta.carrier_hz, site.meta.source, site.meta.licence, extra)
        axes = ("sample", "time", "antenna", "subcarrier") if spec.times else ("sample", "antenna", "subcarrier")
        return CSI(values, axes, coords, labels, meta)

    def _labels(self, number: int, chosen: Tensor, turn: Tensor | None) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """What else is known of the chosen users of a site."""
        spec, users = self.spec, self.sites[number][chosen]
        labels: dict[str, Tensor] = {}
        extra: dict[str, Any] = {}
        best, wide = PlanarArray(max(1, spec.reference_antennas)), OFDM(32, spec.reference_bandwidth_hz / 32)
        if spec.reference_antennas:
            labels["reference"] = channel_response(users, best, wide, yaw_offset_rad=turn)[:, 0, 0]
            extra["reference_subcarrier_hz"] = wide.frequencies_hz().tolist()
        if spec.other_carrier:
            others = self.others[number][chosen]
            labels["other_carrier"] = channel_response(others, best, wide, yaw_offset_rad=turn)[:, 0, 0]
        if spec.positions:
            labels["position_m"] = users.position_m
            labels["site"] = torch.full((len(users),), number, device=users.gain.device)
        if spec.known:
            labels["known"] = known_of_paths(users, turn)
        return labels, extra

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


def chosen_sites(
    sites: Sequence[Paths], carriers_hz: Sequence[float], paired: bool
) -> list[tuple[Paths, Paths | None]]:
    """Sites at the wanted carriers with their connected users, each with the same users at its other carrier if asked.

    Raises:
        WirelessFMError: a carrier that no site has, or a site without another carrier.
    """
    found = sorted({site.meta.carrier_hz for site in sites})
    for carrier in carriers_hz:
        if carrier not in found:
            raise unknown_name("carrier in Hz", f"{carrier:g}", [f"{known:g}" for known in found])
    wanted = [site for site in sites if not carriers_hz or site.meta.carrier_hz in carriers_hz]
    if not paired:
        return [(site.connected(), None) for site in wanted]
    return [_with_other(site, sites) for site in wanted]


def _with_other(site: Paths, sites: Sequence[Paths]) -> tuple[Paths, Paths]:
    place = (site.meta.scene, site.meta.site, site.meta.bs_position_m)
    for other in sites:
        same = (other.meta.scene, other.meta.site, other.meta.bs_position_m) == place
        if same and other.meta.carrier_hz != site.meta.carrier_hz and torch.equal(other.position_m, site.position_m):
            both = (site.n_paths > 0) & (other.n_paths > 0)
            return site[both], other[both]
    raise WirelessFMError(
        f"other_carrier needs the same users of {place[0]}/{place[1]} at a second carrier, found "
        f"{site.meta.carrier_hz / 1e9:g} GHz only; trace it with a second --carrier-hz"
    )


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


def _between(limits: tuple[float, float], generator: torch.Generator) -> float:
    """Log-uniform; equal limits draw nothing."""
    low, high = (math.log(limit) for limit in limits)
    return limits[0] if low == high else math.exp(low + (high - low) * _uniform(generator))


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand(1, generator=generator))
