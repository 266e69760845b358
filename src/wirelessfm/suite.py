"""Names, folders and weights to systems: what has a line in the result table."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from torch import nn

from wirelessfm.adapt.corrected import corrected
from wirelessfm.adapt.finetune import fine_tuned
from wirelessfm.answers import ANSWERS, provenance, provenance_notes, zero_label_system
from wirelessfm.baselines import BASELINES, System, remembering
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
    return _encoder(model, named, pooling, resize, provenance_notes(card), **provenance(card))


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

    ``NAME:los``, ``NAME:beams`` and ``NAME:same-band`` are what a trained model says without any label, where it was
    taught that, and ``NAME:network-los`` and so on what its network alone says, see :mod:`wirelessfm.answers`;
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
    **origin: Any,
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
        **origin,
    )
    return remembering(system)
