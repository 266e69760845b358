"""One row to come: which system on which task with which labels, and the fit that gives its predictions."""

from __future__ import annotations

import inspect
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed
from torch import Tensor

from wirelessfm.adapt import (
    CLASS_HEADS,
    Fitted,
    fit_corrected,
    fit_head,
    fit_on_csi,
    fit_on_features,
    measure_costs,
    one_thread,
)
from wirelessfm.baselines.system import COMPUTED_ELSEWHERE, System
from wirelessfm.csi import CSI
from wirelessfm.data.splits import Split
from wirelessfm.errors import WirelessFMError
from wirelessfm.kept import kept
from wirelessfm.tasks import TaskData


@dataclass(frozen=True)
class Job:
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


def way(system: System, output: str) -> str:
    """How a system comes to predictions.

    By heads on ``features``, by a head that can ``correct`` what it says, by a ``fit`` of its own, or it can ``apply``
    itself.
    """
    if system.kind in ("rule", "external") or (output == "csi" and system.complete is not None):
        return "apply"
    if system.kind == "correction":
        return "correct"
    return "fit" if system.kind in ("network", "constant") else "features"


def list_jobs(
    data: TaskData, systems: Sequence[System], budgets: Sequence[float], seeds: Sequence[int], heads: Sequence[str]
) -> Iterator[Job]:
    """Every combination that makes sense; what needs no label has budget 0, what needs no head has ``none``."""
    splits = {seed: data.split(seed) for seed in seeds}
    for system in systems:
        if not system.applies_to(data.task.kind, data.task.output, data.task.n_classes):
            continue
        how = way(system, data.task.output)
        fitting = [head for head in heads if data.task.output == "class" or head not in CLASS_HEADS]
        for head in fitting if how == "features" else ("none",):
            for budget in (0.0,) if how == "apply" else budgets:
                for seed in seeds:
                    job = Job(data, system, head, budget, seed, splits[seed])
                    _check_labels(job)
                    yield job


def _check_labels(job: Job) -> None:
    """Refuse more labels than there are before anything is computed."""
    try:
        _ = job.labelled
    except WirelessFMError as error:
        raise WirelessFMError(f"task '{job.data.task.name}', seed {job.seed}: {error}") from error


def grouped(jobs: Sequence[Job]) -> list[list[Job]]:
    """Jobs that start from the same computation: tasks with equal inputs share the features of a system."""
    prints = {key: data.inputs.fingerprint() for key, data in {id(job.data): job.data for job in jobs}.items()}
    groups: dict[tuple[Any, ...], list[Job]] = {}
    for job in jobs:
        how = way(job.system, job.data.task.output)
        # What a rule says depends on the classes of the task.
        task = job.data.task.name if how in ("apply", "correct") else ""
        groups.setdefault((prints[id(job.data)], id(job.system), how, task), []).append(job)
    # The longest fits first, so that no worker is left with one at the end.
    return [sorted(group, key=lambda job: -len(job.labelled)) for group in groups.values()]


@dataclass(frozen=True)
class Means:
    """How fits are made: processes, whether costs are measured and splits audited, a folder that keeps embeddings."""

    n_workers: int = 1
    costs: bool = False
    audit: bool = False
    cache: Path | None = None


def fitted(jobs: Sequence[Job], means: Means = Means()) -> Iterator[tuple[int, Fitted]]:
    """Predictions of a group of jobs in the order they are finished, with the index of their job.

    The costs of rules and features are those of the first job, without the head; of a network, of every fit.

    Raises:
        WirelessFMError: features or predictions that are not finite or have the wrong shape, with the system's name.
    """
    first = jobs[0]
    how = way(first.system, first.data.task.output)
    if how == "apply":
        predictions, costs = _predictions(first), _costs(first, means)
        yield from ((i, Fitted(predictions[job.split.test], 0, 0.0, costs)) for i, job in enumerate(jobs))
    elif how == "fit":
        # Counting labels is not worth sending the channels to other processes.
        n_workers = 1 if first.system.kind == "constant" else means.n_workers
        inputs = first.data.inputs
        known = {name: column.cpu().numpy() for name, column in inputs.labels.items()}
        values = inputs.values.cpu().numpy()
        # One by one as workers get free: the labels of all fits together can be many times the channels.
        yield from _parallel((_fit_call(job, values, known, means) for job in jobs), n_workers)
    else:
        features, costs = _kept_features(first, means.cache).numpy(), _costs(first, means)
        for i, result in _parallel((_head_call(job, features) for job in jobs), means.n_workers):
            yield i, replace(result, costs=costs)


