"""What a task is: a frozen specification that turns the multipath of sites into inputs and hidden truth.

A predictor is only ever handed CSI without labels, plus the labels of the training samples it has paid for; the
truth of the test samples stays in :class:`TaskData` and is used by ``score`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from wirelessfm.csi import CSI, concatenate_csi
from wirelessfm.data.splits import Split, spatial_split
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths
from wirelessfm.signal import OFDM

# The narrow grid of the DeepMIMO-based evaluations since LWM: 32 tones of 30 kHz.
NARROW_BAND = OFDM(32, 30e3)


@dataclass(frozen=True)
class SitePaths:
    """The same users of one base station at a sub-6 GHz and, where there is one, a millimetre-wave carrier.

    Raises:
        WirelessFMError: the two are not the same users of the same base station.
    """

    sub6: Paths
    mmwave: Paths | None = None

    def __post_init__(self) -> None:
        if self.mmwave is None:
            return
        low, high = self.sub6.meta, self.mmwave.meta
        same_place = (low.scene, low.site, low.bs_position_m) == (high.scene, high.site, high.bs_position_m)
        if not same_place or not torch.equal(self.sub6.position_m, self.mmwave.position_m):
            raise WirelessFMError(
                f"expected the same users of the same base station at two carriers, found {low.scene}/{low.site} "
                f"({self.sub6.n_users} users) and {high.scene}/{high.site} ({self.mmwave.n_users} users) or users "
                "at other positions"
            )

    def connected(self) -> SitePaths:
        """Only the users with a path at every carrier there is."""
        kept = self.sub6.n_paths > 0
        if self.mmwave is None:
            return SitePaths(self.sub6[kept])
        kept = kept & (self.mmwave.n_paths > 0)
        return SitePaths(self.sub6[kept], self.mmwave[kept])


@dataclass(frozen=True)
class Truth:
    """What is to be predicted, and what only scoring may see; first dimensions aligned with the inputs.

    Attributes:
        labels: int64 [sample] in [0, n_classes).
        position_m: float32 [sample, 3].
        site: int64 [sample], index into ``TaskData.sites``.
        beam_powers: float32 [sample, beam], or None outside beam tasks.
    """

    labels: Tensor
    position_m: Tensor
    site: Tensor
    beam_powers: Tensor | None = None


class Task(Protocol):
    """A frozen dataclass with these members."""

    @property
    def name(self) -> str:
        """Unique; names every choice that differs from the defaults."""

    @property
    def kind(self) -> str:
        """Family, ``los`` or ``beam``: decides which zero-label rules apply."""

    @property
    def n_classes(self) -> int:
        """Number of classes, those absent from the data included."""

    @property
    def metric(self) -> str:
        """The metric that ranks systems."""

    @property
    def block_m(self) -> float:
        """Side of the squares of ground of the split."""

    @property
    def test_fraction(self) -> float:
        """Fraction of the samples that are tested."""

    def build(self, sites: Sequence[SitePaths]) -> TaskData:
        """Inputs and truth of the connected users of ``sites``."""

    def score(self, scores: Tensor, truth: Truth) -> dict[str, float]:
        """Metrics of float [sample, class] scores against the truth of the same samples."""


@dataclass(frozen=True)
class TaskData:
    """A task on given sites.

    Attributes:
        task: the specification.
        inputs: CSI with axes (sample, antenna, subcarrier), physical (not normalised: power is information)
            and without labels.
        truth: hidden from predictors.
        scenes: sorted names of the test scenes.
        sites: ``scene/site`` in the order of ``truth.site``.
        content: fingerprints of task and paths; part of the fingerprint of every split.
        notes: arrays and carriers, for the result rows.
    """

    task: Task
    inputs: CSI
    truth: Truth
    scenes: tuple[str, ...]
    sites: tuple[str, ...]
    content: tuple[str, ...]
    notes: Mapping[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.inputs)

    def split(self, seed: int) -> Split:
        """Training and test samples by squares of ground; the seed chooses the squares."""
        return spatial_split(self.truth.position_m, seed, self.task.block_m, self.task.test_fraction, self.content)

    def score(self, scores: Tensor, index: Tensor) -> dict[str, float]:
        """Metrics of ``scores`` float [len(index), class] for the samples ``index``.

        Raises:
            WirelessFMError: scores of the wrong shape, or not finite.
        """
        expected = (len(index), self.task.n_classes)
        if tuple(scores.shape) != expected:
            raise WirelessFMError(
                f"task '{self.task.name}' expects scores [sample, class] of shape {list(expected)}, "
                f"found {list(scores.shape)}"
            )
        if not bool(torch.isfinite(scores).all()):
            raise WirelessFMError(f"scores for task '{self.task.name}' contain NaN or infinite entries")
        powers = self.truth.beam_powers
        truth = Truth(
            self.truth.labels[index],
            self.truth.position_m[index],
            self.truth.site[index],
            None if powers is None else powers[index],
        )
        return self.task.score(scores, truth)


def connected_sites(sites: Sequence[SitePaths], task: str) -> list[SitePaths]:
    """The sites reduced to connected users, those left without any dropped.

    Raises:
        WirelessFMError: no site, or no connected user at any.
    """
    kept = [site for site in (s.connected() for s in sites) if site.sub6.n_users]
    if not kept:
        raise WirelessFMError(
            f"task '{task}' found no connected user in {len(sites)} sites; it needs users with at least one path "
            "at every carrier"
        )
    return kept


def assemble(
    task: Task,
    sites: Sequence[SitePaths],
    inputs: Sequence[CSI],
    truth: Mapping[str, Tensor],
    notes: Mapping[str, object],
) -> TaskData:
    """Join what was computed site by site; ``truth`` holds ``labels`` and optionally ``beam_powers``."""
    csi = concatenate_csi([replace(part, labels={}) for part in inputs])
    site = torch.cat([torch.full((s.sub6.n_users,), i) for i, s in enumerate(sites)])
    position = torch.cat([s.sub6.position_m for s in sites])
    prints = [p.fingerprint() for s in sites for p in (s.sub6, s.mmwave) if p is not None]
    return TaskData(
        task=task,
        inputs=csi,
        truth=Truth(truth["labels"], position, site, truth.get("beam_powers")),
        scenes=tuple(sorted({s.sub6.meta.scene for s in sites})),
        sites=tuple(f"{s.sub6.meta.scene}/{s.sub6.meta.site}" for s in sites),
        content=(repr(task), *prints),
        notes=notes,
    )
