"""Names, folders and weights to systems: what has a line in the result table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from wirelessfm.adapt.corrected import corrected
from wirelessfm.adapt.finetune import fine_tuned
from wirelessfm.baselines import BASELINES, System, remembering
from wirelessfm.csi import CSI
from wirelessfm.embed import embed_csi
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.models.checkpoints import load_weights
from wirelessfm.models.published import PublishedEncoder
from wirelessfm.models.saved import ModelCard, weights_hash
from wirelessfm.models.shipped import find_trained, shipped_names
from wirelessfm.models.zoo import MODELS, build_model
from wirelessfm.predictors import find_predictor


def encoder_system(
    model: nn.Module, card: ModelCard, name: str = "", pooling: str | None = None, resize: str | None = None
) -> System:
    """A trained encoder with its provenance as a line of the result table.

    Args:
        model: the encoder.
        card: of its weights.
        name: instead of that on the card.
        pooling: which embedding heads get; None for the model's default.
        resize: for shapes a published model cannot take, see :func:`~wirelessfm.embed.embed_csi`; our models take
            any. Pooling and resize, where given, become part of the name and of the notes of every row; so does
            what pretraining saw that is the label of a task.
    """
    named = name or card.name or card.model
    return _encoder(model, named, pooling, resize, _notes(card), **_provenance(card))


# What a model says without a head and without labels: its method, and the kinds of task it answers.
N_CLASSES = {"los": 2, "beams": 64}
ANSWERS = {"los": ("predict_los", ("los",)), "beams": ("predict_beams", ("beam",))}


def zero_label_system(model: nn.Module, card: ModelCard, answer: str, name: str = "") -> System:
    """A trained model that answers by itself what its pretraining taught it, without any label of the task.

    Args:
        model: offers the method of the answer.
        card: of its weights.
        answer: one of ``ANSWERS``.
        name: of the model, instead of that on the card; the answer is added to it.

    Raises:
        WirelessFMError: the model has no such answer, or its pretraining did not teach it.
    """
    method, kinds = ANSWERS[answer]
    taught = {"los": "known", "beams": "other_carrier"}[answer]
    if not hasattr(model, method) or not _taught(card, taught):
        raise WirelessFMError(
            f"'{name or card.name}' does not answer '{answer}' without labels: expected a model with {method} whose "
            f"pretraining used {taught}; evaluate it with a head instead"
        )
    return System(
        f"{name or card.name}:{answer}",
        "rule",
        partial(_answer, model.eval(), method),
        task_kinds=kinds,
        outputs=("class",),
        n_classes=N_CLASSES[answer],
        n_parameters=sum(p.numel() for p in model.parameters()),
        notes=_notes(card),
        **_provenance(card),
    )


def _answer(model: nn.Module, method: str, csi: CSI, n_classes: int) -> Tensor:
    with torch.inference_mode():
        parts = [getattr(model, method)(csi[i : i + 256]) for i in range(0, len(csi), 256)]
    scores = torch.cat(parts).float()
    return torch.stack([-scores, scores], dim=1) if scores.dim() == 1 else scores


def _taught(card: ModelCard, what: str) -> bool:
    """Whether any objective of the recipe was given a label that a simulator knows."""
    objectives = card.recipe.get("objectives", ())
    if what == "positions":
        parts = [card.recipe.get("data", {}), *(part.get("data", {}) for part in objectives)]
    else:
        parts = [part.get("options", {}) for part in objectives]
    return any(bool(part.get(what)) for part in parts)


def _notes(card: ModelCard) -> dict[str, object]:
    """Some objectives learn from what is the label of a task; its rows say so."""
    labels = {"positions": "positions", "known": "line of sight, delays, directions", "other_carrier": "28 GHz beams"}
    saw = [text for what, text in labels.items() if _taught(card, what)]
    views = [part.get("options", {}) for part in card.recipe.get("objectives", ()) if part["name"] == "better-view"]
    notes: dict[str, object] = {"pretraining_saw": "; ".join(saw)} if saw else {}
    if any(options.get("beams", 1.0) for options in views):
        # No label of a simulator, but what the tasks full-beam and partial-beam ask for.
        notes["pretraining_predicted"] = "beams of a 32-antenna array at the same carrier"
    return notes


def _provenance(card: ModelCard) -> dict[str, Any]:
    return {"pretrained": True, "weights": card.weights, "corpora": tuple(card.corpora)}


def random_system(
    model: str,
    config: Mapping[str, Any] | None = None,
    seed: int = 0,
    name: str = "",
    pooling: str | None = None,
    resize: str | None = None,
) -> System:
    """The same architecture with random weights: what the architecture gives without any training."""
    return _encoder(build_model(model, config, seed), name or f"{model}-random", pooling, resize)


def published_system(
    model: str, source: str | os.PathLike[str], pooling: str | None = None, resize: str | None = None
) -> System:
    """A published encoder with published weights, named ``MODEL@FILE``.

    Its notes say whether the file is the authors' (None: their checksum is not recorded) and its SHA-256. What it
    was trained on is not known here: the rows name no corpora.

    Raises:
        WirelessFMError: as :func:`~wirelessfm.models.checkpoints.load_weights`.
    """
    encoder, record = load_weights(model, source)
    notes = {"official": record.official, "sha256": record.sha256}
    weights = weights_hash(encoder.state_dict())
    return _encoder(encoder, f"{model}@{record.file}", pooling, resize, notes, pretrained=True, weights=weights)


def find_system(name: str, pooling: str | None = None, resize: str | None = None) -> System:
    """A baseline, a shipped model by name, a trained one by folder, ``MODEL-random``, ``MODEL@WEIGHTS``, or a guest.

    ``NAME:los`` and ``NAME:beams`` are what a trained model says without any label, where it was taught that;
    ``RULE+FEATURES`` is such an answer, or that of a rule, corrected with labels (:mod:`wirelessfm.adapt.correction`).

    Guests are ``FILE.py:FUNCTION``, ``MODEL.onnx`` and folders of predictions, see :mod:`wirelessfm.predictors`.

    Args:
        name: WEIGHTS of a published model are a file, a folder or a Hub repository ``owner/name``.
        pooling, resize: of encoders, see :func:`encoder_system`.

    Raises:
        WirelessFMError: none of these; lists the baselines, the shipped models and the random encoders.
    """
    if name in BASELINES:
        return BASELINES[name]
    if (guest := find_predictor(name)) is not None:
        return guest
    if (trained := find_trained(name)) is not None:
        return encoder_system(*trained, pooling=pooling, resize=resize)
    model, _, answer = name.rpartition(":")
    if answer in ANSWERS and (trained := find_trained(model)) is not None:
        return zero_label_system(*trained, answer)
    rule, plus, features = name.partition("+")
    if plus and "@" not in rule:
        return corrected(find_system(rule), find_system(features, pooling, resize))
    if "@" in name:
        model, _, source = name.partition("@")
        return published_system(model, source, pooling, resize)
    if name.removesuffix("-random") in MODELS and name.endswith("-random"):
        return random_system(name.removesuffix("-random"), pooling=pooling, resize=resize)
    known = [*BASELINES, *shipped_names(), *(f"{m}-random" for m in MODELS)]
    raise unknown_name("system (nor is there such a model folder)", name, known)


def find_systems(
    names: Sequence[str],
    pooling: str | None = None,
    resize: str | None = None,
    fine_tune: Sequence[str] = (),
) -> list[System]:
    """Every system of :func:`find_system` and, of each encoder among them, its fine-tuned lines.

    Args:
        names: see :func:`find_system`.
        pooling, resize: of encoders, see :func:`encoder_system`.
        fine_tune: how many last blocks to train, as text, or ``all``.

    Raises:
        WirelessFMError: unknown names, options for encoders without any, numbers of blocks that an encoder does not
            have.
    """
    counts = [None if text == "all" else _blocks(text) for text in fine_tune]
    chosen = [find_system(name, pooling, resize) for name in names]
    able = [system for system in chosen if (system.kind == "encoder" if counts else system.model is not None)]
    if (pooling or resize or counts) and not able:
        raise WirelessFMError(
            f"pooling, resizing and fine-tuning are for encoders, found none among {', '.join(names)}; leave them out"
        )
    tuned = [fine_tuned(system, count) for system in chosen if system.kind == "encoder" for count in counts]
    return [*chosen, *tuned]


def _blocks(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise WirelessFMError(f"fine-tuning takes a number of last blocks, or 'all'; found '{text}'")
    return int(text)


def _encoder(
    model: nn.Module,
    name: str,
    pooling: str | None,
    resize: str | None,
    notes: Mapping[str, object] | None = None,
    **provenance: Any,
) -> System:
    resize = resize if isinstance(model, PublishedEncoder) else None
    asked = {what: value for what, value in (("pooling", pooling), ("resize", resize)) if value}
    system = System(
        f"{name} ({', '.join(asked.values())})" if asked else name,
        "encoder",
        partial(embed_csi, model, pooling=pooling, resize=resize),
        n_parameters=sum(p.numel() for p in model.parameters()),
        notes={**(notes or {}), **asked},
        model=model,
        complete=getattr(model, "complete", None),
        **provenance,
    )
    return remembering(system)
