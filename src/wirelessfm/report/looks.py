"""One colour, marker and dash for each system, the same in every figure of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wirelessfm.report.figure import INK, PALETTE
from wirelessfm.report.markup import Html, element
from wirelessfm.report.tables import TaskTable

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
