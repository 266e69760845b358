"""Ours and the published systems trained again on the same cities for the same processor time, then compared frozen.

Equal compute means equal seconds of the processor: how many steps of each recipe fit into them is measured first,
all recipes in turn on the same machine, so that every run has a fixed number of steps and a complete schedule. One
model is trained per seed and evaluated with that seed, so the spread in the tables includes the luck of pretraining.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from wirelessfm.baselines import BASELINES, System
from wirelessfm.csi import CSI
from wirelessfm.data import corpus
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.evaluate import BUDGETS, DEFAULT_HEADS, check_jobs, evaluate
from wirelessfm.files import read_json, write_json
from wirelessfm.metrics import lower_is_better
from wirelessfm.models.published import PublishedEncoder
from wirelessfm.models.saved import ModelCard
from wirelessfm.pretrain import input_scaling, pretrained, rehearsal
from wirelessfm.recipe import Recipe, load_recipe
from wirelessfm.report import report_folder
from wirelessfm.report.entries import Statistic
from wirelessfm.report.wording import spread
from wirelessfm.sources import city_data
from wirelessfm.suite import encoder_system, random_system
from wirelessfm.tasks import Row, TaskData

SYSTEMS = ("demo", "lwm-1.0", "contrawimae", "wifo-tiny")
TASKS = ("los", "beam-64-antennas-32")
CALIBRATION, RESULTS = "calibration.json", "results.jsonl"
TITLE = "wirelessfm: systems trained again for equal processor time, tested on a city they have never seen"
_FEATURES = ("raw", "autocorrelation")
_ROUNDS, _WARM_UP_STEPS = 6, 3


@dataclass(frozen=True)
class Contender:
    """A system to train: the name of its rows, and its recipe with the steps that fit into the time."""

    name: str
    recipe: Recipe

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the recipe: what the models of all seeds have in common.

        Settings at their defaults do not count, so that a setting that is new changes nothing.
        """
        return hashlib.sha256(self.recipe.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:16]

    def seeded(self, seed: int) -> Recipe:
        """The recipe of one seed."""
        return self.recipe.model_copy(update={"seed": seed})


@dataclass(frozen=True)
class Trained:
    """A contender's model of one seed."""

    contender: Contender
    seed: int
    model: nn.Module
    card: ModelCard

    def systems(self, csi: CSI, pooling: str | None = None) -> list[System]:
        """The trained encoder and its twin with random weights, resized only if they cannot take ``csi`` as it is."""
        name, resize = self.contender.name, needed_resize(self.model, csi)
        trained = encoder_system(self.model, self.card, name, pooling, resize)
        # Weights differ from seed to seed; this says which rows are nevertheless the same system.
        trained = replace(trained, notes={**trained.notes, "model_per_seed": self.contender.fingerprint})
        part = self.contender.recipe.model
        return [trained, random_system(part.name, part.config, self.seed, f"{name}-random", pooling, resize)]


def compare(
    out: str | os.PathLike[str],
    systems: Sequence[str] = SYSTEMS,
    seconds: float = 120.0,
    seeds: int = 3,
    test_scene: str = "florence",
    tasks: Sequence[str] = TASKS,
    budgets: Sequence[float] = BUDGETS,
    heads: Sequence[str] = DEFAULT_HEADS,
    max_users: int | None = None,
    steps: int | None = None,
    n_workers: int = 2,
) -> Path:
    """Train, evaluate and report into ``out``; what is already there is not computed again.

    Args:
        out: folder for the speed measured, the runs, the rows and the report.
        systems: recipes by name or file; they are trained on all cities but the one of the test.
        seconds: of the processor, for each run.
        seeds: how many models of each system; model ``s`` is evaluated with seed ``s``.
        test_scene: the city of the tasks.
        tasks: names out of ``TASKS``. Where a published model cannot take the shape of a task, it is resized, and
            name and notes of its rows say so.
        budgets, heads: as in :func:`~wirelessfm.evaluate.evaluate`.
        max_users: of each base station of the test city.
        steps: of every run, instead of what fits into ``seconds``: then compute is not equal.
        n_workers: processes of the evaluation.

    Returns:
        the report, an HTML file.

    Raises:
        WirelessFMError: unknown names, numbers out of range, or ``out`` holds another comparison.
    """
    start, out = time.monotonic(), Path(out)
    scenes = sorted({scene for scene, _ in corpus.sites()})
    if test_scene not in scenes:
        raise unknown_name("scene", test_scene, scenes)
    if seeds < 1 or not seconds > 0 or (steps is not None and steps < 1):
        raise WirelessFMError("compare needs at least one seed and a positive number of seconds (and steps, if given)")
    contenders = load_contenders(systems, [scene for scene in scenes if scene != test_scene])
    datas = city_data(tasks, [test_scene], max_users)
    check_jobs(datas, [BASELINES[name] for name in _FEATURES], budgets, range(seeds), heads)
    check_able(contenders, datas)
    contenders = schedule(contenders, seconds, steps, out / CALIBRATION)
    trained = [train(each, seed, out / "runs") for seed in range(seeds) for each in contenders]
    rows = [
        row
        for seed in range(seeds)
        for row in _evaluated([t for t in trained if t.seed == seed], datas, seed, budgets, heads, out, n_workers)
    ]
    lines = [*training_table(trained), *(line for task in tasks for line in task_table(task, rows))]
    report = report_folder(out, summary=_sentences(trained), title=TITLE)
    print("\n".join(["", *lines, "", f"{time.monotonic() - start:.0f} s; report: {report}"]))
    return report


