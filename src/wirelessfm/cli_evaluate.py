"""``wfm evaluate`` and the lists of what can be evaluated: thin, as the rest of the command line."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wirelessfm.errors import WirelessFMError

if TYPE_CHECKING:
    from wirelessfm.tasks import TaskData

POOLING = "Which embedding; an unknown name lists the model's."
RESIZE = "pad, interpolate or repeat: for shapes a published model cannot take."


def evaluate(
    systems: Annotated[
        list[str],
        typer.Argument(
            help="Baselines, model folders and names, MODEL-random, MODEL@WEIGHTS, file.py:function, model.onnx; "
            "NAME:los, NAME:beams and NAME:same-band (a model without labels; NAME:network-los … its network alone), "
            "RULE+FEATURES (a rule with labels)."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Results folder; rows it already has are kept.")],
    scene: Annotated[
        list[str] | None, typer.Option(help="City of the corpus; more are pooled, but for a case.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="Folder with cities of your own, SCENE-SITE-CARRIER, instead of those shipped.")
    ] = None,
    simulate: Annotated[list[str] | None, typer.Option(help="Simulated set, D1 to D19; repeat for more.")] = None,
    files: Annotated[list[Path] | None, typer.Option(help="Measured files or folders; repeat for more.")] = None,
    suite: Annotated[str | None, typer.Option(help="A list of tasks by name; default quick for cities.")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Instead of a suite; repeat for more.")] = None,
    budgets: Annotated[
        str | None,
        typer.Option(
            help="As 1%,5%,100%, numbers of labels (148,593; 1 is all of them), or 'all'; default 1%,5%,10%,100%."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1)] = 3,
    head: Annotated[list[str] | None, typer.Option(help="Default: linear and mlp.")] = None,
    case: Annotated[
        str | None, typer.Option(help="Generalisation case 1, 2, 2A or 3: the first domain given is tested.")
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(help="Domains of a case: city (default), carrier, array; with --simulate scenario, speed."),
    ] = None,
    fine_tune: Annotated[
        list[str] | None, typer.Option(help="Also train the last N blocks of each encoder, or 'all'.")
    ] = None,
    max_users: Annotated[int | None, typer.Option(min=1, help="Of each base station of a city.")] = None,
    samples: Annotated[int | None, typer.Option(min=1, help="Of each simulated set; default 600.")] = None,
    pooling: Annotated[str | None, typer.Option(help=POOLING)] = None,
    resize: Annotated[str | None, typer.Option(help=RESIZE)] = None,
    bounds: Annotated[bool, typer.Option("--bounds", help="Also what knows more than a receiver does.")] = False,
    workers: Annotated[int, typer.Option(min=1)] = 2,
) -> None:
    """Evaluate systems on tasks: rows in OUT/results.jsonl. A finished row is never computed again."""
    from wirelessfm.evaluate import BUDGETS, DEFAULT_HEADS
    from wirelessfm.evaluate import evaluate as run
    from wirelessfm.suite import find_systems

    if (scene is not None) + (simulate is not None) + (files is not None) != 1:
        raise WirelessFMError("say what to evaluate on: --scene CITY, --simulate SET or --files FOLDER (one of them)")
    _refuse("--over goes with --case", over if case is None else None)
    _refuse("--max-users is for cities (--scene)", None if scene else max_users)
    _refuse("--root is for cities (--scene)", None if scene else root)
    _refuse("--samples is for simulated sets (--simulate)", None if simulate else samples)
    fractions = BUDGETS if budgets is None else parse_budgets(budgets)
    chosen = find_systems(systems, pooling, resize, fine_tune or ())
    if scene:
        data = _on_cities(scene, _tasks(task, suite, "quick"), case, over or "city", max_users, root)
    elif simulate:
        named = _tasks(task, suite, "prediction")
        data = _on_simulated(simulate, named, case, over or "scenario", samples or 600, out / "simulated")
    else:
        from wirelessfm.sources import file_data

        _refuse("--case is for cities and simulated sets", case)
        data = file_data(_tasks(task, suite, None), files or ())
    rows = run(
        data,
        chosen,
        fractions,
        range(seeds),
        head or DEFAULT_HEADS,
        out / "results.jsonl",
        workers,
        cache=out / "embeddings",
        bounds=bounds,
    )
    typer.echo(f"{len(rows)} rows: {out / 'results.jsonl'}; see them with: wfm report {out}")


def parse_budgets(text: str) -> tuple[float, ...]:
    """Label budgets as ``1%,5%,0.1,148``, or ``all`` for the seven of the protocol.

    Percentages or fractions of the training labels; numbers above 1 are numbers of labels.

    Raises:
        WirelessFMError: something else, or ``1``, which may be one label or all (``1.0`` is all).
    """
    from wirelessfm.evaluate import ALL_BUDGETS

    if text == "all":
        return ALL_BUDGETS
    parts = text.replace(" ", "").split(",")
    try:
        numbers = [float(part.removesuffix("%")) for part in parts]
    except ValueError as error:
        raise WirelessFMError(f"budgets are a list such as '1%,5%,148,100%', or 'all'; found '{text}'") from error
    if any(number == 1 and not {"%", "."} & {*part} for number, part in zip(numbers, parts, strict=True)):
        raise WirelessFMError("a label budget of 1 may be one label or all; write '100%', or 2 labels or more")
    return tuple(_budget(number, part.endswith("%")) for number, part in zip(numbers, parts, strict=True))


def _budget(number: float, percent: bool) -> float:
    if percent and not 0 < number <= 100:
        raise WirelessFMError(f"a label budget is at most 100 % and above 0 %, found {number:g} %")
    return number / 100 if percent else number


def _refuse(reason: str, value: object) -> None:
    """An option that would be ignored is an error."""
    if value is not None:
        raise WirelessFMError(f"{reason}, found '{value}'")


def _tasks(tasks: Sequence[str] | None, suite: str | None, default: str | None) -> list[str]:
    from wirelessfm.errors import unknown_name
    from wirelessfm.tasks import SUITES

    if tasks and suite:
        raise WirelessFMError("give --task or --suite, not both")
    if tasks:
        return list(tasks)
    name = suite or default
    if name is None:
        raise WirelessFMError("files need --task: one of those that 'wfm tasks' lists for recordings")
    if name not in SUITES:
        raise unknown_name("suite", name, SUITES)
    return list(SUITES[name])


def _on_cities(
    scenes: list[str], tasks: list[str], case: str | None, over: str, max_users: int | None, root: Path | None
) -> list[TaskData]:
    from wirelessfm.sources import city_cases, city_data

    if case is None:
        return city_data(tasks, scenes, max_users, root)
    return city_cases(tasks, scenes, case, max_users, over, root)


def _on_simulated(
    sets: list[str], tasks: list[str], case: str | None, over: str, samples: int, cache: Path
) -> list[TaskData]:
    from wirelessfm.sources import simulated_cases, simulated_data

    if case is None:
        return simulated_data(tasks, sets, samples, cache)
    return simulated_cases(tasks, sets, samples, case, cache, over)


def tasks() -> None:
    """List tasks and suites."""
    from itertools import groupby

    from wirelessfm.sources import SOURCES
    from wirelessfm.tasks import SUITES, TASKS

    for kind, members in groupby(TASKS.values(), type):
        typer.echo(_first_line(kind))
        for task in members:
            typer.echo(f"  {task.name:28s} {task.kind:22s} {task.output:6s} {task.metric:9s} {SOURCES[task.made_from]}")
    typer.echo("Suites")
    for name, names in SUITES.items():
        typer.echo(f"  {name:12s} {', '.join(names)}")


def baselines() -> None:
    """List rules, features and networks: kind, what they can predict, and on which kinds of task."""
    from wirelessfm.baselines import BASELINES

    for name, system in BASELINES.items():
        where = ", ".join(system.task_kinds) or "any"
        typer.echo(f"{name:28s} {system.kind:9s} {'/'.join(system.outputs):12s} {where}")


def models() -> None:
    """List models and where they come from."""
    from wirelessfm.models.published_zoo import PUBLISHED
    from wirelessfm.models.shipped import shipped_names
    from wirelessfm.models.zoo import MODELS

    for name in shipped_names():
        typer.echo(f"{name:20s} ours, with weights; see: wfm card {name}")
    for name in MODELS:
        source = PUBLISHED[name].origin.citation if name in PUBLISHED else "ours"
        typer.echo(f"{name:20s} {source}")


def objectives() -> None:
    """List pretraining objectives."""
    from wirelessfm.objectives import OBJECTIVES

    for name, objective in OBJECTIVES.items():
        typer.echo(f"{name:20s} {_first_line(objective)}")


def heads() -> None:
    """List heads on frozen features."""
    from wirelessfm.adapt import HEADS

    for name, head in HEADS.items():
        typer.echo(f"{name:20s} {_first_line(head)}")


def _first_line(described: object) -> str:
    """Without the markup of docstrings."""
    return re.sub(r":\w+:`([^`]*)`|`", r"\1", (inspect.getdoc(described) or "").split("\n")[0])


COMMANDS: Mapping[str, Callable[..., None]] = {
    "evaluate": evaluate,
    "tasks": tasks,
    "baselines": baselines,
    "models": models,
    "objectives": objectives,
    "heads": heads,
}
