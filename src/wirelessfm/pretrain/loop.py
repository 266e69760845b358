"""The pretraining loop: views of paths in, weights with provenance out.

Lightning Fabric rather than its Trainer: the loop stays visible in one page, while precision, devices, DDP and
loggers come from the library. Every batch is a function of (seed, rank, step) alone, so a run that was killed
continues from its last checkpoint to exactly the weights of an uninterrupted run.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning_fabric.strategies import DDPStrategy
from torch import nn
from tqdm import tqdm

from wirelessfm.data import corpus
from wirelessfm.errors import WirelessFMError
from wirelessfm.models.published import PublishedEncoder
from wirelessfm.models.saved import ModelCard, load_saved, save_model, settings_of
from wirelessfm.paths import Paths
from wirelessfm.pretrain.optimizers import build_optimizers, learning_rate
from wirelessfm.pretrain.start import load_start
from wirelessfm.pretrain.state import Reached, Seconds, peek_step, resume, same_recipe, save_checkpoint
from wirelessfm.pretrain.step import PretrainStep
from wirelessfm.recipe import Recipe, TrainingPart


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
            loss became NaN; the weights to start from are missing or of another model.
    """
    out = Path(out)
    if (out / "model").exists():
        raise WirelessFMError(f"'{out}' holds a finished run; choose another folder or remove it")
    # Each continuation logs into a folder of its own: nothing that was logged is overwritten.
    segment = _fresh_name(out / "logs", f"from-step-{peek_step(out)}")
    csv = CSVLogger(out, name="logs", version=segment, flush_logs_every_n_steps=1)
    fabric = _fabric(recipe.training, hardware, [csv, TensorBoardLogger(out, name="logs", version=segment)])
    step_module = PretrainStep(recipe, sites).to(fabric.device)
    optimizers = build_optimizers(step_module, recipe.training)
    reached = resume(out, recipe, step_module, optimizers, fabric.device) or _begin(step_module, recipe)
    wrapped, *optimizers = fabric.setup(step_module, *optimizers)
    spent = _train(fabric, wrapped, optimizers, recipe, out, reached, progress)
    if fabric.is_global_zero:
        card = ModelCard(
            model=recipe.model.name,
            config=_settings(step_module.model, recipe),
            name=recipe.name,
            corpora=tuple(sorted({site.meta.scene for site in sites} | set(reached.before.get("corpora", ())))),
            seed=recipe.seed,
            seconds=round(spent.wall, 3),
            cpu_seconds=round(spent.cpu, 3),
            processes=fabric.world_size,
            recipe=recipe.model_dump(mode="json"),
            before=reached.before,
        )
        save_model(step_module.model, card, out / "model")
    return out / "model"


def _begin(module: PretrainStep, recipe: Recipe) -> Reached:
    before = load_start(module.model, recipe.model)
    return Reached(0, Seconds(0.0, 0.0), asdict(before) if before else {})


def pretrained(recipe: Recipe, out: Path) -> tuple[nn.Module, ModelCard]:
    """The model of a run of ``recipe`` on its own corpora and its card; trained now unless ``out`` holds it.

    Raises:
        WirelessFMError: as :func:`pretrain`, or ``out`` holds a model of another recipe.
    """
    if not (out / "model").exists():
        pretrain(recipe, corpus.load_corpora(recipe.data.corpora), out)
    model, card = load_saved(out / "model")
    if not same_recipe(card.recipe, recipe):
        raise WirelessFMError(
            f"'{out}' holds a model of another recipe, or of other cities than {', '.join(recipe.data.corpora)}; "
            "choose another folder or remove it"
        )
    return model, card


def rehearsal(recipe: Recipe, sites: Sequence[Paths], hardware: Hardware = Hardware()) -> Iterator[int]:
    """Steps of :func:`pretrain`, without end and writing nothing, to measure speed; gives the number of each.

    They are spread over the whole run, of which no part need be like another.
    """
    fabric = _fabric(recipe.training, hardware, [])
    module = PretrainStep(recipe, sites).to(fabric.device)
    wrapped, *optimizers = fabric.setup(module, *build_optimizers(module, recipe.training))
    for step in spread_steps(recipe.training.steps):
        _step(fabric, wrapped, optimizers, recipe.training, step)
        yield step


def spread_steps(steps: int) -> Iterator[int]:
    """The numbers below ``steps`` again and again, 0 first, neighbours far apart: any few in a row cover the run."""
    stride = next(n for n in range(round(0.618 * steps), steps + 1) if math.gcd(n, steps) == 1) if steps > 2 else 1
    return (i * stride % steps for i in itertools.count())


def _fresh_name(folder: Path, name: str) -> str:
    """``name``, with a number where ``folder`` has it already."""
    names = itertools.chain([name], (f"{name}-{i}" for i in itertools.count(2)))
    return next(each for each in names if not (folder / each).exists())


def _settings(model: nn.Module, recipe: Recipe) -> dict[str, Any]:
    """All settings of our models, for a default may change; those of the recipe for published ones, which do not."""
    return {**({} if isinstance(model, PublishedEncoder) else settings_of(model)), **recipe.model.config}


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
    reached: Reached,
    progress: bool,
) -> Seconds:
    training, start, done = recipe.training, Seconds.now(), reached.steps
    show, latest = progress and fabric.is_global_zero, dict[str, float]()
    for step in (bar := tqdm(range(done, training.steps), initial=done, total=training.steps, disable=not show)):
        loss, terms = _step(fabric, module, optimizers, training, step)
        latest |= terms  # an objective need not join each step
        if (step + 1) % training.log_every == 0 or step + 1 == training.steps:
            # One whose part is over has no value any more.
            latest = {name: value for name, value in latest.items() if name in recipe.joining(step)}
            fabric.log_dict({"loss": loss, **latest, "lr": learning_rate(step, training)}, step + 1)
            bar.set_postfix({name: f"{value:.3f}" for name, value in latest.items()})
        if (step + 1) % training.checkpoint_every == 0 and step + 1 < training.steps:
            now = Reached(step + 1, Seconds.now().since(start, reached.spent), reached.before)
            save_checkpoint(fabric, out, recipe, module, optimizers, now)
    return Seconds.now().since(start, reached.spent)


def _step(
    fabric: Fabric, module: Any, optimizers: Sequence[Any], training: TrainingPart, step: int
) -> tuple[float, dict[str, float]]:
    for group in itertools.chain.from_iterable(optimizer.param_groups for optimizer in optimizers):
        group["lr"] = learning_rate(step, training)
    loss, terms = module(step, fabric.global_rank)
    if not bool(torch.isfinite(loss)):
        raise WirelessFMError(f"the loss became {float(loss.detach())} at step {step}; lower training.learning_rate")
    fabric.backward(loss)
    for i, optimizer in enumerate(optimizers):
        # Without a limit this only refuses what is not finite.
        _clip(fabric, module, optimizer, math.inf if i else training.clip_norm, step)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    return float(loss.detach()), terms


def _clip(fabric: Fabric, module: Any, optimizer: Any, limit: float, step: int) -> None:
    try:
        fabric.clip_gradients(module, optimizer, max_norm=limit)
    except RuntimeError as error:
        raise WirelessFMError(
            f"the gradient became infinite or NaN at step {step}; lower training.learning_rate"
        ) from error