def check_able(contenders: Sequence[Contender], datas: Sequence[TaskData]) -> None:
    """Refuse, before hours of training, a task that a contender's model does not fit.

    Raises:
        WirelessFMError: a model that cannot answer a task, or cannot take its inputs even resized.
    """
    for contender in contenders:
        part = contender.recipe.model
        system = random_system(part.name, part.config, name=contender.name)
        for data in datas:
            needed_resize(system.model, data.inputs)
            if not system.applies_to(data.task.kind, data.task.output):
                raise WirelessFMError(
                    f"'{contender.name}' gives no {data.task.output}; leave task '{data.task.name}' out"
                )


def load_contenders(systems: Sequence[str], scenes: Sequence[str]) -> list[Contender]:
    """Recipes on other cities; rows are named after the model, or after the recipe where two have the same model."""
    recipes = [load_recipe(name) for name in systems]
    for recipe in recipes:
        recipe.check_from_random()
    models = Counter(recipe.model.name for recipe in recipes)
    names = [r.model.name if models[r.model.name] == 1 else r.name for r in recipes]
    if not names or len(set(names)) != len(names):
        raise WirelessFMError(f"systems to compare must be at least one and of different names, found {names}")
    return [Contender(name, _on(recipe, scenes)) for name, recipe in zip(names, recipes, strict=True)]


def _on(recipe: Recipe, scenes: Sequence[str]) -> Recipe:
    changed = recipe.on(scenes)
    if set(scenes) == set(recipe.data.corpora) or "input_scaling" not in recipe.model.config:
        return changed
    scaling = list(input_scaling(changed, corpus.load_corpora(scenes)))
    part = recipe.model.model_copy(update={"config": {**recipe.model.config, "input_scaling": scaling}})
    return changed.model_copy(update={"model": part})


def schedule(contenders: Sequence[Contender], seconds: float, steps: int | None, file: Path) -> list[Contender]:
    """The contenders with the steps that fit into ``seconds``; measured once, then read from ``file``.

    Raises:
        WirelessFMError: ``file`` is of another comparison.
    """
    asked: dict[str, Any] = {"seconds": seconds, "steps": steps, "recipes": {c.name: c.fingerprint for c in contenders}}
    if not file.exists():
        rates = None if steps else calibrate({c.name: c.recipe for c in contenders}, min(2.0, seconds / 40))
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {"asked": asked, "threads": torch.get_num_threads(), "steps_per_cpu_second": rates})
    content = read_json(file)
    if not isinstance(content, dict) or content.get("asked") != asked:
        raise WirelessFMError(
            f"'{file}' is of a comparison with other systems, cities, seconds or steps; choose another folder, or "
            "remove this one"
        )
    rates = content["steps_per_cpu_second"]
    return [replace(c, recipe=_with_steps(c.recipe, steps or round(seconds * rates[c.name]))) for c in contenders]


def calibrate(recipes: Mapping[str, Recipe], burst_s: float) -> dict[str, float]:
    """Steps per second of the processor, in bursts of every recipe in turn: other load slows all of them alike."""
    runs = {name: rehearsal(recipe, corpus.load_corpora(recipe.data.corpora)) for name, recipe in recipes.items()}
    done, spent = dict.fromkeys(runs, 0), dict.fromkeys(runs, 0.0)
    for run in runs.values():
        for _ in range(_WARM_UP_STEPS):
            next(run)
    for _ in range(_ROUNDS):
        for name, run in runs.items():
            start = time.process_time()
            while (passed := time.process_time() - start) < burst_s:
                next(run)
                done[name] += 1
            spent[name] += passed
    return {name: done[name] / spent[name] for name in runs}


