"""A rule and its correction as a line of the result table."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm.adapt.correction import Corrected, fit_correction
from wirelessfm.baselines import System
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError


@dataclass(frozen=True)
class Correction:
    """What ``System.run`` of a corrected rule is: it may be sent to other processes."""

    answer: Callable[[CSI, int], Tensor]
    features: Callable[[CSI], Tensor]
    n_parameters: int = 0

    def __call__(self, csi: CSI, labels: Tensor, n_outputs: int, seed: int) -> CorrectedPredictor:
        """Fit on the labelled samples: int64 classes, or float values [sample, n_outputs]."""
        with torch.no_grad():
            answers, features = self.answer(csi, n_outputs), self.features(csi)
        fitted = fit_correction(answers, features, labels, seed)
        return CorrectedPredictor(self, fitted, n_outputs, self.n_parameters)


@dataclass(frozen=True)
class CorrectedPredictor:
    """A rule and its fitted correction; a :class:`wirelessfm.baselines.Predictor`.

    ``n_parameters`` are those of the models behind both, without the correction, as those of a head do not count.
    """

    parts: Correction
    fitted: Corrected
    n_outputs: int
    n_parameters: int

    def __call__(self, csi: CSI) -> Tensor:
        """Scores [sample, class] or values [sample, output]."""
        with torch.no_grad():
            return self.fitted(self.parts.answer(csi, self.n_outputs), self.parts.features(csi))


def corrected(rule: System, features: System) -> System:
    """A line of the table: what ``rule`` says without labels, corrected from ``features`` with them.

    Raises:
        WirelessFMError: ``rule`` is no rule, ``features`` are neither an encoder nor features, or there is no task for
            both.
    """
    if rule.kind != "rule" or features.kind not in ("encoder", "features"):
        raise WirelessFMError(
            f"a correction is RULE+FEATURES, found '{rule.name}' ({rule.kind}) and '{features.name}' "
            f"({features.kind}); give a rule or NAME:los or NAME:beams first, an encoder or features second"
        )
    kinds = [set(system.task_kinds) for system in (rule, features) if system.task_kinds]
    both = tuple(sorted(set.intersection(*kinds))) if kinds else ()
    outputs = tuple(output for output in rule.outputs if output in features.outputs)
    if not outputs or (kinds and not both):
        raise WirelessFMError(f"there is no task for both '{rule.name}' and '{features.name}'; correct another rule")
    # The same model may be behind both.
    sizes = {system.weights or system.name: system.n_parameters for system in (rule, features)}
    weights = dict.fromkeys(system.weights for system in (rule, features) if system.weights)
    return System(
        f"{rule.name}+{features.name}",
        "network",
        # Not the remembering wrapper: what it remembers would travel to every process.
        Correction(rule.run, inspect.unwrap(features.run), sum(sizes.values())),
        task_kinds=both,
        outputs=outputs,
        n_parameters=sum(sizes.values()),
        n_classes=rule.n_classes,
        model=features.model,
        pretrained=rule.pretrained or features.pretrained,
        weights="+".join(weights),
        corpora=tuple(sorted({*rule.corpora, *features.corpora})),
        notes={**rule.notes, **features.notes},
    )
