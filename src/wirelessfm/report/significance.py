"""Paired comparison of two systems: differences on the same task, split, label budget and seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, ttest_1samp, wilcoxon

from wirelessfm.report.entries import Entry, is_number
from wirelessfm.report.tables import TaskTable


@dataclass(frozen=True)
class Paired:
    """The best system of a task against another one.

    Attributes:
        entry: the other system.
        n: pairs with the same split and seed; 0 where the two were never tested on the same split.
        difference: mean of best minus other, in the unit of the metric.
        wins: pairs in which the best is better.
        p_t, p_wilcoxon: two-sided, of the paired t-test and the Wilcoxon signed-rank test; None with fewer than two
            pairs, and for the t-test where all differences are equal.
    """

    entry: Entry
    n: int
    difference: float
    wins: int
    p_t: float | None
    p_wilcoxon: float | None


def best_against_others(table: TaskTable, budget: float) -> list[Paired]:
    """The best entry of ``table`` at ``budget`` against every other one, in the order of their scores."""
    ranked = table.ranked(budget)
    differences = [_differences(ranked[0], other, budget) for other in ranked[1:]]
    p_t, p_wilcoxon = _p_values(differences, _t_test), _p_values(differences, _wilcoxon)
    sign = -1 if table.lower_is_better else 1
    return [
        Paired(other, len(d), float(d.mean()) if len(d) else np.nan, int((sign * d > 0).sum()), p_t[i], p_wilcoxon[i])
        for i, (other, d) in enumerate(zip(ranked[1:], differences, strict=True))
    ]


def sign_test(wins: int, losses: int) -> float:
    """Two-sided p of so unequal numbers of wins and losses where either is as likely; ties are left out."""
    n = wins + losses
    return min(1.0, 2 * float(binom.cdf(min(wins, losses), n, 0.5))) if n else 1.0


def wins_and_losses(
    first: Sequence[Entry | None], second: Sequence[Entry | None], tables: Sequence[TaskTable], budget: float
) -> tuple[int, int]:
    """Pairs over tasks, splits and seeds in which the first of two systems is better, and worse."""
    wins = losses = 0
    for a, b, table in zip(first, second, tables, strict=True):
        if a and b:
            gain = _differences(a, b, budget) * (-1 if table.lower_is_better else 1)
            wins, losses = wins + int((gain > 0).sum()), losses + int((gain < 0).sum())
    return wins, losses


def smallest_p(n_pairs: int) -> float:
    """The smallest p that a sign or Wilcoxon test of ``n_pairs`` can give: all pairs on one side."""
    return min(1.0, 2.0 ** (1 - n_pairs))


def _differences(best: Entry, other: Entry, budget: float) -> np.ndarray:
    ours, theirs = (_by_split(entry, budget) for entry in (best, other))
    return np.array([ours[key] - theirs[key] for key in ours if key in theirs])


def _by_split(entry: Entry, budget: float) -> dict[tuple[str, int], float]:
    cell = entry.at(budget)
    return {(row.split, row.seed): row.score for row in cell.rows if is_number(row.score)} if cell else {}


def _p_values(differences: Sequence[np.ndarray], test: Callable[[np.ndarray], np.ndarray]) -> list[float | None]:
    """One call of scipy for all systems with the same number of pairs."""
    found: list[float | None] = [None] * len(differences)
    for n in {len(d) for d in differences if len(d) > 1}:
        places = [i for i, d in enumerate(differences) if len(d) == n]
        for i, p in zip(places, test(np.stack([differences[i] for i in places])), strict=True):
            found[i] = float(p) if np.isfinite(p) else None
    return found


def _t_test(differences: np.ndarray) -> np.ndarray:
    varied = np.ptp(differences, axis=1) > 1e-12 * np.abs(differences).max(axis=1)
    p = np.full(len(differences), np.nan)
    if varied.any():
        p[varied] = ttest_1samp(differences[varied], 0.0, axis=1).pvalue
    return p


def _wilcoxon(differences: np.ndarray) -> np.ndarray:
    p = np.ones(len(differences))
    # The exact distribution holds without zeros; with some, scipy drops them row by row.
    zero = differences == 0
    whole = ~zero.any(axis=1)
    if whole.any():
        p[whole] = wilcoxon(differences[whole], axis=1, method="exact").pvalue
    for row in np.flatnonzero(~whole & ~zero.all(axis=1)):
        p[row] = wilcoxon(differences[row][~zero[row]], method="exact").pvalue
    return p
