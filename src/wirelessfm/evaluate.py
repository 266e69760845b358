"""Tasks × systems × heads × label budgets × seeds to result rows.

Features are computed once per system and input, in this process; the fits, which are many, independent and small,
run side by side in worker processes, each on one thread: the numbers do not depend on how many there are.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed
from torch import Tensor
from tqdm import tqdm

from wirelessfm.adapt import HEADS, Fitted, fit_on_csi, fit_on_features
from wirelessfm.baselines import System
from wirelessfm.data.splits import Split
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.tasks import Row, TaskData, append_rows, read_rows

BUDGETS = (0.01, 0.05, 0.1, 1.0)
_HEADLESS = ("network", "rule", "constant")


@dataclass(frozen=True)
class Predictions:
    """What one system says about the test samples of one split, for maps and confusion tables.

    Attributes:
        task, system, head, budget, seed: as in ``Row``.
        scores: float [test, class].
        labels: int64 [test], the truth.
        position_m: float32 [test, 3].
        site: int64 [test], index into ``sites``.
        sites: ``scene/site`` names.
    """

    task: str
    system: str
    head: str
    budget: float
    seed: int
    scores: Tensor
    labels: Tensor
    position_m: Tensor
    site: Tensor
    sites: tuple[str, ...]

    @property
    def predicted(self) -> Tensor:
        """int64 [test], the class of the highest score."""
        return self.scores.argmax(dim=1)


@dataclass(frozen=True)
class _Job:
    """One row to come."""

    data: TaskData
    system: System
    head: str
    budget: float
    seed: int
    split: Split

    @property
    def key(self) -> tuple[Any, ...]:
        """As ``Row.key``."""
        return (
            self.data.task.name,
            self.split.fingerprint,
            self.system.name,
            self.system.weights,
            self.head,
            self.budget,
            self.seed,
        )

    @property
    def labelled(self) -> Tensor:
        """Samples whose labels may be used."""
        return self.split.labelled(self.budget) if self.budget else self.split.train[:0]


def evaluate(
    datas: Sequence[TaskData],
    systems: Sequence[System],
    budgets: Sequence[float] = BUDGETS,
    seeds: Sequence[int] = (0, 1, 2),
    heads: Sequence[str] = ("linear", "mlp"),
    out: str | os.PathLike[str] | None = None,
    n_workers: int = 1,
    progress: bool = True,
) -> list[Row]:
    """Fit and test every combination that makes sense; a rule is one row per seed, with budget 0 and no head.

    Args:
        datas: what ``Task.build`` gave.
        systems: encoders, features, networks, rules, constants; distinct names and weights.
        budgets: fractions of the training labels, in (0, 1].
        seeds: choose split, labels and initialisation.
        heads: names out of ``HEADS``, for encoders and features.
        out: JSONL file to append rows to as they are finished. Rows it already holds (same ``Row.key``) are not
            computed again; after changing a function under the same name start another file.
        n_workers: processes.
        progress: show a progress bar.

    Returns:
        the rows asked for, found or computed, in the order of tasks, systems, heads, budgets, seeds.

    Raises:
        WirelessFMError: unknown heads, budgets out of range, repeated systems, features or scores of the wrong
            shape or not finite (named by system).
    """
    _check(datas, systems, budgets, seeds, heads)
    if n_workers < 1:
        raise WirelessFMError(f"n_workers is a number of processes of at least 1, found {n_workers}")
    jobs = [job for data in datas for job in _jobs(data, systems, budgets, seeds, heads)]
    done = {row.key: row for row in read_rows([out])} if out is not None and os.path.exists(out) else {}
    todo = [job for job in jobs if job.key not in done]
    with tqdm(total=len(jobs), initial=len(jobs) - len(todo), disable=not progress, desc="evaluate") as bar:
        for row in _run(todo, n_workers, bar):
            done[row.key] = row
            if out is not None:
                append_rows(out, [row])
            bar.update()
    return [done[job.key] for job in jobs]


def predict(data: TaskData, system: System, budget: float = 1.0, seed: int = 0, head: str = "linear") -> Predictions:
    """The predictions behind one row of :func:`evaluate`; budget and head are ignored where they mean nothing."""
    _check([data], [system], [budget], [seed], [head])
    job = next(_jobs(data, [system], [budget], [seed], [head]), None)
    if job is None:
        raise WirelessFMError(f"system '{system.name}' does not apply to task '{data.task.name}'")
    scores = next(_fits([job], _features(job), 1))[1].scores
    truth, test = data.truth, job.split.test
    return Predictions(
        data.task.name,
        system.name,
        job.head,
        job.budget,
        seed,
        scores,
        truth.labels[test],
        truth.position_m[test],
        truth.site[test],
        data.sites,
    )


def _check(
    datas: Sequence[TaskData],
    systems: Sequence[System],
    budgets: Sequence[float],
    seeds: Sequence[int],
    heads: Sequence[str],
) -> None:
    for head in heads:
        if head not in HEADS:
            raise unknown_name("head", head, HEADS)
    for budget in budgets:
        if not 0 < budget <= 1:
            raise WirelessFMError(f"a label budget is a fraction in (0, 1], found {budget:g}; 1 % is 0.01")
    identities: dict[str, list[Any]] = {
        "tasks": [(d.task.name, *d.scenes) for d in datas],
        "systems": [(s.name, s.weights) for s in systems],
        "budgets": list(budgets),
        "seeds": list(seeds),
        "heads": list(heads),
    }
    for what, values in identities.items():
        if not values or len(set(values)) != len(values):
            raise WirelessFMError(f"{what} must differ and be at least one, found {values}")


def _jobs(
    data: TaskData, systems: Sequence[System], budgets: Sequence[float], seeds: Sequence[int], heads: Sequence[str]
) -> Iterator[_Job]:
    splits = {seed: data.split(seed) for seed in seeds}
    for system in systems:
        if not system.applies_to(data.task.kind):
            continue
        for head in ("none",) if system.kind in _HEADLESS else heads:
            for budget in (0.0,) if system.kind == "rule" else budgets:
                for seed in seeds:
                    yield _Job(data, system, head, budget, seed, splits[seed])


def _run(jobs: Sequence[_Job], n_workers: int, bar: tqdm) -> Iterator[Row]:
    """Tasks with the same inputs share the features of a system; one set of them is in memory at a time."""
    prints = {key: data.inputs.fingerprint() for key, data in {id(job.data): job.data for job in jobs}.items()}
    groups: dict[tuple[Any, ...], list[_Job]] = {}
    for job in jobs:
        # The scores of a rule depend on the classes of the task.
        task = job.data.task.name if job.system.kind == "rule" else ""
        groups.setdefault((prints[id(job.data)], id(job.system), task), []).append(job)
    for group in groups.values():
        bar.set_postfix_str(group[0].system.name)
        # The longest fits first, so that no worker is left with one at the end.
        group.sort(key=lambda job: -job.budget)
        for i, fitted in _fits(group, _features(group[0]), n_workers):
            yield _row(group[i], fitted)


def _features(job: _Job) -> Tensor | None:
    """What fits and predictions start from; None where that is the CSI itself."""
    if job.system.kind in ("network", "constant"):
        return None
    n_classes = job.data.task.n_classes
    call = (job.data.inputs, n_classes) if job.system.kind == "rule" else (job.data.inputs,)
    with torch.no_grad():
        values = job.system.run(*call)
    what = "scores" if job.system.kind == "rule" else "features"
    n = len(job.data)
    if not isinstance(values, Tensor) or values.dim() != 2 or len(values) != n or not values.is_floating_point():
        found = f"{values.dtype} {list(values.shape)}" if isinstance(values, Tensor) else type(values).__name__
        raise WirelessFMError(
            f"system '{job.system.name}' must return float {what} [sample, d] as a torch.Tensor for {n} samples, "
            f"found {found}"
        )
    values = values.detach().float().cpu()
    bad = int((~torch.isfinite(values)).any(dim=1).sum())
    if bad:
        raise WirelessFMError(
            f"system '{job.system.name}' returned NaN or infinite {what} for {bad} of {n} samples of task "
            f"'{job.data.task.name}'"
        )
    return values


def _fits(jobs: Sequence[_Job], features: Tensor | None, n_workers: int) -> Iterator[tuple[int, Fitted]]:
    """Results in the order they are finished, with the index of their job."""
    if jobs[0].system.kind == "rule":
        assert features is not None
        yield from ((i, Fitted(features[job.split.test], 0, 0.0)) for i, job in enumerate(jobs))
        return
    values = (jobs[0].data.inputs.values if features is None else features).numpy()
    # Counting labels is not worth sending the channels to other processes.
    workers = 1 if jobs[0].system.kind == "constant" else n_workers
    parallel = Parallel(n_jobs=workers, return_as="generator_unordered", pre_dispatch="2*n_jobs")
    yield from parallel(
        delayed(_numbered)(i, os.getpid(), *_fit_call(job, values, features is None)) for i, job in enumerate(jobs)
    )


def _fit_call(job: _Job, values: np.ndarray, on_csi: bool) -> tuple[Callable[..., Fitted], tuple[Any, ...]]:
    n_classes, labels = job.data.task.n_classes, job.data.truth.labels[job.labelled]
    given = (values, labels, job.labelled, job.split.test)
    if on_csi:
        like = replace(job.data.inputs, values=job.data.inputs.values[:0])
        return fit_on_csi, (*given, job.system.run, like, n_classes, job.seed)
    return fit_on_features, (*given, job.head, n_classes, job.seed)


def _numbered(index: int, owner: int, fit: Callable[..., Fitted], arguments: tuple[Any, ...]) -> tuple[int, Fitted]:
    _end_with(owner)
    return index, fit(*arguments)


def _end_with(owner: int) -> None:
    """Let a worker end with the process it works for, which has no time to say so when it is killed."""
    name = "end-with-owner"
    if os.getpid() == owner or any(thread.name == name for thread in threading.enumerate()):
        return

    def watch() -> None:
        while os.getppid() == owner:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, name=name, daemon=True).start()


def _row(job: _Job, fitted: Fitted) -> Row:
    data, system = job.data, job.system
    try:
        metrics = data.score(fitted.scores, job.split.test)
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
        n_parameters=fitted.n_parameters or system.n_parameters,
        fit_seconds=round(fitted.fit_seconds, 3),
        version=_version(),
        notes={**data.notes, **system.notes},
    )


def _version() -> str:
    try:
        return version("wirelessfm")
    except PackageNotFoundError:
        return "not installed"