def _with_steps(recipe: Recipe, steps: int) -> Recipe:
    steps = max(1, steps)
    changes = {
        "steps": steps,
        "warmup_steps": min(recipe.training.warmup_steps, steps // 10),
        "checkpoint_every": max(1, steps // 10),
    }
    return recipe.with_training(changes)


def train(contender: Contender, seed: int, folder: Path) -> Trained:
    """The model of one seed, trained unless it is there; a run that was killed continues."""
    run = folder / f"{contender.name}-seed{seed}"
    recipe = contender.seeded(seed)
    if not (run / "model").exists():
        print(f"{contender.name}, seed {seed}: {recipe.training.steps} steps")
    model, card = pretrained(recipe, run)
    return Trained(contender, seed, model, card)


def needed_resize(model: nn.Module, csi: CSI) -> str | None:
    """The mildest way in which a published model takes ``csi``: as it is, else repeated in time, else padded."""
    if not isinstance(model, PublishedEncoder):
        return None
    refusal = WirelessFMError("")
    for resize in (None, "repeat", "pad"):
        try:
            model.prepared(csi[:1], resize)
            return resize
        except WirelessFMError as error:
            refusal = error
    raise refusal


def _evaluated(
    trained: Sequence[Trained],
    datas: Sequence[TaskData],
    seed: int,
    budgets: Sequence[float],
    heads: Sequence[str],
    out: Path,
    n_workers: int,
) -> list[Row]:
    # Tasks for which every model is resized alike are evaluated together and share their embeddings.
    alike: dict[tuple[str | None, ...], list[TaskData]] = {}
    for data in datas:
        alike.setdefault(tuple(needed_resize(t.model, data.inputs) for t in trained), []).append(data)
    rows = []
    for group in alike.values():
        systems = [system for t in trained for system in t.systems(group[0].inputs)]
        rows += evaluate(group, [*systems, *_baselines(group)], budgets, (seed,), heads, out / RESULTS, n_workers)
    return rows


def _baselines(datas: Sequence[TaskData]) -> list[System]:
    kinds = {(data.task.kind, data.task.output) for data in datas}
    simple = [system for system in BASELINES.values() if system.name in _FEATURES or system.kind == "rule"]
    return [system for system in simple if any(system.applies_to(*kind) for kind in kinds)]


def training_table(trained: Sequence[Trained]) -> list[str]:
    """Lines: what every system did with its time."""
    lines = []
    for contender in dict.fromkeys(t.contender.name for t in trained):
        runs = [t for t in trained if t.contender.name == contender]
        training, cards = runs[0].contender.recipe.training, [t.card for t in runs]
        lines.append([
            contender,
            f"{cards[0].n_parameters}",
            f"{training.steps} x {training.batch_size}",
            spread(Statistic.of([card.cpu_seconds for card in cards]), "s"),
            spread(Statistic.of([card.seconds for card in cards]), "s"),
        ])  # fmt: skip
    return aligned([["training", "parameters", "steps x batch", "processor s", "clock s"], *lines])


def task_table(task: str, rows: Sequence[Row]) -> list[str]:
    """Lines of one task: mean ± standard deviation over seeds, of the head that is best on average."""
    rows = [row for row in rows if row.task == task]
    n_labels = {b: round(np.mean([r.n_labels for r in rows if r.budget == b])) for b in {r.budget for r in rows}}
    budgets = sorted(n_labels, key=lambda b: n_labels[b])
    head = [f"{task}: {rows[0].metric}", *(f"{n_labels[b]} labels" if b else "no labels" for b in budgets)]
    systems = dict.fromkeys(row.system for row in rows)
    lines = [[system, *(_best(rows, system, budget) for budget in budgets)] for system in systems]
    return ["", *aligned([head, *lines])]


def _best(rows: Sequence[Row], system: str, budget: float) -> str:
    best = best_head([row for row in rows if (row.system, row.budget) == (system, budget)])
    if not best:
        return "-"
    head, metric = best[0].head, best[0].metric
    return spread(Statistic.of([row.score for row in best]), metric) + ("" if head == "none" else f" {head}")


def best_head(rows: Sequence[Row]) -> list[Row]:
    """Of rows that differ in head and seed alone, those of the head with the best mean; none of none."""
    heads: dict[str, list[Row]] = {}
    for row in rows:
        heads.setdefault(row.head, []).append(row)
    sign = -1 if rows and lower_is_better(rows[0].metric) else 1
    return max(heads.values(), key=lambda found: sign * np.mean([row.score for row in found]), default=[])


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table whose columns are as wide as their longest cell."""
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in table]


def _sentences(trained: Sequence[Trained]) -> list[str]:
    first = [t for t in trained if t.seed == 0]
    return [
        f"{t.contender.name}: {t.card.n_parameters} parameters, {t.contender.recipe.training.steps} steps of "
        f"{t.contender.recipe.training.batch_size} in {t.card.cpu_seconds:.0f} seconds of the processor"
        for t in first
    ]
