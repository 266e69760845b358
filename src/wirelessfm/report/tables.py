"""Result rows -> one ranked table for each task, case and set of test scenes: mean and deviation over seeds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from wirelessfm.errors import WirelessFMError
from wirelessfm.metrics import lower_is_better
from wirelessfm.report.entries import Entry
from wirelessfm.report.unique import System, sentences, system_of, unique_rows
from wirelessfm.tasks import TASKS
from wirelessfm.tasks.row import Row

# Task, generalisation case and test scenes: numbers of one question are comparable.
Question = tuple[str, str, tuple[str, ...]]


@dataclass(frozen=True)
class TaskTable:
    """The ranking of one task in one case and in the same test scenes.

    Attributes:
        task, case, scenes, metric: as in the rows.
        title: the task, with case and scenes where the page has several.
        budgets: label budgets above 0, ascending.
        rank_budget: the budget that orders ``entries``, best first.
        warnings: sentences about what limits the comparison.
    """

    task: str
    case: str
    scenes: tuple[str, ...]
    title: str
    metric: str
    budgets: tuple[float, ...]
    rank_budget: float
    entries: tuple[Entry, ...]
    warnings: tuple[str, ...]

    @property
    def family(self) -> str:
        """Kind of the task; of a task that is not registered, the first word of its name."""
        return TASKS[self.task].kind if self.task in TASKS else self.task.partition("-")[0]

    @property
    def lower_is_better(self) -> bool:
        """Direction of the ranking metric."""
        return lower_is_better(self.metric)

    def n_labels(self, budget: float) -> float:
        """Number of labels at this budget, mean over systems."""
        counts = [e.cells[budget].n_labels for e in self.entries if budget in e.cells]
        return sum(counts) / len(counts) if counts else 0.0

    def ordered(self, budget: float) -> list[Entry]:
        """Entries with a finite score at ``budget``, best first; a rule without labels competes at every budget."""
        sign = 1 if self.lower_is_better else -1
        scores = [(entry.score_at(budget), entry) for entry in self.entries]
        return [e for _, e in sorted((s for s in scores if math.isfinite(s[0])), key=lambda s: sign * s[0])]

    def ranked(self, budget: float) -> list[Entry]:
        """As `ordered`, without bounds, which use what no receiver knows."""
        return [entry for entry in self.ordered(budget) if not entry.is_bound]


def task_tables(rows: Sequence[Row], rank_budget: float | None = None) -> list[TaskTable]:
    """Aggregate rows into one table for each task, case and set of scenes, in order of appearance.

    Of rows that answer the same question (same system, weights, head, budget, seed and split) the last counts; of
    rows of one system and seed on several splits, those on the split that most systems have.

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
    by_question: dict[Question, list[Row]] = defaultdict(list)
    for row in rows:
        by_question[row.task, row.case, tuple(sorted(set(row.scenes)))].append(row)
    names, titles = _names(rows), _titles(list(by_question))
    return [_task_table(q, group, titles[q], names, rank_budget) for q, group in by_question.items()]


def _names(rows: Iterable[Row]) -> dict[System, str]:
    """A display name for each system: with a hash or a kind only where the plain name is ambiguous."""
    systems = dict.fromkeys(system_of(row) for row in rows)
    kinds, same = defaultdict(set), defaultdict(list)
    for found in systems:
        kinds[found[0]].add(found[1])
        same[found[:3]].append(found)
    names = {}
    for system, kind, pretrained, weights in systems:
        name = f"{system} (untrained)" if kind == "encoder" and not pretrained else system
        if len(kinds[system]) > 1:
            name += f" ({kind})"
        if len(same[system, kind, pretrained]) > 1:
            name += f" [{weights[:8] or 'no hash'}]"
        names[system, kind, pretrained, weights] = name
    return names


def _titles(questions: Sequence[Question]) -> dict[Question, str]:
    cases = {case for _, case, _ in questions}
    places: dict[tuple[str, str], set[tuple[str, ...]]] = defaultdict(set)
    for task, case, scenes in questions:
        places[task, case].add(scenes)
    titles = {}
    for task, case, scenes in questions:
        parts = [task] + [f"case {case}"] * (len(cases) > 1)
        parts += [", ".join(scenes) or "unnamed scenes"] * (len(places[task, case]) > 1)
        titles[task, case, scenes] = " · ".join(parts)
    return titles


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


def _task_table(
    question: Question, rows: Sequence[Row], title: str, names: Mapping[System, str], rank_budget: float | None
) -> TaskTable:
    metric = _metric(title, rows)
    unique = unique_rows(rows)
    cells: dict[tuple[System, str], dict[float, list[Row]]] = {}
    for row in unique.rows:
        by_budget = cells.setdefault((system_of(row), row.head), {})
        by_budget.setdefault(round(row.budget, 6), []).append(row)
    entries = tuple(Entry.of(names[system], by_budget) for (system, _), by_budget in cells.items())
    budgets = tuple(_by_labels((b, cell.n_labels) for e in entries for b, cell in e.cells.items() if b > 0))
    chosen = rank_budget if rank_budget in budgets else _rank_budget(entries, budgets)
    warnings = (*_warnings(unique.rows, entries), *sentences(unique))
    table = TaskTable(*question, title, metric, budgets, chosen, entries, warnings)
    ordered = table.ordered(chosen)
    found = {id(e) for e in ordered}
    return replace(table, entries=(*ordered, *(e for e in entries if id(e) not in found)))


def _rank_budget(entries: Sequence[Entry], budgets: Sequence[float]) -> float:
    """The first budget at which most entries have a result; 0 where nothing uses labels."""
    return max(budgets, key=lambda b: sum(b in e.cells for e in entries), default=0.0)


def all_budgets(tables: Sequence[TaskTable]) -> list[float]:
    """Label budgets above 0 of any table, by how many labels they are."""
    return _by_labels((budget, table.n_labels(budget)) for table in tables for budget in table.budgets)


def _by_labels(found: Iterable[tuple[float, float]]) -> list[float]:
    """Budgets of (budget, number of labels) by the mean of these: fractions and numbers of labels in one order."""
    counts: dict[float, list[float]] = defaultdict(list)
    for budget, n_labels in found:
        counts[budget].append(n_labels)
    return sorted(counts, key=lambda b: sum(counts[b]) / len(counts[b]))


# Share of tested samples with a near copy in training from which a table says so.
_MANY_COPIES = 0.05


def _warnings(rows: Sequence[Row], entries: Sequence[Entry]) -> tuple[str, ...]:
    splits: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        splits[row.seed].add(row.split)
    warnings = []
    if any(len(found) > 1 for found in splits.values()):
        warnings.append(
            "Not every system was tested on the same samples: split fingerprints differ within a seed "
            "(see the provenance tables), so these numbers are not strictly comparable."
        )
    scores = [cell.score for entry in entries for cell in entry.cells.values()]
    if single := sum(score.n == 1 for score in scores):
        amount = "One seed only" if single == len(scores) else f"One seed only in {single} of {len(scores)} results"
        warnings.append(f"{amount}: the spread is unknown there, and small differences mean nothing.")
    share = max((row.notes.get("near_duplicate_share") or 0 for row in rows), default=0)
    if share > _MANY_COPIES:
        warnings.append(
            f"Up to {100 * share:.0f} % of the tested samples have a near copy among the training samples "
            "(correlation of at least 0.999 in magnitude): who remembers does well here."
        )
    return tuple(warnings)
