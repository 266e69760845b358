"""The pretraining loop: views of paths in, weights with provenance out.

Lightning Fabric rather than its Trainer: the loop stays visible in one page, while precision, devices, DDP and
loggers come from the library. Every batch is a function of (seed, rank, step) alone, so a run that was killed
continues from its last checkpoint to exactly the weights of an uninterrupted run.
"""

from __future__ import annotations

import itertools
import json
import os
import pickle
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning_fabric.strategies import DDPStrategy
from torch import Tensor, nn
from tqdm import tqdm

from wirelessfm.csi import CSI
from wirelessfm.data import corpus
from wirelessfm.data.views import ViewSampler
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_file
from wirelessfm.models.published import PublishedEncoder
from wirelessfm.models.saved import ModelCard, load_saved, save_model
from wirelessfm.models.zoo import build_model
from wirelessfm.objectives import OBJECTIVES
from wirelessfm.optimizers import build_optimizers, learning_rate
from wirelessfm.paths import Paths
from wirelessfm.recipe import ObjectivePart, Recipe, TrainingPart, parse_recipe


@dataclass(frozen=True)
class Hardware:
    """Where to run: Fabric's accelerator, devices and nodes; more than one process means DDP."""

    accelerator: str = "cpu"
    devices: int = 1
    nodes: int = 1


def pretrain(
    recipe: Recipe,
    sites: Sequence[Paths],
    out: str | os.PathLike[str],
    hardware: Hardware = Hardware(),
    progress: bool = True,
) -> Path:
    """Run ``recipe`` on ``sites`` and write the model to ``out/model``; continues what is in ``out``.

    Args:
        recipe: what to train and how.
        sites: the paths to draw views from.
        out: run folder with checkpoint, logs (CSV and TensorBoard) and the finished model.
        hardware: accelerator, devices, nodes.
        progress: show a progress bar.

    Returns:
        the folder of the finished model.

    Raises:
        WirelessFMError: ``out`` holds a run of another recipe, a corrupt checkpoint, or cannot be written; the
            loss became NaN.
    """
    out = Path(out)
    if (out / "model").exists():
        raise WirelessFMError(f"'{out}' holds a finished run; choose another folder or remove it")
    # Each continuation logs into a folder of its own: nothing that was logged is overwritten.
    segment = _fresh_name(out / "logs", f"from-step-{_peek_step(out)}")
    csv = CSVLogger(out, name="logs", version=segment, flush_logs_every_n_steps=1)
    fabric = _fabric(recipe.training, hardware, [csv, TensorBoardLogger(out, name="logs", version=segment)])
    step_module = PretrainStep(recipe, sites).to(fabric.device)
    optimizers = build_optimizers(step_module, recipe.training)
    done, spent = _resume(out, recipe, step_module, optimizers, fabric.device)
    wrapped, *optimizers = fabric.setup(step_module, *optimizers)
    spent = _train(fabric, wrapped, optimizers, recipe, out, done, spent, progress)
    if fabric.is_global_zero:
        card = ModelCard(
            model=recipe.model.name,
            config=_settings(step_module.model, recipe),
            name=recipe.name,
            corpora=tuple(sorted({site.meta.scene for site in sites})),
            seed=recipe.seed,
            seconds=round(spent.wall, 3),
            cpu_seconds=round(spent.cpu, 3),
            recipe=recipe.model_dump(mode="json"),
        )
        save_model(step_module.model, card, out / "model")
    return out / "model"


def pretrained(recipe: Recipe, out: Path) -> tuple[nn.Module, ModelCard]:
    """The model of a run of ``recipe`` on its own corpora and its card; trained now unless ``out`` holds it.

    Raises:
        WirelessFMError: as :func:`pretrain`, or ``out`` holds a model of another recipe.
    """
    if not (out / "model").exists():
        pretrain(recipe, corpus.load_corpora(recipe.data.corpora), out)
    model, card = load_saved(out / "model")
    if not _same(card.recipe, recipe):
        raise WirelessFMError(
            f"'{out}' holds a model of another recipe, or of other cities than {', '.join(recipe.data.corpora)}; "
            "choose another folder or remove it"
        )
    return model, card


def _same(stored: Any, recipe: Recipe) -> bool:
    """Whether that is the content of ``recipe``; settings that came later have their defaults."""
    try:
        return parse_recipe(stored) == recipe
    except WirelessFMError:
        return False


