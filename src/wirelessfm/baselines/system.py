"""A system is anything with a line in the result table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import Any, Protocol

from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError, unknown_name

# Note of a system that only looks up what was predicted before, for one input as a whole.
COMPUTED_ELSEWHERE = "computed_elsewhere"
KINDS = ("encoder", "features", "network", "rule", "correction", "constant", "external")


class Predictor(Protocol):
    """What a fitted network or constant is."""

    @property
    def n_parameters(self) -> int:
        """Trained numbers."""

    def __call__(self, csi: CSI) -> Tensor:
        """Scores [sample, class], values [sample, d] or complex CSI, as the task asks for."""


@dataclass(frozen=True)
class System:
    """A named predictor or source of features. The kind says how ``run`` is called and what it returns.

    Attributes:
        name: as in the result table.
        kind: ``encoder`` (learned) or ``features`` (computed): ``run(csi)`` gives float features [sample, d], on
            which heads are fitted; ``network`` or ``constant``: ``run(csi, labels, n_classes, seed)`` fits on
            labelled samples and gives a :class:`Predictor`; ``rule`` (a method) or ``external`` (a predictor from
            outside, whose training is its author's word): ``run(csi, n_classes)`` gives predictions without any
            label of this task; ``correction``: ``run(csi, n_classes)`` gives such predictions and features side by
            side, float [sample, n_classes + d], from which labels improve the former.
        run: the callable; gets CSI whose labels, if any, are side information the receiver has (``observed``,
            ``noise_power``). Of kind ``network`` it must be picklable: fits run in other processes.
        task_kinds: kinds of task it applies to (``los``, ``beam``); empty for all.
        outputs: outputs of a task it can give: ``class``, ``value``, ``csi``. Heads on features give the first two.
        n_classes: the only number of classes it can tell apart; 0 for any.
        complete: of an encoder that can fill in CSI by itself: ``complete(csi)`` gives complex CSI of the task's
            shape from the ``observed`` entries, which is how it takes part in tasks with output ``csi``.
        model: the module behind an encoder, for fine-tuning.
        n_parameters: of an encoder.
        pretrained, weights, corpora: of an encoder, see ``Row``.
        notes: what else is to be known of it, merged into ``Row.notes``.
    """

    name: str
    kind: str
    run: Callable[..., Any]
    task_kinds: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ("class", "value")
    n_classes: int = 0
    complete: Callable[[CSI], Tensor] | None = None
    model: Any = None
    n_parameters: int = 0
    pretrained: bool = False
    weights: str = ""
    corpora: tuple[str, ...] = ()
    notes: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown_name("kind of system", self.kind, KINDS)
        if not self.name:
            raise WirelessFMError("a system needs a name; it identifies the rows of the result table")

    def applies_to(self, task_kind: str, output: str = "class", n_classes: int = 0) -> bool:
        """Whether the system makes sense for a kind of task with such an output, of so many classes if given."""
        able = output in self.outputs or (output == "csi" and self.complete is not None)
        fits = output != "class" or 0 in (self.n_classes, n_classes) or self.n_classes == n_classes
        return able and fits and (not self.task_kinds or task_kind in self.task_kinds)


def remembering(system: System) -> System:
    """The same encoder or features, computed once per input, for several calls with the same CSI.

    Keeps every result in memory, found again by the fingerprint of the CSI. ``inspect.unwrap`` of its ``run`` is the
    original, to measure what a computation costs.
    """
    if system.kind not in ("encoder", "features"):
        raise WirelessFMError(f"only an encoder or features can be remembered, '{system.name}' is a {system.kind}")
    known: dict[str, Tensor] = {}

    @wraps(system.run)
    def run(csi: CSI) -> Tensor:
        key = csi.fingerprint()
        if key not in known:
            known[key] = system.run(csi)
        return known[key]

    return replace(system, run=run)
