"""Numbers and budgets in words, the same everywhere on the page."""

from __future__ import annotations

import math

from wirelessfm.report.tables import Entry, Statistic


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


def share(budget: float) -> str:
    """A label budget as the head of a column."""
    return f"{100 * budget:g} %" if budget else "0 labels"


def grouped(n: float) -> str:
    """A count with thin spaces between thousands."""
    return f"{n:,.0f}".replace(",", "\u2009")


def magnitude(n: int) -> str:
    """A count to three digits with its unit prefix; a dash for none."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= size:
            return f"{n / size:.3g}\u2009{unit}"
    return str(n) if n else "–"


def kind_name(entry: Entry) -> str:
    """Kind of system in a word or two."""
    if entry.pretrained:
        return f"pretrained {entry.kind}"
    return "encoder, untrained" if entry.kind == "encoder" else entry.kind
