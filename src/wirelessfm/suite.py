"""Names and folders to what an evaluation needs: encoders as systems, scenes as task data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from wirelessfm.baselines import BASELINES, System, remembering
from wirelessfm.data import corpus
from wirelessfm.embed import embed_csi
from wirelessfm.errors import unknown_name
from wirelessfm.models.checkpoints import load_weights
from wirelessfm.models.published import PublishedEncoder
from wirelessfm.models.saved import CARD, ModelCard, load_saved, weights_hash
from wirelessfm.models.zoo import MODELS, build_model
from wirelessfm.tasks import SitePaths, TaskData, get_task


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
            any. Pooling and resize, where given, become part of the name and of the notes of every row.
    """
    corpora = tuple(card.corpora)
    return _encoder(
        model, name or card.name or card.model, pooling, resize, pretrained=True, weights=card.weights, corpora=corpora
    )


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
    """A baseline by name, a pretrained model by folder, ``MODEL-random``, or ``MODEL@WEIGHTS``.

    Args:
        name: WEIGHTS of a published model are a file, a folder or a Hub repository ``owner/name``.
        pooling, resize: of encoders, see :func:`encoder_system`.

    Raises:
        WirelessFMError: none of these; lists the baselines and the random encoders.
    """
    if name in BASELINES:
        return BASELINES[name]
    if (Path(name) / CARD).is_file():
        return encoder_system(*load_saved(name), pooling=pooling, resize=resize)
    if "@" in name:
        model, _, source = name.partition("@")
        return published_system(model, source, pooling, resize)
    if name.removesuffix("-random") in MODELS and name.endswith("-random"):
        return random_system(name.removesuffix("-random"), pooling=pooling, resize=resize)
    raise unknown_name(
        "system (nor is there such a model folder)", name, [*BASELINES, *(f"{m}-random" for m in MODELS)]
    )


def site_pairs(scenes: Sequence[str], root: corpus.Root = None) -> list[SitePaths]:
    """Every base station of ``scenes`` at 3.5 and 28 GHz, with the same users."""
    known = {scene for scene, _ in corpus.sites(root)}
    for scene in scenes:
        if scene not in known:
            raise unknown_name("scene", scene, known)
    pairs = [(scene, site) for scene, site in corpus.sites(root) if scene in scenes]
    return [SitePaths(*(corpus.load_site(*pair, carrier, root) for carrier in (3.5e9, 28e9))) for pair in pairs]


def build_tasks(tasks: Sequence[str], sites: Sequence[SitePaths], max_users: int | None = None) -> list[TaskData]:
    """Task data of every task on ``sites``, of at most ``max_users`` users of each site."""
    pairs = sites if max_users is None else [_thinned(site.connected(), max_users) for site in sites]
    return [get_task(name).build(pairs) for name in tasks]


def _thinned(site: SitePaths, max_users: int) -> SitePaths:
    kept = torch.randperm(site.sub6.n_users, generator=torch.Generator().manual_seed(0))[:max_users].sort().values
    return SitePaths(site.sub6[kept], None if site.mmwave is None else site.mmwave[kept])


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
        **provenance,
    )
    return remembering(system)
