"""Matplotlib figures as inline SVG whose lines and text follow the colour scheme of the page."""

from __future__ import annotations

import io
import re
from html import escape
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wirelessfm.report.markup import Html

# Okabe and Ito's palette without black and yellow, which vanish on one of the two backgrounds.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c")
# Stand-ins in the SVG: replaced by colours that the page chooses for light and dark.
INK, PANEL = "#0b0c0d", "#f0f1f2"
_THEME = {INK: "currentColor", PANEL: "var(--panel)"}
RASTER_DPI = 130


def new_axes(
    width_in: float, height_in: float, layout: Literal["constrained"] | None = "constrained"
) -> tuple[Figure, Axes]:
    """A figure with one axes in the style of the page; no global state of matplotlib is read or changed."""
    figure = Figure(figsize=(width_in, height_in), layout=layout)
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    axes.set_facecolor(PANEL)
    axes.tick_params(colors=INK, labelsize=9.5, length=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(INK)
    return figure, axes


def new_plot(bottom: float = 0.16) -> tuple[Figure, Axes]:
    """Axes for curves and points, all of one width: margins are given, as finding them would take half of the time."""
    figure, axes = new_axes(4.5, 3.3, layout=None)
    figure.subplots_adjust(left=0.15, right=0.97, bottom=bottom, top=0.97)
    axes.grid(axis="y", color=INK, alpha=0.15, linewidth=0.6)
    return figure, axes


def label_axes(axes: Axes, x: str, y: str) -> None:
    """Axis labels as plain text: names from results are never read as formulas."""
    for label, text in ((axes.xaxis.label, x), (axes.yaxis.label, y)):
        label.set(text=text, color=INK, fontsize=10, parse_math=False)


def inline_svg(figure: Figure, prefix: str, description: str) -> Html:
    """The figure as an SVG element.

    Args:
        prefix: unique on the page; keeps the ids of two figures apart.
        description: text for readers who cannot see it.
    """
    stream = io.StringIO()
    metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(stream, format="svg", dpi=RASTER_DPI, transparent=False, metadata=metadata)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r' xmlns(:xlink)?="[^"]*"|<!--.*?-->', "", text, flags=re.DOTALL)
    for stand_in, colour in _THEME.items():
        text = text.replace(stand_in, colour)
    text = _renumber_ids(text, prefix)
    return Html(text.replace("<svg ", f'<svg role="img" aria-label="{escape(description)}" ', 1).strip())


def _renumber_ids(text: str, prefix: str) -> str:
    """Ids are random in matplotlib and repeat between figures; here they are counted."""
    used = set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text))
    numbers = {name: f"{prefix}-{i}" for i, name in enumerate(dict.fromkeys(re.findall(r' id="([^"]+)"', text)))}
    text = re.sub(r' id="([^"]+)"', lambda m: f' id="{numbers[m[1]]}"' if m[1] in used else "", text)
    return re.sub(r'(url\(#|href="#)([^)"]+)', lambda m: m[1] + numbers.get(m[2], m[2]), text)
