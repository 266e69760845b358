"""Plain sentences: who wins at each label budget, and whether a pretrained encoder was needed for it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from wirelessfm.report.tables import Entry, Statistic, TaskTable


@dataclass(frozen=True)
class Verdict:
    """One sentence; ``baseline_wins`` where the best result did not come from a pretrained encoder."""

    sentence: str
    baseline_wins: bool


def verdicts(table: TaskTable) -> list[Verdict]:
    """One verdict for each label budget that has results."""
    return [v for budget in table.budgets or (0.0,) if (v := _verdict(table, budget))]


def number(value: float, metric: str) -> str:
    """A metric's value: two decimals for decibels, metres and values from 10, three for fractions."""
    if math.isnan(value):
        return "not finite"
    decimals = 2 if metric.rpartition("_")[2] in ("db", "m") or abs(value) >= 10 else 3
    return f"{value:.{decimals}f}".replace("-", "−")


def spread(score: Statistic, metric: str) -> str:
    """Mean ± standard deviation; a dash where one seed tells no spread."""
    return f"{number(score.mean, metric)}\u00a0±\u00a0{'–' if score.std is None else number(score.std, metric)}"


def labels(budget: float) -> str:
    """A label budget in words."""
    return "0 labels" if budget == 0 else f"{100 * budget:g} % labels"


def _verdict(table: TaskTable, budget: float) -> Verdict | None:
    ranked = table.ranked(budget)
    if not ranked:
        return None
    best = ranked[0]
    rival, description = _rival(best, ranked[1:])
    sentence = f"{_subject(best)} wins at {labels(budget)}: {spread(_score(best, budget), table.metric)}"
    if rival is None:
        return Verdict(f"{sentence}; there is {description} to compare with.", not best.is_foundation_model)
    sentence += f" against {spread(_score(rival, budget), table.metric)} for {rival.label}, {description}."
    if _is_narrow(_score(best, budget), _score(rival, budget)):
        sentence += " The lead is not larger than the spread over seeds."
    if best.saw_test_scene:
        sentence += " The winner saw the test scene in pretraining."
    return Verdict(sentence, not best.is_foundation_model)


def _subject(entry: Entry) -> str:
    if not entry.is_learned:
        free = "zero-label " if entry.is_label_free else ""
        return f"The {free}{entry.kind} {entry.label}"
    return entry.label if entry.is_foundation_model else f"The baseline {entry.label}"


def _rival(best: Entry, others: Iterable[Entry]) -> tuple[Entry | None, str]:
    """The entry the winner must be compared with, and what it is."""
    if best.is_foundation_model:
        candidates, kind = [e for e in others if not e.is_foundation_model], "system without pretrained weights"
    elif best.is_learned:
        candidates, kind = [e for e in others if e.is_foundation_model], "pretrained encoder"
    else:
        candidates, kind = [e for e in others if e.is_learned], "learned system"
    return (candidates[0], f"the best {kind}") if candidates else (None, f"no {kind}")


def _score(entry: Entry, budget: float) -> Statistic:
    cell = entry.at(budget)
    return cell.score if cell else Statistic(math.nan, None, 0)


def _is_narrow(first: Statistic, second: Statistic) -> bool:
    return abs(first.mean - second.mean) <= max(first.std or 0.0, second.std or 0.0)
