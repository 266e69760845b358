"""Quality against cost: which systems are beaten by none that costs as little."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from wirelessfm.report.curves import drawn_entries
from wirelessfm.report.entries import Entry
from wirelessfm.report.figure import INK, inline_svg, label_axes, new_plot
from wirelessfm.report.looks import Look
from wirelessfm.report.markup import Html
from wirelessfm.report.tables import TaskTable
from wirelessfm.report.wording import labels, magnitude, shown, with_direction

LATENCY = "latency_ms_1"


def pareto_panels(table: TaskTable, look: Mapping[str, Look], prefix: str) -> list[tuple[str, Html]]:
    """(caption, SVG) pairs: quality over latency and over parameters; each where two systems have the cost.

    Bounds are left out: nobody can have what they cost.
    """
    wanted = {
        "latency of one sample, ms": {e.label: e.costs.get(LATENCY, 0.0) for e in table.entries},
        "parameters without the head": {e.label: float(e.n_parameters) for e in table.entries},
    }
    panels = []
    for i, (name, costs) in enumerate(wanted.items()):
        entries = [e for e in drawn_entries(table) if costs[e.label] > 0 and not e.is_bound]
        entries = [e for e in entries if math.isfinite(e.score_at(table.rank_budget))]
        if len(entries) > 1:
            svg = _panel(table, entries, [costs[e.label] for e in entries], name, look, f"{prefix}-{i}")
            panels.append((f"{name.capitalize()}, at {labels(table.rank_budget)}", svg))
    return panels


def pareto_front(costs: Sequence[float], scores: Sequence[float], lower_is_better: bool) -> list[int]:
    """Indices of the points that no other point equals or beats in both, by rising cost.

    Args:
        costs: less is better.
        scores: of the same points.
        lower_is_better: direction of the scores.
    """
    sign = 1 if lower_is_better else -1
    order = sorted(range(len(costs)), key=lambda i: (costs[i], sign * scores[i]))
    front: list[int] = []
    for i in order:
        if not front or sign * scores[i] < sign * scores[front[-1]]:
            front.append(i)
    return front


def _panel(
    table: TaskTable, entries: Sequence[Entry], costs: Sequence[float], name: str, look: Mapping[str, Look], prefix: str
) -> Html:
    raw = [e.score_at(table.rank_budget) for e in entries]
    scores = [shown(score, table.metric) for score in raw]
    front = pareto_front(costs, raw, table.lower_is_better)
    figure, axes = new_plot()
    # Between two points of the front, the cheaper one is the best that can be had.
    axes.step(
        np.array(costs)[front], np.array(scores)[front], where="post", color=INK, linewidth=1, alpha=0.6, zorder=1
    )
    for entry, cost, score in zip(entries, costs, scores, strict=True):
        drawn = look[entry.name]
        on_front = entry.label in {entries[i].label for i in front}
        edge = {"markeredgecolor": INK, "markeredgewidth": 1.4} if on_front else {"markeredgewidth": 0}
        axes.plot(cost, score, marker=drawn.marker or "x", color=drawn.colour, markersize=8, linestyle="", **edge)
    _log_scale(axes, min(costs), max(costs))
    label_axes(axes, f"{name} (log scale)", with_direction(table.metric))
    return inline_svg(figure, prefix, f"{table.metric} over {name}, {table.title}")


def _log_scale(axes: Axes, low: float, high: float) -> None:
    """A logarithmic axis with numbers in words of the page, at 1, 2 and 5 where it spans little."""
    axes.set_xscale("log")
    axes.set_xlim(low / 1.6, high * 1.6)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 30 else (1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: magnitude(value)))
    axes.xaxis.set_minor_locator(NullLocator())
