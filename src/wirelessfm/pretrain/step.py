"""One step of pretraining: which batches it draws, and the loss that comes of them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from wirelessfm.csi import CSI
from wirelessfm.data.views import ViewSampler
from wirelessfm.errors import WirelessFMError
from wirelessfm.models.published import PublishedEncoder
from wirelessfm.models.zoo import build_model
from wirelessfm.objectives import OBJECTIVES
from wirelessfm.paths import Paths
from wirelessfm.recipe import ObjectivePart, Recipe


class PretrainStep(nn.Module):
    """Model, data and objectives as one module, step number in, loss out: the unit that DDP wraps."""

    def __init__(self, recipe: Recipe, sites: Sequence[Paths]) -> None:
        super().__init__()
        self.recipe = recipe
        self.model = build_model(recipe.model.name, recipe.model.config, recipe.seed)
        self.feeds = feeds(recipe, sites)
        self._try_later_parts()

    def _try_later_parts(self) -> None:
        """A mistake in an option shall not wait for the part of the run in which its objective joins."""
        for feed in self.feeds:
            if feed.steps.start:
                generator = batch_generator(self.recipe.seed, 0, feed.steps.start)
                csi = feed.sampler.draw(min(8, feed.batch_size), generator)
                # On a copy, for a codebook may learn from what it sees.
                with torch.random.fork_rng(devices=[]), torch.no_grad():
                    _loss(copy.deepcopy(self.model), feed, csi, generator, {})

    def to(self, device: Any) -> PretrainStep:  # type: ignore[override]
        """Move the paths along with the model."""
        for feed in self.feeds:
            feed.sampler.to(device)
        return super().to(device)

    def forward(self, step: int, rank: int) -> tuple[Tensor, dict[str, float]]:
        """The weighted loss of one batch, and its terms."""
        generator = batch_generator(self.recipe.seed, rank, step)
        terms: dict[str, float] = {}
        total: Tensor | float = 0.0
        for feed in self.feeds:
            if not feed.joins(step):
                continue
            csi = feed.sampler.draw(feed.batch_size, generator)
            # Dropout draws from the global generators: seeded by the step, and left as they were.
            with torch.random.fork_rng(devices=[csi.values.device] if csi.values.is_cuda else []):
                torch.manual_seed(generator.initial_seed())
                total = total + _loss(self.model, feed, csi, generator, terms)
        return torch.as_tensor(total), terms


@dataclass(frozen=True)
class Feed:
    """Batches, and the objectives that share them.

    Attributes:
        steps: between which these batches are drawn.
        every, turn: of so many of them, in which one. Feeds of the same period take turns.
    """

    sampler: ViewSampler
    batch_size: int
    objectives: tuple[ObjectivePart, ...]
    steps: range
    every: int = 1
    turn: int = 0

    def joins(self, step: int) -> bool:
        """Whether there is a batch in this step."""
        return step in self.steps and step % self.every == self.turn % self.every


def _loss(model: nn.Module, feed: Feed, csi: CSI, generator: torch.Generator, terms: dict[str, float]) -> Tensor:
    """The weighted sum of the objectives of ``feed``, each added to ``terms``."""
    total = torch.zeros((), device=csi.values.device)
    for part in feed.objectives:
        mask_seed = int(torch.randint(2**31, (1,), generator=generator))
        own = torch.Generator(csi.values.device).manual_seed(mask_seed)
        loss = OBJECTIVES[part.name](model, csi, own, **part.options)
        terms[part.name] = terms.get(part.name, 0.0) + float(loss.detach())
        total = total + part.weight * loss
    return total


def feeds(recipe: Recipe, sites: Sequence[Paths]) -> list[Feed]:
    """One feed for every different kind of batch that the objectives of ``recipe`` ask for, in their order."""
    kinds: dict[str, list[ObjectivePart]] = {}
    for part in recipe.objectives:
        kinds.setdefault(f"{recipe.data_of(part)!r} {part.batch_size} {part.every} {part.between}", []).append(part)
    found: list[Feed] = []
    for parts in kinds.values():
        data, first = recipe.data_of(parts[0]), parts[0]
        sampler = ViewSampler(sites, data.views(), data.max_paths)
        size = first.batch_size or recipe.training.batch_size
        # Those of one period follow each other.
        turn = 1 + sum(feed.every == first.every for feed in found)
        steps = first.steps_of(recipe.training.steps)
        found.append(Feed(sampler, size, tuple(parts), steps, first.every, turn))
    return found


def batch_generator(seed: int, rank: int, step: int) -> torch.Generator:
    """The CPU generator of one batch: independent streams for every (seed, rank, step)."""
    state = np.random.SeedSequence([seed, rank, step]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))


def input_scaling(recipe: Recipe, sites: Sequence[Paths], n_batches: int = 300) -> tuple[float, ...]:
    """What ``input_scaling`` of the recipe's published model should be, from the first batches of a run.

    Raises:
        WirelessFMError: the model has no such setting.
    """
    model = build_model(recipe.model.name, recipe.model.config, recipe.seed)
    if not isinstance(model, PublishedEncoder):
        raise WirelessFMError(f"model '{recipe.model.name}' takes channels of any power; it has no input_scaling")
    # Motion changes neither mean nor spread, and its views are many times larger.
    sampler = ViewSampler(sites, replace(recipe.data.views(), times=0), recipe.data.max_paths)
    draws = (batch_generator(recipe.seed, 0, step) for step in range(n_batches))
    return model.input_scaling_of(torch.cat([sampler.draw(recipe.training.batch_size, g).values for g in draws]))
