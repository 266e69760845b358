"""Channel prediction: the second half of a block of CSI from its noisy first half.

Time-domain prediction (channel ageing) and frequency-domain prediction (FDD: the downlink band from the uplink band)
as in WiFo (Liu et al., Sci. China Inf. Sci. 68(6):162302, 2025, §2 and §5). The known part is whole slices of four
entries, the first half of them. Differences: the target here is the clean channel, whereas the release of WiFo
scores against the noisy one, which puts a floor of about .01 (at 20 dB) under its NMSE; and the noise of a sample
is relative to the power of its own known part, so that it says nothing about the part that is asked.

The trap: in time, holding the last known channel is near perfect for slow users, so a mean over speeds says little
without it; in frequency it is worse than predicting zero (NMSE 0 dB) beyond the coherence bandwidth. And the channel
is a sum of few exponentials along either axis: an autoregression per delay tap or angle bin, fitted to the sample
itself (``ar``, no label), beats networks trained on hundreds of samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor

from wirelessfm import metrics
from wirelessfm.csi import CSI, CSIMeta, concatenate_csi
from wirelessfm.data.simulate.wifo_sets import WIFO_SETS
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.signal import add_noise
from wirelessfm.tasks.base import TaskData
from wirelessfm.tasks.splitters import WholeGroups
from wirelessfm.tasks.truth import Truth

AXES = ("sample", "time", "antenna", "subcarrier")
KINDS = {"time": "time-prediction", "subcarrier": "frequency-prediction"}


@dataclass(frozen=True)
class PredictionTask:
    """The rest of the time axis, or of the subcarriers, from their beginning.

    Asked: the complex channel after the known part, scored there only. Given: the known part with noise, zeros
    elsewhere, and the labels ``observed`` and ``noise_power``. Split: whole trajectories; a sample is one of its
    own unless the CSI has an integer label ``trajectory``.

    Attributes:
        along: ``time`` or ``subcarrier``.
        known_fraction: of the slices, rounded down.
        slice_size: entries in a slice.
        snr_db: of the known part of every sample; None for no noise.
        noise_seed: the noise is part of the data, the same for every split.

    Raises:
        WirelessFMError: an unknown axis, a fraction out of range.
    """

    name: str
    along: str
    known_fraction: float = 0.5
    slice_size: int = 4
    snr_db: float | None = 20.0
    noise_seed: int = 0
    test_fraction: float = 0.3
    n_classes: int = 0
    output: str = "csi"
    made_from: str = "csi"
    metric: str = "nmse_db"

    def __post_init__(self) -> None:
        if self.along not in KINDS:
            raise unknown_name("axis of prediction", self.along, KINDS)
        if not 0 < self.known_fraction < 1 or self.slice_size < 1:
            raise WirelessFMError(
                f"prediction needs known_fraction between 0 and 1 and slices of at least 1 entry, found "
                f"{self.known_fraction:g} and {self.slice_size}"
            )

    @property
    def kind(self) -> str:
        """``time-prediction`` or ``frequency-prediction``: some methods only make sense for one."""
        return KINDS[self.along]

    def n_known(self, size: int) -> int:
        """Known entries of an axis of ``size``."""
        return int(size / self.slice_size * self.known_fraction) * self.slice_size

    def build(self, sites: Sequence[CSI]) -> TaskData:
        """Inputs and truth from clean CSI (sample, time, antenna, subcarrier), sets of equal shape.

        Raises:
            WirelessFMError: other axes, an axis too short to be parted, samples without power.
        """
        if not sites:
            raise WirelessFMError(f"task '{self.name}' needs at least one CSI, found none")
        clean = concatenate_csi([self._bare(csi) for csi in sites])
        dim, n_known = AXES.index(self.along), self.n_known(clean.size(self.along))
        if n_known < 1 or n_known >= clean.size(self.along):
            raise WirelessFMError(
                f"task '{self.name}' needs at least {2 * self.slice_size} entries along '{self.along}', found "
                f"{clean.size(self.along)}"
            )
        known = clean.values.narrow(dim, 0, n_known)
        _check_power(self.name, known, clean.values.narrow(dim, n_known, clean.size(self.along) - n_known))
        scenes = [_scene(csi.meta) for csi in sites]
        names = tuple(dict.fromkeys(scenes))
        sizes = torch.tensor([len(csi) for csi in sites])
        return TaskData(
            task=self,
            inputs=self._observe(clean, known),
            truth=Truth(
                labels=clean.values,
                position_m=_column(sites, "position_m"),
                site=torch.tensor([names.index(scene) for scene in scenes]).repeat_interleave(sizes),
                group=_trajectories(sites),
            ),
            scenes=tuple(sorted(names)),
            sites=names,
            content=(repr(self), clean.fingerprint()),
            notes=self._notes(clean, sites, n_known),
            splitter=WholeGroups(self.test_fraction),
        )

    def _bare(self, csi: CSI) -> CSI:
        """Physical values only: a scale taken from the whole sample, or a label, would tell of what is asked."""
        if not isinstance(csi, CSI) or csi.axes != AXES:
            found = csi.axes if isinstance(csi, CSI) else type(csi).__name__
            raise WirelessFMError(
                f"task '{self.name}' is built from CSI with axes {AXES}, found {found}; simulate some with "
                "`wfm simulate D1 --out …`"
            )
        clean = csi.denormalise()
        return replace(clean, values=clean.values.to(torch.complex64), labels={})

    def _observe(self, clean: CSI, known: Tensor) -> CSI:
        dim = AXES.index(self.along)
        noise_power = torch.zeros(len(clean))
        if self.snr_db is not None:
            noise_power = known.abs().square().flatten(1).mean(dim=1) * 10 ** (-self.snr_db / 10)
            known = add_noise(known, self.snr_db, torch.Generator().manual_seed(self.noise_seed))
        values, observed = torch.zeros_like(clean.values), torch.zeros(clean.values.shape, dtype=torch.bool)
        values.narrow(dim, 0, known.shape[dim]).copy_(known)
        observed.narrow(dim, 0, known.shape[dim]).fill_(True)
        return replace(clean, values=values, labels={"observed": observed, "noise_power": noise_power.float()})

    def _notes(self, clean: CSI, sites: Sequence[CSI], n_known: int) -> dict[str, object]:
        notes: dict[str, object] = {
            "times": clean.size("time"),
            "antennas": clean.size("antenna"),
            "subcarriers": clean.size("subcarrier"),
            "known": n_known,
            "snr_db": self.snr_db,
        }
        if clean.meta.carrier_hz is not None:
            notes["carrier_ghz"] = clean.meta.carrier_hz / 1e9
        speed = _column(sites, "speed_m_per_s")
        if speed is not None:
            notes["mean_speed_km_per_h"] = round(float(speed.mean()) * 3.6, 1)
        return notes

    def score(self, predictions: Tensor, truth: Truth) -> dict[str, float]:
        """NMSE of the asked entries: mean of ratios in dB and linear (as WiFo's tables), ratio of means; SGCS.

        SGCS is over the antennas, for every time and subcarrier, 0 where the prediction is exactly zero.
        """
        dim = AXES.index(self.along)
        n_known = self.n_known(truth.labels.shape[dim])
        n_asked = truth.labels.shape[dim] - n_known
        estimate, target = (part.narrow(dim, n_known, n_asked) for part in (predictions, truth.labels))
        nmse = metrics.nmse(estimate, target)
        result = {
            "nmse_db": metrics.db(nmse),
            "nmse": nmse,
            "nmse_ratio_db": metrics.db(metrics.nmse(estimate, target, "ratio")),
        }
        if target.shape[2] > 1:
            result["sgcs"] = metrics.sgcs_or_zero(estimate.movedim(2, -1), target.movedim(2, -1))
        return result


def _check_power(task: str, known: Tensor, asked: Tensor) -> None:
    empty = ~((known != 0).flatten(1).any(dim=1) & (asked != 0).flatten(1).any(dim=1))
    if bool(empty.any()):
        raise WirelessFMError(
            f"task '{task}' needs power in the known and in the asked part, found {int(empty.sum())} of {len(empty)} "
            "samples without; leave them out with csi[mask]"
        )


def _column(sites: Sequence[CSI], label: str) -> Tensor | None:
    known = all(label in csi.labels for csi in sites)
    return torch.cat([csi.labels[label] for csi in sites]) if known else None


def _trajectories(sites: Sequence[CSI]) -> Tensor:
    """Int64 [sample]; trajectories of different CSI are different ones."""
    groups: list[Tensor] = []
    for csi in sites:
        own = torch.unique(csi.labels.get("trajectory", torch.arange(len(csi))), return_inverse=True)[1]
        groups.append(own + (int(groups[-1].max()) + 1 if groups else 0))
    return torch.cat(groups)


def _scene(meta: CSIMeta) -> str:
    """``D1`` … ``D19`` for CSI simulated with such a configuration, else the simulated scenario or the source."""
    free = ("n_samples", "seed")
    for name, request in WIFO_SETS.items():
        if {k: v for k, v in asdict(request).items() if k not in free}.items() <= meta.extra.items():
            return name
    return str(meta.extra.get("scenario", meta.source))