@dataclass(frozen=True)
class Seconds:
    """Time spent: on the clock, and by the processor in all threads of this process."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Seconds:
        """Readings of which only differences mean anything."""
        return cls(time.monotonic(), time.process_time())

    def since(self, start: Seconds, before: Seconds) -> Seconds:
        """What has passed since ``start``, added to what was spent before."""
        return Seconds(before.wall + self.wall - start.wall, before.cpu + self.cpu - start.cpu)


def rehearsal(recipe: Recipe, sites: Sequence[Paths], hardware: Hardware = Hardware()) -> Iterator[int]:
    """The steps of :func:`pretrain`, one for every number taken, without end and writing nothing: to measure speed."""
    fabric = _fabric(recipe.training, hardware, [])
    module = PretrainStep(recipe, sites).to(fabric.device)
    wrapped, *optimizers = fabric.setup(module, *build_optimizers(module, recipe.training))
    for step in itertools.count():
        _step(fabric, wrapped, optimizers, recipe.training, step % recipe.training.steps)
        yield step


def _fresh_name(folder: Path, name: str) -> str:
    """``name``, with a number where ``folder`` has it already."""
    names = itertools.chain([name], (f"{name}-{i}" for i in itertools.count(2)))
    return next(each for each in names if not (folder / each).exists())


def _settings(model: nn.Module, recipe: Recipe) -> dict[str, Any]:
    """All settings of our models, for a default may change; those of the recipe for published ones, which do not."""
    config = getattr(model, "config", None)
    ours = asdict(config) if is_dataclass(config) and not isinstance(model, PublishedEncoder) else {}  # type: ignore[arg-type]
    return {**ours, **recipe.model.config}


class PretrainStep(nn.Module):
    """Model, data and objectives as one module, step number in, loss out: the unit that DDP wraps."""

    def __init__(self, recipe: Recipe, sites: Sequence[Paths]) -> None:
        super().__init__()
        self.recipe = recipe
        self.model = build_model(recipe.model.name, recipe.model.config, recipe.seed)
        self.feeds = feeds(recipe, sites)

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
                total = total + self._loss(feed, csi, generator, terms)
        return torch.as_tensor(total), terms

    def _loss(self, feed: Feed, csi: CSI, generator: torch.Generator, terms: dict[str, float]) -> Tensor:
        total = torch.zeros((), device=csi.values.device)
        for part in feed.objectives:
            mask_seed = int(torch.randint(2**31, (1,), generator=generator))
            own = torch.Generator(csi.values.device).manual_seed(mask_seed)
            loss = OBJECTIVES[part.name](self.model, csi, own, **part.options)
            terms[part.name] = terms.get(part.name, 0.0) + float(loss.detach())
            total = total + part.weight * loss
        return total


@dataclass(frozen=True)
class Feed:
    """Batches, and the objectives that share them.

    Attributes:
        every, turn: of so many steps, in which one these batches are drawn. Feeds of the same period take turns.
    """

    sampler: ViewSampler
    batch_size: int
    objectives: tuple[ObjectivePart, ...]
    every: int = 1
    turn: int = 0

    def joins(self, step: int) -> bool:
        """Whether there is a batch in this step."""
        return step % self.every == self.turn % self.every


def feeds(recipe: Recipe, sites: Sequence[Paths]) -> list[Feed]:
    """One feed for every different kind of batch that the objectives of ``recipe`` ask for, in their order."""
    kinds: dict[str, list[ObjectivePart]] = {}
    for part in recipe.objectives:
        kinds.setdefault(f"{recipe.data_of(part)!r} {part.batch_size} {part.every}", []).append(part)
    found: list[Feed] = []
    for parts in kinds.values():
        data, first = recipe.data_of(parts[0]), parts[0]
        sampler = ViewSampler(sites, data.views(), data.max_paths)
        size = first.batch_size or recipe.training.batch_size
        # Those of one period follow each other.
        turn = 1 + sum(feed.every == first.every for feed in found)
        found.append(Feed(sampler, size, tuple(parts), first.every, turn))
    return found


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


def batch_generator(seed: int, rank: int, step: int) -> torch.Generator:
    """The CPU generator of one batch: independent streams for every (seed, rank, step)."""
    state = np.random.SeedSequence([seed, rank, step]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> 1))


def _fabric(training: TrainingPart, hardware: Hardware, loggers: list[Logger]) -> Fabric:
    many = hardware.devices * hardware.nodes > 1
    fabric = Fabric(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        num_nodes=hardware.nodes,
        precision=training.precision,
        loggers=loggers,
        # A recipe may leave a prediction head unused.
        strategy=DDPStrategy(find_unused_parameters=True) if many else "auto",
    )
    fabric.launch()
    return fabric


def _train(
    fabric: Fabric,
    module: Any,
    optimizers: Sequence[Any],
    recipe: Recipe,
    out: Path,
    done: int,
    before: Seconds,
    progress: bool,
) -> Seconds:
    training, start = recipe.training, Seconds.now()
    show, latest = progress and fabric.is_global_zero, dict[str, float]()
    for step in (bar := tqdm(range(done, training.steps), initial=done, total=training.steps, disable=not show)):
        loss, terms = _step(fabric, module, optimizers, training, step)
        latest |= terms  # an objective need not join each step
        if (step + 1) % training.log_every == 0 or step + 1 == training.steps:
            fabric.log_dict({"loss": loss, **latest, "lr": learning_rate(step, training)}, step + 1)
            bar.set_postfix({name: f"{value:.3f}" for name, value in latest.items()})
        if (step + 1) % training.checkpoint_every == 0 and step + 1 < training.steps:
            _save_checkpoint(fabric, out, recipe, module, optimizers, step + 1, Seconds.now().since(start, before))
    return Seconds.now().since(start, before)


def _step(
    fabric: Fabric, module: Any, optimizers: Sequence[Any], training: TrainingPart, step: int
) -> tuple[float, dict[str, float]]:
    for group in itertools.chain.from_iterable(optimizer.param_groups for optimizer in optimizers):
        group["lr"] = learning_rate(step, training)
    loss, terms = module(step, fabric.global_rank)
    if not bool(torch.isfinite(loss)):
        raise WirelessFMError(f"the loss became {float(loss.detach())} at step {step}; lower training.learning_rate")
    fabric.backward(loss)
    # Of all parameters together, whichever optimiser is named.
    fabric.clip_gradients(module, optimizers[0], max_norm=training.clip_norm)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    return float(loss.detach()), terms


def _checkpoint(out: Path) -> Path:
    return out / "checkpoint.pt"


def _save_checkpoint(
    fabric: Fabric, out: Path, recipe: Recipe, module: Any, optimizers: Sequence[Any], step: int, spent: Seconds
) -> None:
    if fabric.is_global_zero:
        state = {
            "step": step,
            "seconds": spent.wall,
            "cpu_seconds": spent.cpu,
            "recipe": recipe.model_dump_json(),
            "model": module.module.state_dict() if hasattr(module, "module") else module.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        }
        with atomic_file(_checkpoint(out)) as path:
            torch.save(state, path)
    fabric.barrier()


def _read_checkpoint(out: Path, device: torch.device | str = "cpu") -> dict[str, Any] | None:
    path = _checkpoint(out)
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        return {key: state[key] for key in ("step", "seconds", "cpu_seconds", "recipe", "model", "optimizers")}
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise WirelessFMError(f"'{path}' is not a readable checkpoint; remove it to start again") from error


def _peek_step(out: Path) -> int:
    state = _read_checkpoint(out)
    return 0 if state is None else int(state["step"])


def _resume(
    out: Path, recipe: Recipe, module: nn.Module, optimizers: Sequence[torch.optim.Optimizer], device: torch.device
) -> tuple[int, Seconds]:
    state = _read_checkpoint(out, device)
    if state is None:
        return 0, Seconds(0.0, 0.0)
    if not _same(json.loads(state["recipe"]), recipe):
        raise WirelessFMError(f"'{out}' holds a run of another recipe; choose another folder or remove it")
    try:
        module.load_state_dict(state["model"])
        for optimizer, stored in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(stored)
    except (RuntimeError, ValueError) as error:
        raise WirelessFMError(f"'{_checkpoint(out)}' does not fit its recipe: {error}") from error
    return int(state["step"]), Seconds(float(state["seconds"]), float(state["cpu_seconds"]))
