"""What matters in a recipe: the unchanged one ("full") and variants of it, one change at a time.

All are trained for the same number of steps and tested on a city that none of them has seen. Prints, for each label
budget, variant × task: mean ± deviation over seeds with the best head and, in parentheses, the difference from the
full recipe on the same splits and labels. Without labels stand estimates of CSI, and what a model answers by itself.
Embeddings and answers are those of the network alone, without the paths that can be resolved, which nobody trains.
Finished trainings and rows are kept in FOLDER, and an interrupted training continues.

A variant is a name and changes: KEY=VALUE sets a key of the recipe (the value is YAML), -OBJECTIVE leaves objectives
of that name out (as --drop does); numbers of objectives are those in the full recipe.

Run: python benchmarks/ablations.py spectrum --drop estimation --steps 1000 --task los --task estimate-pilots -o FOLDER
         --variant "no-known: objectives.0.options.known=0"
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from scaling import check_apart, check_steps
from variants import parse_variant

from wirelessfm.answers import ANSWERS, zero_label_system
from wirelessfm.baselines import System
from wirelessfm.cli_evaluate import parse_budgets
from wirelessfm.compare import RESULTS, Contender, Trained, aligned, best_head, check_able, train
from wirelessfm.data.corpus import load_corpora
from wirelessfm.errors import WirelessFMError
from wirelessfm.evaluate import evaluate
from wirelessfm.pretrain import rehearsal
from wirelessfm.recipe import Recipe, load_recipe
from wirelessfm.report.entries import Statistic
from wirelessfm.report.wording import counted, labels, number, spread, with_direction
from wirelessfm.sources import city_data
from wirelessfm.tasks import Row, TaskData

FULL, RANDOM = "full", "random"


def plan(recipe: Recipe, variants: Sequence[str], steps: int) -> list[Contender]:
    """The full recipe and its variants, every recipe checked.

    Raises:
        WirelessFMError: as :func:`variants.parse_variant`; variants of the same name, steps within a warm-up, trained
            weights to start from.
    """
    recipe.check_from_random()
    full = Contender(FULL, recipe.with_training({"steps": steps}))
    found = [full, *(Contender(*parse_variant(text, full.recipe)) for text in variants)]
    names = [RANDOM, *(contender.name for contender in found)]
    if twice := {name for name in names if names.count(name) > 1}:
        raise WirelessFMError(f"variants need different names other than {FULL} and {RANDOM}, found {', '.join(twice)}")
    for contender in found:
        check_steps(contender.recipe, steps)
    return found


def rehearse(planned: Sequence[Contender], scene: str, datas: Sequence[TaskData], runs: Path) -> None:
    """What would fail later fails before anything is trained; one step of every recipe that is not trained yet.

    Raises:
        WirelessFMError: the tested city is trained on, or a model cannot answer one of the tasks.
    """
    for contender in planned:
        recipe = contender.recipe
        sites = load_corpora(recipe.data.corpora)
        check_apart(sites, [scene])
        check_able([contender], datas)
        if not list(runs.glob(f"{contender.name}-seed*")):
            next(rehearsal(recipe, sites))


def answers(trained: Trained, data: TaskData) -> list[System]:
    """What the network says about the task without labels."""
    found = []
    for answer in (name for name in ANSWERS if f"network-{name}" not in ANSWERS):
        # Refused: what it was not taught.
        with suppress(WirelessFMError):
            system = zero_label_system(trained.model, trained.card, answer, trained.contender.name)
            if system.applies_to(data.task.kind, data.task.output, data.task.n_classes):
                found.append(replace(system, notes={**system.notes, "model_per_seed": trained.contender.fingerprint}))
    return found


def table(found: Mapping[str, Sequence[Row]]) -> list[str]:
    """Lines for each budget: variants × tasks, with differences from the first variant."""
    rows = [row for several in found.values() for row in several]
    lines = []
    for budget in sorted({row.budget for row in rows}):
        metrics = {row.task: row.metric for row in rows if row.budget == budget}
        best = {
            name: [best_head([r for r in several if (r.task, r.budget) == (task, budget)]) for task in metrics]
            for name, several in found.items()
        }
        first = next(iter(best.values()))
        head = [labels(budget), *(f"{task}: {with_direction(metric)}" for task, metric in metrics.items())]
        body = [[name, *map(_cell, cells, first)] for name, cells in best.items() if any(cells)]
        lines += ["", *aligned([head, *body])]
    return lines


def _cell(rows: Sequence[Row], full: Sequence[Row]) -> str:
    if not rows:
        return "–"
    metric, reference = rows[0].metric, {row.seed: row.score for row in full}
    differences = [row.score - reference[row.seed] for row in rows if row.seed in reference]
    text = _written([row.score for row in rows], metric)
    if differences and rows is not full:
        difference = _written(differences, metric)
        text += f" ({'' if difference.startswith('−') else '+'}{difference})"
    return text + ("" if rows[0].head == "none" else f" {rows[0].head}")


def _written(values: Sequence[float], metric: str) -> str:
    found = Statistic.of(values)
    return number(found.mean, metric) if found.std is None else spread(found, metric)


def run(options: argparse.Namespace) -> list[str]:
    """Train and test what is missing; the lines to print."""
    recipe, out = load_recipe(options.recipe), options.out
    planned = plan(recipe, [*options.variant, *(f"no-{name}: -{name}" for name in options.drop)], options.steps)
    budgets, datas = parse_budgets(options.budgets), city_data(options.task, [options.scene], options.max_users)
    rehearse(planned, options.scene, datas, out / "runs")
    found: dict[str, list[Row]] = {name: [] for name in [FULL, *[RANDOM] * options.random, *(c.name for c in planned)]}
    how: dict[str, Any] = {"costs": False, "audit": False, "cache": out / "embeddings"}
    for i, contender in itertools.product(range(options.seeds), planned):
        trained = train(contender, recipe.seed + i, out / "runs")
        # No two models share a seed of the evaluation, by which rows of random weights are told apart.
        seeds = range(i, options.seeds * options.splits, options.seeds)
        for data in datas:
            encoder, twin = trained.systems(data.inputs, getattr(trained.model, "tuned_pooling", None))
            lines = {contender.name: [encoder, *answers(trained, data)]}
            if options.random and contender.name == FULL:
                lines[RANDOM] = [twin]
            for name, systems in lines.items():
                found[name] += evaluate([data], systems, budgets, seeds, out=out / RESULTS, **how)
    over = f"{counted(options.seeds, 'training')} × {counted(options.splits, 'split')}"
    return [f"{recipe.name} on {options.scene}: {options.steps} steps; mean ± deviation over {over}", *table(found)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="YAML file, or the name of a recipe that ships")
    parser.add_argument("--variant", action="append", default=[], help="name and changes, see above; repeat for more")
    parser.add_argument("--drop", action="append", default=[], help="objective to leave out; repeat for more")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each")
    parser.add_argument("--splits", type=int, default=3, help="evaluations of each training")
    parser.add_argument("--scene", default="florence", help="tested city, which no recipe may be trained on")
    parser.add_argument("--task", action="append", required=True, help="name; repeat for more")
    parser.add_argument("--budgets", default="1%,10%,100%", help="of the labels")
    parser.add_argument("--max-users", type=int, help="of each base station of the tested city")
    parser.add_argument("--random", action="store_true", help="also the full architecture with random weights")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    try:
        print(*run(options), sep="\n")
    except WirelessFMError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
