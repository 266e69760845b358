"""Tasks × systems × heads × label budgets × seeds to result rows.

Features are computed once per system and task, in this process; the fits, which are many, independent and small,
run side by side in worker processes, each on one thread: the numbers do not depend on how many there are.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits
from torch import Tensor
from tqdm import tqdm

from wirelessfm.adapt import HEADS, fit_head
from wirelessfm.baselines import System
from wirelessfm.csi import CSI
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


@dataclass(frozen=True)
class _Outcome:
    scores: Tensor
    n_parameters: int
    fit_seconds: float


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
        out: JSONL file to append rows to as they are finished. Rows it already holds are not computed again.
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
    scores = next(_outcomes([job], _features(job), 1))[1].scores
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
    """Group by task and system, so that one set of features is in memory at a time."""
    groups: dict[tuple[int, int], list[_Job]] = {}
    for job in jobs:
        groups.setdefault((id(job.data), id(job.system)), []).append(job)
    for group in groups.values():
        bar.set_postfix_str(f"{group[0].data.task.name}, {group[0].system.name}")
        for i, outcome in _outcomes(group, _features(group[0]), n_workers):
            yield _row(group[i], outcome)


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


def _outcomes(jobs: Sequence[_Job], features: Tensor | None, n_workers: int) -> Iterator[tuple[int, _Outcome]]:
    """Results in the order they are finished, with the index of their job."""
    data, system = jobs[0].data, jobs[0].system
    # As numpy: joblib writes a large array once and maps it into every process.
    arrays = (data.inputs.values.numpy() if features is None else features.numpy(), data.truth.labels.numpy())
    csi = replace(data.inputs, values=data.inputs.values[:0])
    parallel = Parallel(n_jobs=n_workers, return_as="generator_unordered", pre_dispatch="2*n_jobs")
    yield from parallel(
        delayed(_work)(i, system, job.head, data.task.n_classes, job.seed, job.labelled, job.split.test, csi, *arrays)
        for i, job in enumerate(jobs)
    )


def _work(
    index: int,
    system: System,
    head: str,
    n_classes: int,
    seed: int,
    labelled: Tensor,
    test: Tensor,
    csi: CSI,
    inputs: np.ndarray,
    labels: np.ndarray,
) -> tuple[int, _Outcome]:
    """Fit on the labelled samples, score the test samples; no other label is touched."""
    start = time.perf_counter()
    with _one_thread():
        if system.kind == "rule":
            return index, _Outcome(torch.from_numpy(inputs[test.numpy()]), 0, 0.0)
        known, unknown = torch.from_numpy(inputs[labelled.numpy()]), torch.from_numpy(inputs[test.numpy()])
        truth = torch.from_numpy(labels[labelled.numpy()])
        if system.kind in _HEADLESS:
            predictor = system.run(replace(csi, values=known), truth, n_classes, seed)
            seconds = time.perf_counter() - start
            return index, _Outcome(predictor(replace(csi, values=unknown)), predictor.n_parameters, seconds)
        scorer = fit_head(head, known, truth, n_classes, seed)
        seconds = time.perf_counter() - start
        return index, _Outcome(scorer(unknown), system.n_parameters, seconds)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Several threads a fit would compete with the other fits, and change the last digits of sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def _row(job: _Job, outcome: _Outcome) -> Row:
    data, system = job.data, job.system
    try:
        metrics = data.score(outcome.scores, job.split.test)
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
        n_parameters=outcome.n_parameters,
        fit_seconds=round(outcome.fit_seconds, 3),
        version=_version(),
        notes=dict(data.notes),
    )


def _version() -> str:
    try:
        return version("wirelessfm")
    except PackageNotFoundError:
        return "not installed"