def _costs(job: Job, means: Means) -> dict[str, float]:
    # A bound knows every user and takes no part of them; what was computed elsewhere has no costs here.
    notes = job.system.notes
    if not means.costs or notes.get("genie") or notes.get(COMPUTED_ELSEWHERE):
        return {}
    system, n_outputs = job.system, job.data.task.n_classes
    if way(system, job.data.task.output) == "features":
        predict = inspect.unwrap(system.run)
    else:
        predict = partial(_apply, system, n_outputs=n_outputs)
    with one_thread(), torch.no_grad():
        return measure_costs(predict, job.data.inputs[:32])


def _kept_features(job: Job, cache: Path | None) -> Tensor:
    """Features, read from ``cache`` or written to it where weights identify what made them."""
    # What a rule says depends on the task, and its name does not say what it is, as weights do.
    if cache is None or not job.system.weights or job.system.kind == "correction":
        return _features(job)
    # The name of a system says how its embeddings are pooled and resized.
    made_by = f"{job.system.name} {job.system.weights} {job.data.inputs.fingerprint()}"
    return kept(cache, made_by, partial(_features, job))


def _features(job: Job) -> Tensor:
    system, inputs, n = job.system, job.data.inputs, len(job.data)
    with torch.no_grad():
        values = _apply(system, inputs, job.data.task.n_classes) if system.kind == "correction" else system.run(inputs)
    if not isinstance(values, Tensor) or values.dim() != 2 or len(values) != n or not values.is_floating_point():
        raise WirelessFMError(
            f"system '{job.system.name}' must return float features [sample, d] as a torch.Tensor for {n} samples, "
            f"found {_described(values)}"
        )
    return _finite(values.detach().float().cpu(), job, "features")


def _predictions(job: Job) -> Tensor:
    system, task = job.system, job.data.task
    with torch.no_grad():
        values = _apply(system, job.data.inputs, task.n_classes)
    labels = job.data.truth.labels
    expected = (len(job.data), task.n_classes) if task.output == "class" else tuple(labels.shape)
    if not isinstance(values, Tensor) or tuple(values.shape) != expected:
        raise WirelessFMError(
            f"system '{system.name}' must return {task.output} predictions {list(expected)} as a torch.Tensor for "
            f"task '{task.name}', found {_described(values)}"
        )
    return _finite(values.detach().cpu(), job, "predictions")


def _apply(system: System, csi: CSI, n_outputs: int) -> Any:
    if system.kind in ("rule", "external", "correction"):
        return system.run(csi, n_outputs)
    assert system.complete is not None
    return system.complete(csi)


def _described(values: Any) -> str:
    return f"{values.dtype} {list(values.shape)}" if isinstance(values, Tensor) else type(values).__name__


def _finite(values: Tensor, job: Job, what: str) -> Tensor:
    bad = int((~torch.isfinite(values)).flatten(1).any(dim=1).sum())
    if bad:
        raise WirelessFMError(
            f"system '{job.system.name}' returned NaN or infinite {what} for {bad} of {len(values)} samples of task "
            f"'{job.data.task.name}'"
        )
    return values


Call = tuple[Callable[..., Fitted], tuple[Any, ...]]


def _head_call(job: Job, features: np.ndarray) -> Call:
    labels = job.data.truth.labels[job.labelled]
    return fit_on_features, (
        features,
        labels,
        job.labelled,
        job.split.test,
        fit_corrected if job.system.kind == "correction" else partial(fit_head, job.head),
        job.data.task.n_classes,
        job.seed,
    )


def _fit_call(job: Job, values: np.ndarray, known: dict[str, np.ndarray], means: Means) -> Call:
    like = replace(job.data.inputs, values=job.data.inputs.values[:0], labels={})
    labels = job.data.truth.labels[job.labelled]
    return fit_on_csi, (
        values,
        known,
        labels,
        job.labelled,
        job.split.test,
        job.system.run,
        like,
        job.data.task.n_classes,
        job.seed,
        means.costs,
    )


def _parallel(calls: Iterable[Call], n_workers: int) -> Iterator[tuple[int, Fitted]]:
    parallel = Parallel(n_jobs=n_workers, return_as="generator_unordered", pre_dispatch="2*n_jobs")
    yield from parallel(delayed(_numbered)(i, os.getpid(), *call) for i, call in enumerate(calls))


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
