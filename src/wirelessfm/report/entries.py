"""Rows that differ in their seed alone are one cell; the cells of a system with a head are one line of a ranking."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wirelessfm.report.flags import GENIE, SAW_TEST_SCENE, Flag, flags_of
from wirelessfm.tasks.row import Row


@dataclass(frozen=True)
class Statistic:
    """Mean and sample standard deviation over ``n`` seeds; no deviation is known from one seed."""

    mean: float
    std: float | None
    n: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Statistic:
        """Statistic of at least one value; a value that is missing or not finite makes the mean not a number."""
        if not all(is_number(v) for v in values):
            return cls(math.nan, None, len(values))
        mean, n = statistics.fmean(values), len(values)
        std = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1)) if n > 1 else None
        return cls(mean, std, n)


def is_number(value: object) -> bool:
    """Whether a value out of a row is a finite number; JSON may hold anything."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@dataclass(frozen=True)
class Cell:
    """One system with one head at one label budget; ``rows`` has one row a seed."""

    score: Statistic
    metrics: Mapping[str, Statistic]
    n_labels: float
    n_test: int
    fit_seconds: float
    rows: tuple[Row, ...]

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
            rows=tuple(rows),
        )


@dataclass(frozen=True)
class Entry:
    """One line of a ranking: a system with a head, at every label budget (0: without labels).

    Attributes:
        name, head, kind, pretrained, n_parameters: as in the rows; the name is unambiguous.
        flags: of any of its rows.
        costs: name to mean over the rows that have it.
        cells: label budget to result.
    """

    name: str
    head: str
    kind: str
    pretrained: bool
    n_parameters: int
    flags: tuple[Flag, ...]
    costs: Mapping[str, float]
    cells: Mapping[float, Cell]

    @classmethod
    def of(cls, name: str, by_budget: Mapping[float, Sequence[Row]]) -> Entry:
        """Entry of the rows of one system and head, by label budget."""
        rows = [row for group in by_budget.values() for row in group]
        return cls(
            name=name,
            head=rows[0].head,
            kind=rows[0].kind,
            pretrained=rows[0].pretrained,
            n_parameters=max(row.n_parameters for row in rows),
            flags=flags_of(rows),
            costs=_mean_costs(rows),
            cells={budget: Cell.of(by_budget[budget]) for budget in sorted(by_budget)},
        )

    @property
    def label(self) -> str:
        """System and head."""
        return self.name if self.head == "none" else f"{self.name} + {self.head}"

    @property
    def is_learned(self) -> bool:
        """Whether labels or pretraining are used at all."""
        return self.kind not in ("rule", "constant")

    @property
    def saw_test_scene(self) -> bool:
        """Whether a test scene is among its pretraining corpora."""
        return SAW_TEST_SCENE in self.flags

    @property
    def is_bound(self) -> bool:
        """Whether it uses what no receiver knows: shown for comparison, without a place."""
        return GENIE in self.flags

    @property
    def is_label_free(self) -> bool:
        """Whether there is one value only, without labels, which then holds at every budget."""
        return set(self.cells) == {0.0}

    @property
    def rows(self) -> list[Row]:
        """All rows, by budget and seed."""
        return [row for budget in sorted(self.cells) for row in self.cells[budget].rows]

    def at(self, budget: float) -> Cell | None:
        """The result available to someone with this label budget."""
        return self.cells[0.0] if self.is_label_free else self.cells.get(budget)

    def score_at(self, budget: float) -> float:
        """Mean score at this label budget; not a number where there is none."""
        cell = self.at(budget)
        return cell.score.mean if cell else math.nan


def _mean_costs(rows: Sequence[Row]) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name, value in row.costs.items():
            if is_number(value):
                values[name].append(value)
    return {name: statistics.fmean(found) for name, found in values.items()}
