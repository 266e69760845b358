"""Result rows -> one ranked table for each task: mean and standard deviation over seeds."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from wirelessfm.errors import WirelessFMError
from wirelessfm.tasks.row import Row

# A metric with one of these words in its name is an error, a loss or a distance in metres; the others are scores.
LOWER_IS_BETTER = {"nmse", "mse", "rmse", "mae", "error", "loss", "ber", "bler", "ser", "regret", "m"}


def lower_is_better(metric: str) -> bool:
    """Whether smaller values of ``metric`` are better, told by the words of its name."""
    return not LOWER_IS_BETTER.isdisjoint(metric.lower().replace("-", "_").split("_"))


# Name, kind, whether pretrained, and the hash of pretrained weights.
System = tuple[str, str, bool, str]


@dataclass(frozen=True)
class Statistic:
    """Mean and sample standard deviation over ``n`` seeds; no deviation is known from one seed."""

    mean: float
    std: float | None
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Statistic:
        """Statistic of at least one value; a value that is missing or not finite makes the mean not a number."""
        if not all(isinstance(v, int | float) and math.isfinite(v) for v in values):
            return cls(math.nan, None, len(values))
        std = statistics.stdev(values) if len(values) > 1 else None
        return cls(statistics.fmean(values), std, len(values))


@dataclass(frozen=True)
class Cell:
    """One system with one head at one label budget."""

    score: Statistic
    metrics: Mapping[str, Statistic]
    n_labels: float
    n_test: int
    fit_seconds: float

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Cell:
        """Cell of rows that differ only in their seed."""
        names = dict.fromkeys(name for row in rows for name in row.metrics)
        return cls(
            score=Statistic.of([row.score for row in rows]),
            metrics={name: Statistic.of([r.metrics[name] for r in rows if name in r.metrics]) for name in names},
            n_labels=statistics.fmean(row.n_labels for row in rows),
            n_test=max(row.n_test for row in rows),
            fit_seconds=statistics.fmean(row.fit_seconds for row in rows),
        )


@dataclass(frozen=True)
class Entry:
    """One line of a ranking: a system with a head, at every label budget (0: without labels)."""

    name: str
    head: str
    kind: str
    pretrained: bool
    saw_test_scene: bool
    n_parameters: int
    cells: Mapping[float, Cell]

    @property
    def label(self) -> str:
        """System and head."""
        return self.name if self.head == "none" else f"{self.name} + {self.head}"

    @property
    def is_learned(self) -> bool:
        """Whether labels or pretraining are used at all."""
        return self.kind not in ("rule", "constant")

    @property
    def is_foundation_model(self) -> bool:
        """Whether its weights were pretrained; all else is a baseline."""
        return self.pretrained

    @property
    def is_label_free(self) -> bool:
        """Whether there is one value only, without labels, which then holds at every budget."""
        return set(self.cells) == {0.0}

    def at(self, budget: float) -> Cell | None:
        """The result available to someone with this label budget."""
        return self.cells[0.0] if self.is_label_free else self.cells.get(budget)


@dataclass(frozen=True)
class TaskTable:
    """The ranking of one task.

    Attributes:
        task, scenes, metric: as in the rows.
        budgets: label budgets above 0, ascending.
        rank_budget: the budget that orders ``entries``, best first.
        warnings: sentences about what limits the comparison.
    """

    task: str
    scenes: tuple[str, ...]
    metric: str
    budgets: tuple[float, ...]
    rank_budget: float
    entries: tuple[Entry, ...]
    warnings: tuple[str, ...]

    @property
    def lower_is_better(self) -> bool:
        """Direction of the ranking metric."""
        return lower_is_better(self.metric)

    def n_labels(self, budget: float) -> float:
        """Number of labels at a budget, averaged over entries."""
        return statistics.fmean(e.cells[budget].n_labels for e in self.entries if budget in e.cells)

    def ranked(self, budget: float) -> list[Entry]:
        """Entries with a finite result at ``budget``, best first."""
        sign = 1 if self.lower_is_better else -1
        scores = [(cell.score.mean, entry) for entry in self.entries if (cell := entry.at(budget))]
        return [e for _, e in sorted((s for s in scores if math.isfinite(s[0])), key=lambda s: sign * s[0])]


def task_tables(rows: Sequence[Row], rank_budget: float | None = None) -> list[TaskTable]:
    """Aggregate rows into one table for each task, in order of appearance.

    Of rows that answer the same question (same system, weights, head, budget and seed) the last counts.

    Args:
        rows: at least one.
        rank_budget: label budget that orders the tables of the tasks that have it. Otherwise, and for None, it is
            the smallest budget above 0 at which most systems were tested.

    Raises:
        WirelessFMError: no rows, no row with ``rank_budget``, or a task ranked by different metrics.
    """
    if not rows:
        raise WirelessFMError("expected at least one result row, found none; run an evaluation first")
    budgets = {round(row.budget, 6) for row in rows}
    if rank_budget is not None and rank_budget not in budgets:
        known = ", ".join(f"{b:g}" for b in sorted(budgets))
        raise WirelessFMError(f"expected rank_budget to be one of the label budgets {known}, found {rank_budget:g}")
    by_task: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_task[row.task].append(row)
    names = _names(rows)
    return [_task_table(task, group, names, rank_budget) for task, group in by_task.items()]


def _system(row: Row) -> System:
    # Random weights differ from seed to seed and are still one system; trained weights are what is compared.
    return (row.system, row.kind, row.pretrained, row.weights if row.pretrained else "")


def _names(rows: Iterable[Row]) -> dict[System, str]:
    """A display name for each system: with a hash or a kind only where the plain name is ambiguous."""
    systems = dict.fromkeys(_system(row) for row in rows)
    names = {}
    for system, kind, pretrained, weights in systems:
        name = f"{system} (untrained)" if kind == "encoder" and not pretrained else system
        if len({s[1] for s in systems if s[0] == system}) > 1:
            name += f" ({kind})"
        if len([s for s in systems if s[:3] == (system, kind, pretrained)]) > 1:
            name += f" [{weights[:8] or 'no hash'}]"
        names[system, kind, pretrained, weights] = name
    return names


def _metric(task: str, rows: Sequence[Row]) -> str:
    """The one metric that ranks these rows and that all of them have."""
    metrics = sorted({row.metric for row in rows})
    if len(metrics) > 1:
        raise WirelessFMError(
            f"task '{task}' is ranked by different metrics: {', '.join(metrics)}; "
            "report these rows separately or evaluate the systems again with one version of the task"
        )
    if incomplete := [row.system for row in rows if row.metric not in row.metrics]:
        raise WirelessFMError(f"task '{task}': the row of '{incomplete[0]}' has no value of '{metrics[0]}'")
    return metrics[0]


def _task_table(task: str, rows: Sequence[Row], names: Mapping[System, str], rank_budget: float | None) -> TaskTable:
    metric = _metric(task, rows)
    unique = {(_system(row), row.head, round(row.budget, 6), row.seed): row for row in rows}
    cells: dict[tuple[System, str], dict[float, list[Row]]] = {}
    for (system, head, budget, _), row in unique.items():
        cells.setdefault((system, head), {}).setdefault(budget, []).append(row)
    entries = [_entry(names[system], by_budget) for (system, _), by_budget in cells.items()]
    budgets = tuple(sorted({b for e in entries for b in e.cells if b > 0}))
    chosen = rank_budget if rank_budget in budgets else _rank_budget(entries, budgets)
    scenes = tuple(dict.fromkeys(scene for row in rows for scene in row.scenes))
    warnings = _warnings(list(unique.values()), entries, len(rows) - len(unique))
    table = TaskTable(task, scenes, metric, budgets, chosen, tuple(entries), warnings)
    ranked = table.ranked(chosen)
    return replace(table, entries=(*ranked, *(e for e in entries if e not in ranked)))


def _entry(name: str, by_budget: Mapping[float, list[Row]]) -> Entry:
    rows = [row for group in by_budget.values() for row in group]
    return Entry(
        name=name,
        head=rows[0].head,
        kind=rows[0].kind,
        pretrained=rows[0].pretrained,
        saw_test_scene=any(row.saw_test_scene for row in rows),
        n_parameters=max(row.n_parameters for row in rows),
        cells={budget: Cell.of(by_budget[budget]) for budget in sorted(by_budget)},
    )


def _rank_budget(entries: Sequence[Entry], budgets: Sequence[float]) -> float:
    """The smallest budget at which most entries have a result; 0 where nothing uses labels."""
    return max(budgets, key=lambda b: (sum(b in e.cells for e in entries), -b), default=0.0)


def _warnings(rows: Sequence[Row], entries: Sequence[Entry], n_repeated: int) -> tuple[str, ...]:
    splits: dict[tuple[float, int], set[str]] = defaultdict(set)
    for row in rows:
        splits[row.budget, row.seed].add(row.split)
    warnings = []
    if any(len(found) > 1 for found in splits.values()):
        warnings.append(
            "Not every system was tested on the same samples: split fingerprints differ within a seed and budget "
            "(see the provenance tables), so these numbers are not strictly comparable."
        )
    scores = [cell.score for entry in entries for cell in entry.cells.values()]
    if single := sum(score.n == 1 for score in scores):
        amount = "One seed only" if single == len(scores) else f"One seed only in {single} of {len(scores)} results"
        warnings.append(f"{amount}: the spread is unknown there, and small differences mean nothing.")
    if n_repeated:
        warnings.append(f"{n_repeated} rows were repeated (same system, budget and seed); the last of each counts.")
    return tuple(warnings)
