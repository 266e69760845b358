"""Tasks × systems × heads × label budgets × seeds to result rows.

Features are computed once per system and input, in this process; the fits, which are many, independent and small,
run side by side in worker processes, each on one thread: the numbers do not depend on how many there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from torch import Tensor
from tqdm import tqdm

from wirelessfm.adapt import HEADS, Fitted
from wirelessfm.baselines import System
from wirelessfm.data.leakage import count_leakage
from wirelessfm.data.splits import check_budget
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.jobs import Job, Means, fitted, grouped, list_jobs
from wirelessfm.tasks import Row, Task, TaskData, Truth, append_rows, read_rows

BUDGETS = (0.01, 0.05, 0.1, 1.0)
ALL_BUDGETS = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
DEFAULT_HEADS = ("linear", "mlp")
# Tested samples compared with all training samples, for each split: about a second.
_AUDITED = 1024


@dataclass(frozen=True)
class Predictions:
    """What one system says about the test samples of one split, for maps and confusion tables.

    Attributes:
        task, system, head, budget, seed: as in ``Row``.
        scores: as the task asks for: float [test, class], values [test, d] or complex CSI.
        truth: of the test samples.
        sites: ``scene/site`` names.
    """

    task: str
    system: str
    head: str
    budget: float
    seed: int
    scores: Tensor
    truth: Truth
    sites: tuple[str, ...]

    @property
    def predicted(self) -> Tensor:
        """int64 [test], the class of the highest score, of a task with output ``class``."""
        return self.scores.argmax(dim=1)


def evaluate(
    datas: Sequence[TaskData],
    systems: Sequence[System],
    budgets: Sequence[float] = BUDGETS,
    seeds: Sequence[int] = (0, 1, 2),
    heads: Sequence[str] = DEFAULT_HEADS,
    out: str | os.PathLike[str] | None = None,
    n_workers: int = 1,
    progress: bool = True,
    costs: bool = True,
    cache: str | os.PathLike[str] | None = None,
    bounds: bool = False,
    audit: bool = True,
) -> list[Row]:
    """Fit and test every combination that makes sense; a rule is one row per seed, with budget 0 and no head.

    Args:
        datas: what ``Task.build`` gave.
        systems: encoders, features, networks, rules, constants; distinct names and weights.
        budgets: fractions of the training labels, in (0, 1], or numbers of them above 1.
        seeds: choose split, labels and initialisation.
        heads: names out of ``HEADS``, for encoders and features.
        out: JSONL file to append rows to as they are finished. Rows it already holds (same ``Row.key``) are not
            computed again; after changing a function under the same name start another file.
        n_workers: processes.
        progress: show a progress bar.
        costs: measure multiply-accumulates, latency and memory of predictions (see ``measure_costs``).
        cache: folder that keeps the embeddings of encoders with weights, found again by weights and inputs.
        bounds: also evaluate what a task names as bounds, such as LMMSE with the true covariance of every user.
        audit: count tested samples that the training samples already hold, for the notes of every row.

    Returns:
        the rows asked for, found or computed, in the order of tasks, systems, heads, budgets, seeds.

    Raises:
        WirelessFMError: unknown heads, budgets out of range, repeated systems, features or scores of the wrong
            shape or not finite (named by system), a system that applies to none of the tasks.
    """
    check_jobs(datas, systems, budgets, seeds, heads)
    if n_workers < 1:
        raise WirelessFMError(f"n_workers is a number of processes of at least 1, found {n_workers}")
    jobs = [
        job
        for data in datas
        for job in list_jobs(data, [*systems, *(data.bounds if bounds else ())], budgets, seeds, heads)
    ]
    _check_all_used(jobs, datas, systems, heads)
    done = {row.key: row for row in read_rows([out])} if out is not None and os.path.exists(out) else {}
    todo = [job for job in jobs if job.key not in done]
    means = Means(n_workers, costs, audit, None if cache is None else Path(cache))
    with tqdm(total=len(jobs), initial=len(jobs) - len(todo), disable=not progress, desc="evaluate") as bar:
        for row in _run(todo, means, bar):
            done[row.key] = row
            if out is not None:
                append_rows(out, [row])
            bar.update()
    return [done[job.key] for job in jobs]


def predict(data: TaskData, system: System, budget: float = 1.0, seed: int = 0, head: str = "linear") -> Predictions:
    """The predictions behind one row of :func:`evaluate`; budget and head are ignored where they mean nothing."""
    check_jobs([data], [system], [budget], [seed], [head])
    job = next(list_jobs(data, [system], [budget], [seed], [head]), None)
    if job is None:
        raise _idle(system, [data.task], [head])
    scores = next(fitted([job]))[1].scores
    truth = data.truth.take(job.split.test)
    return Predictions(data.task.name, system.name, job.head, job.budget, seed, scores, truth, data.sites)


def check_jobs(
    datas: Sequence[TaskData],
    systems: Sequence[System],
    budgets: Sequence[float],
    seeds: Sequence[int],
    heads: Sequence[str],
) -> None:
    """Refuse unknown heads, budgets out of range, nothing to do, and what could not be told apart in the rows."""
    for head in heads:
        if head not in HEADS:
            raise unknown_name("head", head, HEADS)
    for budget in budgets:
        check_budget(budget)
    identities: dict[str, list[Any]] = {
        "tasks": [(d.task.name, d.case, *d.scenes) for d in datas],
        "systems": [(s.name, s.weights) for s in systems],
        "budgets": list(budgets),
        "seeds": list(seeds),
        "heads": list(heads),
    }
    for what, values in identities.items():
        if not values or len(set(values)) != len(values):
            raise WirelessFMError(f"{what} must differ and be at least one, found {values}")


def _check_all_used(
    jobs: Sequence[Job], datas: Sequence[TaskData], systems: Sequence[System], heads: Sequence[str]
) -> None:
    used = {id(job.system) for job in jobs}
    for system in systems:
        if id(system) not in used:
            raise _idle(system, [data.task for data in datas], heads)


def _idle(system: System, tasks: Sequence[Task], heads: Sequence[str]) -> WirelessFMError:
    names = ", ".join(dict.fromkeys(task.name for task in tasks))
    classes = {task.n_classes for task in tasks if system.applies_to(task.kind, task.output)}
    if classes and system.n_classes and system.n_classes not in classes:
        return WirelessFMError(
            f"system '{system.name}' tells {system.n_classes} classes apart, found {names} with "
            f"{', '.join(map(str, sorted(classes)))}; leave it out"
        )
    if classes:
        return WirelessFMError(
            f"system '{system.name}' needs a head for values on {names}, "
            f"found only heads for classes: {', '.join(heads)}"
        )
    outputs = [*system.outputs, *(["csi"] if system.complete is not None else [])]
    kinds = f" of the kinds {', '.join(system.task_kinds)}" if system.task_kinds else ""
    found = ", ".join(dict.fromkeys(f"{task.name} ({task.kind}, {task.output})" for task in tasks))
    return WirelessFMError(
        f"system '{system.name}' does not apply to {found}: it is for tasks{kinds} with output {' or '.join(outputs)}"
    )


def _run(jobs: Sequence[Job], means: Means, bar: tqdm) -> Iterator[Row]:
    """One set of features is in memory at a time."""
    leaks: dict[str, dict[str, object]] = {}
    for group in grouped(jobs):
        bar.set_postfix_str(group[0].system.name)
        for i, result in fitted(group, means):
            job = group[i]
            if means.audit and job.split.fingerprint not in leaks:
                leakage = count_leakage(job.data.inputs, job.split, max_test=_AUDITED)
                leaks[job.split.fingerprint] = leakage.notes()
            yield _row(job, result, leaks.get(job.split.fingerprint, {}))


def _row(job: Job, result: Fitted, leakage: Mapping[str, object]) -> Row:
    data, system = job.data, job.system
    try:
        metrics = data.score(result.scores, job.split.test)
    except WirelessFMError as error:
        raise WirelessFMError(f"system '{system.name}': {error}") from error
    return Row(
        task=data.task.name,
        scenes=data.scenes,
        split=job.split.fingerprint,
        system=system.name,
        kind=system.kind,
        head=job.head,
        budget=job.budget,
        n_labels=len(job.labelled),
        n_test=len(job.split.test),
        seed=job.seed,
        metrics=metrics,
        metric=data.task.metric,
        pretrained=system.pretrained,
        weights=system.weights,
        corpora=system.corpora,
        saw_test_scene=bool(set(system.corpora) & set(data.scenes)),
        n_parameters=result.n_parameters or system.n_parameters,
        fit_seconds=round(result.fit_seconds, 3),
        version=_version(),
        notes={**data.notes, **leakage, **system.notes},
        case=data.case,
        costs=result.costs,
        self_reported=system.kind == "external",
    )


def _version() -> str:
    try:
        return version("wirelessfm")
    except PackageNotFoundError:
        return "not installed"
