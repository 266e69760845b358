"""Names and folders to what an evaluation needs: encoders as systems, scenes as task data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from wirelessfm.baselines import BASELINES, System, remembering
from wirelessfm.csi import CSI
from wirelessfm.data import corpus
from wirelessfm.embed import embed_csi
from wirelessfm.errors import unknown_name
from wirelessfm.models.saved import CARD, ModelCard, load_saved
from wirelessfm.models.zoo import MODELS, build_model
from wirelessfm.tasks import SitePaths, TaskData, get_task


def encoder_system(model: nn.Module, card: ModelCard, name: str = "") -> System:
    """A trained encoder with its provenance as a line of the result table; heads get its default embedding."""
    system = System(
        name or card.name or card.model,
        "encoder",
        partial(_features, model),
        n_parameters=sum(p.numel() for p in model.parameters()),
        pretrained=True,
        weights=card.weights,
        corpora=tuple(card.corpora),
    )
    return remembering(system)


def random_system(model: str, config: dict[str, object] | None = None, seed: int = 0, name: str = "") -> System:
    """The same architecture with random weights: what the architecture gives without any training."""
    network = build_model(model, config, seed)
    size = sum(p.numel() for p in network.parameters())
    return remembering(System(name or f"{model}-random", "encoder", partial(_features, network), n_parameters=size))


def find_system(name: str) -> System:
    """A baseline by name, a pretrained model by folder, or ``MODEL-random``.

    Raises:
        WirelessFMError: none of these; lists the baselines and the random encoders.
    """
    if name in BASELINES:
        return BASELINES[name]
    if (Path(name) / CARD).is_file():
        return encoder_system(*load_saved(name))
    if name.removesuffix("-random") in MODELS and name.endswith("-random"):
        return random_system(name.removesuffix("-random"))
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


def _features(model: nn.Module, csi: CSI) -> Tensor:
    return embed_csi(model, csi)
