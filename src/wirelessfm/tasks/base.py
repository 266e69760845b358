"""What a task is: a frozen specification that turns channels into inputs and hidden truth.

A predictor is only ever handed CSI, whose labels are public side information such as which pilots were observed,
plus the truth of the training samples it has paid for; the truth of the test samples stays in :class:`TaskData` and
is used by ``score`` alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from wirelessfm.baselines import System
from wirelessfm.csi import CSI, concatenate_csi
from wirelessfm.data.splits import Split
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import OFDM
from wirelessfm.tasks.sites import SitePaths
from wirelessfm.tasks.splitters import SpatialBlocks, Splitter
from wirelessfm.tasks.truth import Truth

# The narrow grid of the DeepMIMO-based evaluations since LWM: 32 tones of 30 kHz.
NARROW_BAND = OFDM(32, 30e3)
OUTPUTS = ("class", "value", "csi")


class Task(Protocol):
    """A frozen dataclass with these members."""

    @property
    def name(self) -> str:
        """Unique; names every choice that differs from the defaults."""

    @property
    def kind(self) -> str:
        """Family, such as ``los`` or ``beam``: decides which rules and specialised networks apply."""

    @property
    def output(self) -> str:
        """What is predicted: a ``class``, a ``value`` (real numbers) or ``csi``."""

    @property
    def made_from(self) -> str:
        """What ``build`` takes: ``sites`` (of cities), ``csi`` (simulated sets) or ``files`` (measured)."""

    @property
    def n_classes(self) -> int:
        """Number of classes, those absent from the data included; of real numbers; 0 for csi."""

    @property
    def metric(self) -> str:
        """The metric that ranks systems; :func:`wirelessfm.metrics.lower_is_better` says which way."""

    def build(self, sites: Sequence[Any]) -> TaskData:
        """Inputs and truth from what the task is made of: the :class:`SitePaths` of a city, or files."""

    def score(self, predictions: Tensor, truth: Truth) -> dict[str, float]:
        """Metrics of scores [sample, class], values [sample, d] or complex CSI against the same samples' truth."""


@dataclass(frozen=True)
class TaskData:
    """A task on given data.

    Attributes:
        task: the specification.
        inputs: CSI with first axis sample, physical (not normalised: power is information). Its labels, if any,
            are known to the receiver: ``observed`` bool and ``noise_power`` float for estimation and prediction.
        truth: hidden from predictors.
        scenes: sorted names of the test scenes.
        sites: ``scene/site`` in the order of ``truth.site``.
        content: fingerprints of task and data; part of the fingerprint of every split.
        notes: arrays and carriers, for the result rows.
        splitter: what parts training and test samples.
        case: generalisation case of 3GPP TR 38.843, ``1``, ``2``, ``2A`` or ``3``.
        bounds: systems that know what no receiver knows; lines to compare with, not competitors.
    """

    task: Task
    inputs: CSI
    truth: Truth
    scenes: tuple[str, ...]
    sites: tuple[str, ...]
    content: tuple[str, ...]
    notes: Mapping[str, object] = field(default_factory=dict)
    splitter: Splitter = SpatialBlocks()
    case: str = "1"
    bounds: tuple[System, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs)

    def split(self, seed: int) -> Split:
        """Training and test samples."""
        return self.splitter(self.truth, seed, self.content)

    def score(self, predictions: Tensor, index: Tensor) -> dict[str, float]:
        """Metrics of ``predictions`` for the samples ``index``.

        Raises:
            WirelessFMError: predictions of the wrong shape or type, or not finite.
        """
        task, labels = self.task, self.truth.labels
        expected = (len(index), task.n_classes) if task.output == "class" else (len(index), *labels.shape[1:])
        if tuple(predictions.shape) != expected or predictions.is_complex() != (task.output == "csi"):
            what = {"class": "scores [sample, class]", "value": "real values", "csi": "complex CSI"}[task.output]
            raise WirelessFMError(
                f"task '{task.name}' expects {what} of shape {list(expected)}, found {predictions.dtype} "
                f"{list(predictions.shape)}"
            )
        if not bool(torch.isfinite(predictions).all()):
            raise WirelessFMError(f"predictions for task '{task.name}' contain NaN or infinite entries")
        return task.score(predictions, self.truth.take(index))


def assemble(
    task: Task,
    sites: Sequence[SitePaths],
    inputs: Sequence[CSI],
    truth: Mapping[str, Tensor],
    notes: Mapping[str, object],
    splitter: Splitter = SpatialBlocks(),
) -> TaskData:
    """Join what was computed site by site.

    Args:
        task: the specification.
        sites: where the users are.
        inputs: CSI of every site; labels that come from synthesis are taken off, ``observed`` and ``noise_power``
            stay.
        truth: ``labels`` and optionally other columns of :class:`Truth`, of all sites.
        notes: for the rows.
        splitter: how to part the samples.
    """
    public = ("observed", "noise_power")
    kept = [{k: v for k, v in part.labels.items() if k in public} for part in inputs]
    csi = concatenate_csi([replace(part, labels=labels) for part, labels in zip(inputs, kept, strict=True)])
    prints = [p.fingerprint() for s in sites for p in (s.sub6, s.mmwave) if p is not None]
    columns = {
        "position_m": torch.cat([s.sub6.position_m for s in sites]),
        "site": torch.cat([torch.full((s.sub6.n_users,), i) for i, s in enumerate(sites)]),
    }
    return TaskData(
        task=task,
        inputs=csi,
        truth=Truth(**{**columns, **truth}),
        scenes=tuple(sorted({s.sub6.meta.scene for s in sites})),
        sites=tuple(f"{s.sub6.meta.scene}/{s.sub6.meta.site}" for s in sites),
        content=(repr(task), *prints),
        notes=notes,
        splitter=splitter,
    )
