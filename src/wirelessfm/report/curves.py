"""Curves of the ranking metric: over the number of labels, one panel for each head, and over the SNR."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from wirelessfm.report.entries import Entry, Statistic
from wirelessfm.report.figure import inline_svg, label_axes, new_plot
from wirelessfm.report.looks import Look
from wirelessfm.report.markup import Html
from wirelessfm.report.tables import TaskTable
from wirelessfm.report.wording import grouped, share, shown, with_direction

# More lines than these cannot be told apart.
MAX_DRAWN = 16


def drawn_entries(table: TaskTable) -> tuple[Entry, ...]:
    """The entries that fit into a figure: the best at the ranking budget."""
    return table.entries[:MAX_DRAWN]


def curve_panels(table: TaskTable, look: Mapping[str, Look], prefix: str) -> list[tuple[str, Html]]:
    """One SVG for each head; systems without a head and rules are in every panel, on the same scale.

    Returns:
        (head, SVG) pairs; none where no system used labels.
    """
    if not table.budgets:
        return []
    entries = drawn_entries(table)
    heads = sorted({e.head for e in entries} - {"none"}) or ["none"]
    limits = _limits(entries, table.metric)
    panels = []
    for i, head in enumerate(heads):
        figure, axes = new_plot(bottom=0.2)
        for entry in entries:
            if entry.head in (head, "none"):
                _draw(axes, entry, look[entry.name], table.metric)
        _label_ticks(axes, table)
        axes.set_ylim(limits)
        label_axes(axes, "labelled samples (log scale)", with_direction(table.metric))
        description = f"{table.metric} over number of labels, {table.title}, head: {head}"
        panels.append((head, inline_svg(figure, f"{prefix}-{i}", description)))
    return panels


def snr_metric(table: TaskTable) -> str | None:
    """The metric with entries ``name@SNR`` to draw: the ranking metric if it has any, or else the first that has."""
    found = dict.fromkeys(n.split("@")[0] for e in table.entries for c in e.cells.values() for n in _by_snr(c.metrics))
    return table.metric if table.metric in found else next(iter(found), None)


def snr_panel(table: TaskTable, look: Mapping[str, Look], prefix: str) -> Html | None:
    """``name@SNR`` entries over the SNR in dB, at the ranking budget, each system with its best head; None if none."""
    metric = snr_metric(table)
    if metric is None:
        return None
    figure, axes = new_plot()
    best_head = {e.name: e for e in reversed(drawn_entries(table))}
    for entry in best_head.values():
        cell = entry.at(table.rank_budget)
        points = _by_snr(cell.metrics, metric) if cell else {}
        if points:
            scores = [points[name] for name in sorted(points, key=_snr_db)]
            _line(axes, sorted(map(_snr_db, points)), scores, look[entry.name], metric)
    label_axes(axes, "SNR, dB", with_direction(metric))
    return inline_svg(figure, prefix, f"{metric} over SNR, {table.title}")


def _by_snr(metrics: Mapping[str, Statistic], metric: str | None = None) -> dict[str, Statistic]:
    found = {name: value for name, value in metrics.items() if math.isfinite(_snr_db(name))}
    return {n: v for n, v in found.items() if math.isfinite(v.mean) and metric in (None, n.split("@")[0])}


def _snr_db(name: str) -> float:
    """The number after "@"; conditions that are no numbers, such as scenes, give not a number."""
    try:
        return float(name.partition("@")[2])
    except ValueError:
        return math.nan


def _draw(axes: Axes, entry: Entry, look: Look, metric: str) -> None:
    if entry.is_label_free:
        score = shown(entry.cells[0.0].score.mean, metric)
        axes.axhline(score, color=look.colour, linewidth=1.4, linestyle=_dashes(look))
        return
    cells = sorted((cell for budget, cell in entry.cells.items() if budget > 0), key=lambda cell: cell.n_labels)
    _line(axes, [max(1.0, cell.n_labels) for cell in cells], [cell.score for cell in cells], look, metric)


def _line(axes: Axes, x: Sequence[float], scores: Sequence[Statistic], look: Look, metric: str) -> None:
    mean = [shown(s.mean, metric) for s in scores]
    std = [shown(s.std or 0.0, metric) for s in scores]
    style = {"marker": look.marker or None, "linestyle": _dashes(look), "linewidth": 1.8, "markersize": 5.5}
    axes.plot(x, mean, color=look.colour, **style)
    low, high = [a - s for a, s in zip(mean, std, strict=True)], [a + s for a, s in zip(mean, std, strict=True)]
    axes.fill_between(x, low, high, color=look.colour, alpha=0.16, linewidth=0)


def _dashes(look: Look) -> Any:
    return (0, look.dash) if look.dash else "-"


def _limits(entries: Sequence[Entry], metric: str) -> tuple[float, float]:
    """One vertical scale for all panels of a task, spread included."""
    scores = [c.score for e in entries for c in e.cells.values() if math.isfinite(c.score.mean)]
    low = min((shown(s.mean - (s.std or 0.0), metric) for s in scores), default=0.0)
    high = max((shown(s.mean + (s.std or 0.0), metric) for s in scores), default=1.0)
    margin = 0.05 * (high - low) or 0.05
    return low - margin, high + margin


def _label_ticks(axes: Axes, table: TaskTable) -> None:
    """Ticks at the budgets: number of labels above, fraction below; those too close to the last are left bare."""
    ticks = {b: max(1.0, table.n_labels(b)) for b in table.budgets}
    span = math.log(max(ticks.values()) / min(ticks.values())) or 1.0
    texts, last = [], -math.inf
    for budget, n in ticks.items():
        place = math.log(n) / span
        text = f"{grouped(n)}\n{share(budget)}" if budget <= 1 else grouped(n)
        texts.append(text if place - last > 0.11 else "")
        last = place if texts[-1] else last
    axes.set_xscale("log")
    axes.set_xticks(list(ticks.values()), texts)
    axes.set_xticks([], minor=True)
