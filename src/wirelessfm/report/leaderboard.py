"""Several tasks in one order: mean rank and mean normalised score over the tasks that all listed systems share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import rankdata

from wirelessfm.report.entries import Entry
from wirelessfm.report.flags import FLAGS
from wirelessfm.report.tables import TaskTable


@dataclass(frozen=True)
class Standing:
    """One line of a leaderboard.

    Attributes:
        entry: the system and head; with the flags it has in any of the tasks.
        found: its entry in each table, None where it was not tested. A system that needs no head for a task (as an
            encoder that completes channels itself) stands there in the line of each of its heads.
        scores: mean score in each table; not a number where it is missing.
        ranks: among all systems tested but bounds, equal scores sharing the mean of their places; None where missing.
        is_listed: among those that are ranked, see :func:`leaderboard`.
        mean_rank, mean_score: over the shared tasks; None for a system not listed, or without a shared task.
    """

    entry: Entry
    found: tuple[Entry | None, ...]
    scores: tuple[float, ...]
    ranks: tuple[float | None, ...]
    is_listed: bool
    mean_rank: float | None
    mean_score: float | None


@dataclass(frozen=True)
class Leaderboard:
    """Standings at one label budget, best mean rank first; ``shared`` marks the tasks that enter the means."""

    tables: tuple[TaskTable, ...]
    budget: float
    shared: tuple[bool, ...]
    standings: tuple[Standing, ...]


def leaderboard(tables: Sequence[TaskTable], budget: float) -> Leaderboard:
    """Order the systems of several tasks.

    Listed are the systems tested on at least so many tasks that the number of listed systems times the number of
    tasks that all of them share is largest: a rule for one kind of task does not shrink what the others are compared
    on. The means are over the shared tasks, of the rank and of the normalised score: 0 for the worst system of the
    task, 1 for the best, linear between them in the unit of the metric (1 for all where all are equal).

    Args:
        tables: at least one.
        budget: label budget; what needs no labels competes at every one.
    """
    found = _lines(tables)
    entries = {line: _joined([e for e in across if e]) for line, across in found.items()}
    scores = np.array([[e.score_at(budget) if e else math.nan for e in across] for across in found.values()])
    tested = np.isfinite(scores)
    competes = np.array([not entry.is_bound for entry in entries.values()])
    listed = _listed(tested, competes)
    shared = tested[listed].all(axis=0) & listed.any()
    ranks, points = np.full(scores.shape, math.nan), np.full(scores.shape, math.nan)
    for i, table in enumerate(tables):
        taking_part = tested[:, i] & competes
        gain = scores[taking_part, i] * (-1 if table.lower_is_better else 1)
        ranks[taking_part, i] = rankdata(-gain)
        points[taking_part, i] = _normalised(gain)
    standings = [
        Standing(
            entry=entries[line],
            found=found[line],
            scores=tuple(map(float, scores[row])),
            ranks=tuple(None if math.isnan(rank) else float(rank) for rank in ranks[row]),
            is_listed=bool(listed[row]),
            mean_rank=_mean(ranks[row, shared]) if listed[row] else None,
            mean_score=_mean(points[row, shared]) if listed[row] else None,
        )
        for row, line in enumerate(found)
        if tested[row].any()
    ]
    return Leaderboard(tuple(tables), budget, tuple(map(bool, shared)), tuple(sorted(standings, key=_place)))


def _listed(tested: np.ndarray, competes: np.ndarray) -> np.ndarray:
    """The systems that enter the means, bool [system]; of equally large choices the one with more systems."""
    counts = tested.sum(axis=1)
    choices = [competes & (counts >= least) for least in sorted(set(counts[competes & (counts > 0)].tolist()))]
    sizes = [(int(rows.sum() * tested[rows].all(axis=0).sum()), -i) for i, rows in enumerate(choices)]
    return choices[-max(sizes)[1]] if choices else competes & False


def _lines(tables: Sequence[TaskTable]) -> dict[str, tuple[Entry | None, ...]]:
    """Label of system and head to its entry in every table."""
    by_table = [{(e.name, e.head): e for e in table.entries} for table in tables]
    keys = dict.fromkeys(key for entries in by_table for key in entries)
    with_head = {name for name, head in keys if head != "none"}
    lines = {}
    for name, head in keys:
        if head != "none" or name not in with_head:
            across = tuple(entries.get((name, head)) or entries.get((name, "none")) for entries in by_table)
            lines[name if head == "none" else f"{name} + {head}"] = across
    return lines


def _joined(entries: Sequence[Entry]) -> Entry:
    found = {flag for e in entries for flag in e.flags}
    first = max(entries, key=lambda e: e.head != "none")
    return replace(
        first, flags=tuple(flag for flag in FLAGS if flag in found), n_parameters=max(e.n_parameters for e in entries)
    )


def _normalised(gain: np.ndarray) -> np.ndarray:
    span = np.ptp(gain) if gain.size else 0.0
    return (gain - gain.min()) / span if span > 0 else np.ones_like(gain)


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if values.size else None


def _place(standing: Standing) -> tuple[bool, float, float, str]:
    rank = math.inf if standing.mean_rank is None else standing.mean_rank
    return (not standing.is_listed, rank, -(standing.mean_score or 0.0), standing.entry.label)
