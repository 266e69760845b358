"""A rule and its correction as a line of the result table."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from wirelessfm.adapt.correction import fit_correction
from wirelessfm.adapt.heads import Scorer
from wirelessfm.baselines import System
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError


def answers_and_features(
    answer: Callable[[CSI, int], Tensor], features: Callable[[CSI], Tensor], csi: CSI, n_outputs: int
) -> Tensor:
    """What a correction is fitted on, float32 [sample, n_outputs + d]: what the rule says, then the features.

    Raises:
        WirelessFMError: the rule says something of another shape.
    """
    said = answer(csi, n_outputs)
    if said.shape != (len(csi), n_outputs):
        raise WirelessFMError(
            f"a rule to be corrected must give float [sample, output] {[len(csi), n_outputs]}, found {list(said.shape)}"
        )
    return torch.cat([said.float(), features(csi).float()], dim=1)


def fit_corrected(columns: Tensor, labels: Tensor, n_outputs: int, seed: int) -> Scorer:
    """A head on the columns of :func:`answers_and_features`; see :func:`~wirelessfm.adapt.correction.fit_correction`.

    Args:
        columns: float32 [sample, n_outputs + d] of the labelled samples.
        labels: int64 [sample] classes, or float [sample, n_outputs] values.
        n_outputs: how many columns are answers.
        seed: of the cross-validation.
    """
    fitted = fit_correction(columns[:, :n_outputs], columns[:, n_outputs:], labels, seed)
    return lambda x: fitted(x[:, :n_outputs], x[:, n_outputs:])


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
        "correction",
        # Not the remembering wrapper, so that costs are those of a computation.
        partial(answers_and_features, rule.run, inspect.unwrap(features.run)),
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
