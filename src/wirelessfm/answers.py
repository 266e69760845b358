"""What trained models answer without a head and without labels, because their pretraining taught it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from wirelessfm.baselines import System
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.models.saved import ModelCard


@dataclass(frozen=True)
class Answer:
    """A method of a model: CSI to scores [sample, class], or of one class against another [sample].

    Attributes:
        method: its name.
        task_kinds: what it answers.
        n_classes: how many it tells apart.
        taught: the option of ``better-view`` that teaches it.
        options: of the method.
    """

    method: str
    task_kinds: tuple[str, ...]
    n_classes: int
    taught: str
    options: Mapping[str, Any] = field(default_factory=dict)


ANSWERS = {
    "los": Answer("predict_los", ("los",), 2, "known"),
    "beams": Answer("predict_beams", ("beam",), 64, "other_carrier"),
    "same-band": Answer("predict_same_band_beams", ("beam-partial",), 64, "beams"),
    # Of the network alone, without the paths that can be resolved.
    "network-los": Answer("predict_los", ("los",), 2, "known", {"resolve": False}),
    "network-beams": Answer("predict_beams", ("beam",), 64, "other_carrier", {"resolve": False}),
    "network-same-band": Answer("predict_same_band_beams", ("beam-partial",), 64, "beams", {"resolve": False}),
}


def zero_label_system(model: nn.Module, card: ModelCard, answer: str, name: str = "") -> System:
    """A trained model that answers by itself what its pretraining taught it, without any label of the task.

    Args:
        model: offers the method of the answer.
        card: of its weights.
        answer: one of ``ANSWERS``.
        name: of the model, instead of that on the card; the answer is added to it.

    Raises:
        WirelessFMError: no such answer, the model does not have it, or its last training did not teach it.
    """
    if answer not in ANSWERS:
        raise unknown_name("answer of a model", answer, ANSWERS)
    asked = ANSWERS[answer]
    able = hasattr(model, asked.method) and {*asked.options} <= {*signature(getattr(model, asked.method)).parameters}
    if not able or not taught(card.recipe, asked.taught):
        raise WirelessFMError(
            f"'{name or card.name}' does not answer '{answer}' without labels: expected a model with {asked.method} "
            f"whose pretraining used {asked.taught}; evaluate it with a head instead"
        )
    return System(
        f"{name or card.name}:{answer}",
        "rule",
        partial(_answered, model.eval(), asked),
        task_kinds=asked.task_kinds,
        outputs=("class",),
        n_classes=asked.n_classes,
        n_parameters=sum(p.numel() for p in model.parameters()),
        notes=provenance_notes(card),
        **provenance(card),
    )


def _answered(model: nn.Module, asked: Answer, csi: CSI, n_classes: int) -> Tensor:
    say = partial(getattr(model, asked.method), **asked.options)
    with torch.inference_mode():
        size = getattr(model, "embed_batch", 256)
        parts = [say(csi[i : i + size]) for i in range(0, len(csi), size)]
    scores = torch.cat(parts).float()
    return torch.stack([-scores, scores], dim=1) if scores.dim() == 1 else scores


def saw(card: ModelCard, what: str) -> bool:
    """Whether any training that led to these weights used ``positions``, or an option of ``better-view``."""
    return any(taught(stage.recipe, what) for stage in card.stages())


def taught(recipe: Mapping[str, Any], what: str) -> bool:
    """Whether this training did: what only one before it taught, the weights need not know any more."""
    objectives = recipe.get("objectives", ())
    if what == "positions":
        parts = [recipe.get("data", {}), *(part.get("data", {}) for part in objectives)]
        return any(bool(part.get(what)) for part in parts)
    # Beams at the same carrier are what the objective predicts unless told otherwise.
    options = [{"beams": 1.0} | part.get("options", {}) for part in objectives if part["name"] == "better-view"]
    return any(bool(part.get(what)) for part in options)


def provenance_notes(card: ModelCard) -> dict[str, object]:
    """Some objectives learn from what is the label of a task; its rows say so."""
    labels = {"positions": "positions", "known": "line of sight, delays, directions", "other_carrier": "28 GHz beams"}
    seen = [text for what, text in labels.items() if saw(card, what)]
    notes: dict[str, object] = {"pretraining_saw": "; ".join(seen)} if seen else {}
    if saw(card, "beams"):
        # No label that only a simulator has, but what the tasks full-beam and partial-beam ask for.
        notes["pretraining_predicted"] = "beams of a 32-antenna array at the same carrier"
    return notes


def provenance(card: ModelCard) -> dict[str, Any]:
    """Fields of a :class:`~wirelessfm.baselines.System` that say where its weights come from."""
    return {"pretrained": True, "weights": card.weights, "corpora": tuple(card.corpora)}
