"""Plain sentences: who wins at each label budget, and whether a pretrained encoder was needed for it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from wirelessfm.report.entries import Entry, Statistic
from wirelessfm.report.tables import TaskTable
from wirelessfm.report.wording import labels, spread, with_unit


@dataclass(frozen=True)
class Verdict:
    """One sentence; ``baseline_wins`` where the best result did not come from a pretrained encoder."""

    sentence: str
    baseline_wins: bool


def verdicts(table: TaskTable) -> list[Verdict]:
    """One verdict for each label budget that has results."""
    return [v for budget in table.budgets or (0.0,) if (v := _verdict(table, budget))]


def _verdict(table: TaskTable, budget: float) -> Verdict | None:
    ranked = table.ranked(budget)
    if not ranked:
        return None
    best = ranked[0]
    rival, description = _rival(best, ranked[1:])
    sentence = f"{_subject(best)} wins at {labels(budget)}: {_written(best, budget, table.metric)}"
    if rival is None:
        return Verdict(f"{sentence}; there is {description} to compare with.", not best.pretrained)
    sentence += f" against {_written(rival, budget, table.metric)} for {rival.label}, {description}."
    if _is_narrow(_score(best, budget), _score(rival, budget)):
        sentence += " The lead is not larger than the spread over seeds."
    if best.saw_test_scene:
        sentence += " The winner saw the test scene in pretraining" + _best_unseen(ranked, budget, table.metric)
    return Verdict(sentence, not best.pretrained)


def _best_unseen(ranked: Iterable[Entry], budget: float, metric: str) -> str:
    unseen = next((e for e in ranked if not e.saw_test_scene), None)
    return (
        f"; of those that did not, the best is {unseen.label}, {_written(unseen, budget, metric)}." if unseen else "."
    )


def _subject(entry: Entry) -> str:
    if not entry.is_learned:
        free = "zero-label " if entry.is_label_free else ""
        return f"The {free}{entry.kind} {entry.label}"
    if entry.kind == "external":
        return f"The self-reported {entry.label}"
    return entry.label if entry.pretrained else f"The baseline {entry.label}"


def _rival(best: Entry, others: Iterable[Entry]) -> tuple[Entry | None, str]:
    """The entry the winner must be compared with, and what it is."""
    if best.pretrained:
        candidates, kind = [e for e in others if not e.pretrained], "system without pretrained weights"
    elif best.is_learned:
        candidates, kind = [e for e in others if e.pretrained], "pretrained encoder"
    else:
        candidates, kind = [e for e in others if e.is_learned], "learned system"
    return (candidates[0], f"the best {kind}") if candidates else (None, f"no {kind}")


def _written(entry: Entry, budget: float, metric: str) -> str:
    return with_unit(spread(_score(entry, budget), metric), metric)


def _score(entry: Entry, budget: float) -> Statistic:
    cell = entry.at(budget)
    return cell.score if cell else Statistic(math.nan, None, 0)


def _is_narrow(first: Statistic, second: Statistic) -> bool:
    return abs(first.mean - second.mean) <= max(first.std or 0.0, second.std or 0.0)
