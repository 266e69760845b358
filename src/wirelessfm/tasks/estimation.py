"""Channel estimation and interpolation: the complete, clean channel from some of its entries, noisy or not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wirelessfm import metrics
from wirelessfm.baselines import true_covariance_system
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths, synchronised
from wirelessfm.signal import OFDM, PlanarArray, add_noise, synthesize
from wirelessfm.tasks.base import TaskData, assemble
from wirelessfm.tasks.sites import SitePaths, connected_sites
from wirelessfm.tasks.splitters import SpatialBlocks
from wirelessfm.tasks.truth import Truth

# 7.7 MHz, 130 ns to a delay bin: wide enough for reflections in a street to be told apart, which 32 tones of 30 kHz
# are not, and a comb of every fourth tone still covers 1 µs.
ESTIMATION_BAND = OFDM(32, 240e3)
SNRS_DB = (-10.0, -5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0)
Pattern = range | tuple[int, ...]


@dataclass(frozen=True)
class EstimationTask:
    """Asked: the channel of a sub-6 GHz linear array at every antenna and subcarrier, without noise.

    Given: the entries at ``observed_antennas`` × ``observed_subcarriers`` after division by the pilots, with white
    noise; which they are (label ``observed``) and the noise power per entry (label ``noise_power``, 0 without noise).
    The SNR is drawn for every sample from ``snrs_db`` (none: no noise) and refers to the sample's own mean power; it
    is the condition of the truth. The receiver is synchronised to the first path, as any receiver is before it
    estimates: with absolute delays a comb would alias beyond 300 m and every method would fail on distance alone.

    Split: squares of ground. Metric: ``nmse_db`` over all entries, the observed ones included, mean of the ratio over
    samples; so weak SNRs decide, and the points ``nmse_db@SNR`` tell the rest. Trap: the observed entries are an
    estimate themselves (NMSE of −SNR where all are seen), and interpolation between them needs no label.
    """

    name: str = "estimate-pilots"
    observed_subcarriers: Pattern = range(0, 32, 4)
    observed_antennas: Pattern = range(32)
    snrs_db: tuple[float, ...] = SNRS_DB
    kind: str = "estimation"
    n_antennas: int = 32
    ofdm: OFDM = ESTIMATION_BAND
    noise_seed: int = 0
    block_m: float = 20.0
    test_fraction: float = 0.3
    n_classes: int = 0
    output: str = "csi"
    made_from: str = "sites"
    metric: str = "nmse_db"

    def __post_init__(self) -> None:
        _check_pattern(self.observed_antennas, self.n_antennas, "antennas")
        _check_pattern(self.observed_subcarriers, self.ofdm.n_subcarriers, "subcarriers")
        if not all(math.isfinite(snr) for snr in self.snrs_db):
            raise WirelessFMError(f"snrs_db must be finite, found {self.snrs_db}; an empty tuple means no noise")

    @property
    def array(self) -> PlanarArray:
        """The base-station array."""
        return PlanarArray(self.n_antennas)

    def channel_paths(self, sites: Sequence[SitePaths]) -> list[Paths]:
        """The paths behind the channels of :meth:`build`, in the same order: connected users, synchronised."""
        return [synchronised(site.sub6) for site in connected_sites(sites, self.name)]

    def build(self, sites: Sequence[SitePaths]) -> TaskData:
        """Users connected at every carrier of their site, so that tasks share their users."""
        clean = [synthesize(paths, self.array, self.ofdm) for paths in self.channel_paths(sites)]
        generator = torch.Generator().manual_seed(self.noise_seed)
        seen = torch.zeros(self.n_antennas, self.ofdm.n_subcarriers, dtype=torch.bool)
        seen[torch.tensor(self.observed_antennas)[:, None], torch.tensor(self.observed_subcarriers)] = True
        drawn = [self._draw_snr_db(len(part), generator) for part in clean]
        inputs = [_observe(part, seen, snr, generator) for part, snr in zip(clean, drawn, strict=True)]
        truth = {"labels": torch.cat([part.values for part in clean])}
        notes: dict[str, object] = {
            "carrier_ghz": float(clean[0].meta.carrier_hz or 0) / 1e9,
            "antennas": self.n_antennas,
            "bandwidth_mhz": self.ofdm.bandwidth_hz / 1e6,
            "observed_fraction": round(float(seen.double().mean()), 4),
        }
        if self.snrs_db:
            truth["condition"] = torch.cat(drawn)
            notes["snrs_db"] = list(self.snrs_db)
        kept, splitter = connected_sites(sites, self.name), SpatialBlocks(self.block_m, self.test_fraction)
        bound = true_covariance_system(self.channel_paths(sites), self.array, self.ofdm)
        return replace(assemble(self, kept, inputs, truth, notes, splitter), bounds=(bound,))

    def _draw_snr_db(self, n: int, generator: torch.Generator) -> Tensor:
        """Float32 [sample], infinite without noise."""
        points = torch.tensor(self.snrs_db or (math.inf,))
        return points[torch.randint(len(points), (n,), generator=generator)]

    def score(self, estimate: Tensor, truth: Truth) -> dict[str, float]:
        """See :func:`score_csi`."""
        return score_csi(estimate, truth)


def score_csi(estimate: Tensor, truth: Truth) -> dict[str, float]:
    """NMSE in dB, mean of ratios (also per condition, as ``nmse_db@10``) and ratio of means; SGCS over antennas.

    Args:
        estimate: complex [sample, antenna, subcarrier].
        truth: with labels alike, and optionally a condition.
    """
    clean = truth.labels
    result = {
        "nmse_db": metrics.db(metrics.nmse(estimate, clean)),
        "nmse_ratio_db": metrics.db(metrics.nmse(estimate, clean, "ratio")),
        "sgcs": metrics.sgcs_or_zero(estimate.transpose(1, 2), clean.transpose(1, 2)),
    }
    if truth.condition is not None:
        for value in truth.condition.unique().tolist():
            here = truth.condition == value
            result[f"nmse_db@{value:g}"] = metrics.db(metrics.nmse(estimate[here], clean[here]))
    return result


def _observe(clean: CSI, seen: Tensor, snr_db: Tensor, generator: torch.Generator) -> CSI:
    power = clean.values.abs().square().flatten(1).mean(dim=1)
    noisy = add_noise(clean.values, snr_db, generator)
    known = {"observed": seen.expand(len(clean), -1, -1), "noise_power": power * 10 ** (-snr_db / 10)}
    return replace(clean, values=torch.where(seen, noisy, 0), labels={**clean.labels, **known})


def _check_pattern(pattern: Pattern, n: int, what: str) -> None:
    chosen = list(pattern)
    if not chosen or chosen != sorted(set(chosen)) or chosen[0] < 0 or chosen[-1] >= n:
        raise WirelessFMError(f"observed {what} are ascending indices in 0 … {n - 1}, at least one, found {pattern}")
