"""Label-efficiency curves: the ranking metric over the number of labels, one panel for each head."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from wirelessfm.report.figure import INK, PALETTE, inline_svg, label_axes, new_axes
from wirelessfm.report.markup import Html, element
from wirelessfm.report.tables import Entry, TaskTable
from wirelessfm.report.wording import grouped

# Matplotlib marker -> the same shape as an SVG path around the origin, for the legend.
MARKERS = {
    "o": "M-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0",
    "s": "M-3.2-3.2h6.4v6.4h-6.4z",
    "^": "M0-4L4 3H-4z",
    "D": "M0-4.4L4.4 0L0 4.4L-4.4 0z",
    "v": "M0 4L4-3H-4z",
    "P": "M-1.4-4h2.8v2.6h2.6v2.8h-2.6v2.6h-2.8v-2.6h-2.6v-2.8h2.6z",
}
# On and off lengths in points; rules have no markers and differ by these alone.
RULE_DASHES = ((6.0, 3.0), (1.5, 2.0), (6.0, 2.0, 1.5, 2.0), (10.0, 3.0), (3.0, 3.0))


@dataclass(frozen=True)
class Look:
    """How one system is drawn in every figure; ``dash`` is empty for a solid line, ``marker`` for none."""

    colour: str
    marker: str
    dash: tuple[float, ...] = ()


def looks(tables: Sequence[TaskTable]) -> dict[str, Look]:
    """One look for each system name, the same in all tasks."""
    learned = sorted({e.name for t in tables for e in t.entries if e.is_learned})
    rules = sorted({e.name for t in tables for e in t.entries if not e.is_learned} - set(learned))
    shapes, n = list(MARKERS), len(PALETTE)
    chosen = {
        name: Look(PALETTE[i % n], shapes[i % len(shapes)], () if i < n else (5.0, 2.0))
        for i, name in enumerate(learned)
    }
    return chosen | {name: Look(INK, "", RULE_DASHES[i % len(RULE_DASHES)]) for i, name in enumerate(rules)}


def swatch(look: Look) -> Html:
    """A short piece of the line, for a legend."""
    colour = "currentColor" if look.colour == INK else look.colour
    line = element(
        "line", x1=-16, x2=16, stroke=colour, stroke_width=2, stroke_dasharray=" ".join(map(str, look.dash)) or None
    )
    marker = element("path", d=MARKERS[look.marker], fill=colour) if look.marker else None
    return element("svg", line, marker, viewBox="-17 -6 34 12", width=34, height=12, aria_hidden="true")


def curve_panels(table: TaskTable, shown: Mapping[str, Look], prefix: str) -> list[tuple[str, Html]]:
    """One SVG for each head; systems without a head and rules are in every panel, on the same scale.

    Returns:
        (head, SVG) pairs; none where no system used labels.
    """
    if not table.budgets:
        return []
    heads = sorted({e.head for e in table.entries} - {"none"}) or ["none"]
    limits = _limits(table.entries)
    panels = []
    for i, head in enumerate(heads):
        figure, axes = new_axes(4.5, 3.3)
        for entry in table.entries:
            if entry.head in (head, "none"):
                _draw(axes, entry, shown[entry.name])
        _label_ticks(axes, table)
        axes.set_ylim(limits)
        axes.grid(axis="y", color=INK, alpha=0.15, linewidth=0.6)
        label_axes(axes, "labelled samples (log scale)", _with_unit(table.metric))
        description = f"{table.metric} over number of labels, {table.task}, head: {head}"
        panels.append((head, inline_svg(figure, f"{prefix}-{i}", description)))
    return panels


def _draw(axes: Axes, entry: Entry, look: Look) -> None:
    if entry.is_label_free:
        score = entry.cells[0.0].score.mean
        axes.axhline(score, color=look.colour, linewidth=1.4, linestyle=(0, look.dash) if look.dash else "-")
        return
    cells = [entry.cells[b] for b in sorted(entry.cells) if b > 0]
    x = [max(1.0, cell.n_labels) for cell in cells]
    y = [cell.score.mean for cell in cells]
    std = [cell.score.std or 0.0 for cell in cells]
    style = (0, look.dash) if look.dash else "-"
    axes.plot(x, y, color=look.colour, marker=look.marker or None, linestyle=style, linewidth=1.8, markersize=5.5)
    low, high = [a - s for a, s in zip(y, std, strict=True)], [a + s for a, s in zip(y, std, strict=True)]
    axes.fill_between(x, low, high, color=look.colour, alpha=0.16, linewidth=0)


def _limits(entries: Sequence[Entry]) -> tuple[float, float]:
    """One vertical scale for all panels of a task, spread included."""
    scores = [c.score for e in entries for c in e.cells.values() if math.isfinite(c.score.mean)]
    low = min((s.mean - (s.std or 0.0) for s in scores), default=0.0)
    high = max((s.mean + (s.std or 0.0) for s in scores), default=1.0)
    margin = 0.05 * (high - low) or 0.05
    return low - margin, high + margin


def _label_ticks(axes: Axes, table: TaskTable) -> None:
    """Ticks at the budgets: number of labels above, fraction below; those too close to the last are left bare."""
    ticks = {b: max(1.0, table.n_labels(b)) for b in table.budgets}
    span = math.log(max(ticks.values()) / min(ticks.values())) or 1.0
    texts, last = [], -math.inf
    for budget, n in ticks.items():
        place = math.log(n) / span
        texts.append(f"{grouped(n)}\n{100 * budget:g} %" if place - last > 0.11 else "")
        last = place if texts[-1] else last
    axes.set_xscale("log")
    axes.set_xticks(list(ticks.values()), texts)
    axes.set_xticks([], minor=True)


def _with_unit(metric: str) -> str:
    words = {"db": "dB", "m": "m"}
    name, _, unit = metric.rpartition("_")
    return f"{name.replace('_', ' ')}, {words[unit]}" if unit in words and name else metric
