"""Users on a map and samples of an embedding as coloured points; the points are an image inside the SVG."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.figure import Figure

from wirelessfm.report.figure import INK, PALETTE, PANEL, inline_svg, label_axes, new_axes
from wirelessfm.report.maps import EmbeddingMap, UserMap
from wirelessfm.report.markup import Html

WIDTH_IN = 4.4
NO_VALUE = "#9a9a9a"
# More points than this cannot be told apart at the size of the figure, and only cost time.
MAX_DRAWN = 10_000


def user_map(drawn: UserMap, prefix: str) -> Html:
    """Users of a scene from above: equal scales in metres, base station as a triangle."""
    x, y = np.asarray(drawn.position_m, float)[:, :2].T
    corners = [(v.min(), v.max()) if v.size else (0.0, 1.0) for v in (x, y)]
    width, height = (max(high - low, 1e-9) for low, high in corners)
    # Room for the labels and, below them, the colour bar: so maps with and without a bar have one scale.
    extra = 0.55 if drawn.kind == "category" else 1.2
    figure, axes = new_axes(WIDTH_IN, 0.87 * WIDTH_IN * min(max(height / width, 0.3), 1.3) + extra)
    _points(figure, axes, np.stack([x, y], 1), drawn)
    if drawn.bs_position_m is not None:
        bs = np.asarray(drawn.bs_position_m, float)
        axes.plot(*bs[:2], marker="^", markersize=11, color=INK, markeredgecolor=PANEL, markeredgewidth=1.2)
    axes.set_aspect("equal")
    label_axes(axes, "x, m", "y, m")
    return inline_svg(figure, prefix, f"Map of {len(x)} users: {drawn.title}")


def embedding_map(drawn: EmbeddingMap, prefix: str) -> Html:
    """Samples in the plane of a projection; the axes carry no numbers, as they have no unit."""
    figure, axes = new_axes(WIDTH_IN, 0.9 * WIDTH_IN + (0.0 if drawn.kind == "category" else 0.65))
    _points(figure, axes, np.asarray(drawn.points, float), drawn)
    axes.set_xticks([])
    axes.set_yticks([])
    return inline_svg(figure, prefix, f"Embedding of {len(drawn.points)} samples: {drawn.title}")


def category_colour(index: int) -> str:
    """Colour of a category, the same on the map and in its legend."""
    return PALETTE[index % len(PALETTE)]


def _points(figure: Figure, axes: Axes, points: np.ndarray, drawn: UserMap | EmbeddingMap) -> None:
    # In random order, so that no class hides another only because it comes later in the file.
    chosen = np.random.default_rng(0).permutation(len(points))[:MAX_DRAWN]
    (x, y), values = points[chosen].T, np.asarray(drawn.values, float)[chosen]
    present = np.isfinite(values) & ((values >= 0) | (drawn.kind == "value"))
    style: dict[str, Any] = {"s": float(np.clip(9000 / max(len(x), 1), 3, 26)), "linewidths": 0, "rasterized": True}
    axes.scatter(x[~present], y[~present], c=NO_VALUE, alpha=0.35, **style)
    x, y, values = x[present], y[present], values[present]
    if drawn.kind == "category":
        axes.scatter(x, y, c=[category_colour(int(v)) for v in values] or None, **style)
        return
    low, high = drawn.limits or ((values.min(), values.max()) if values.size else (0.0, 1.0))
    colour_map = _cyclic() if drawn.kind == "beam" else _ordered()
    dots = axes.scatter(x, y, c=values, cmap=colour_map, vmin=low, vmax=high, **style)
    _colour_bar(figure, axes, dots, drawn.names[0] if drawn.kind == "value" and drawn.names else drawn.kind)


def _colour_bar(figure: Figure, axes: Axes, dots: PathCollection, name: str) -> None:
    bar = figure.colorbar(dots, ax=axes, orientation="horizontal", fraction=0.05, pad=0.03, aspect=40)
    if bar.solids is not None:
        bar.solids.set_rasterized(True)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=INK, labelsize=9, length=3)
    bar.ax.xaxis.label.set(text=name, color=INK, fontsize=10, parse_math=False)


def _ordered() -> Colormap:
    """Viridis without its darkest part, which vanishes on a dark page."""
    return ListedColormap(colormaps["viridis"](np.linspace(0.25, 0.97, 256)))


def _cyclic() -> Colormap:
    """A hue circle in Oklab (Ottosson 2020): first and last beam of a codebook are neighbours in colour.

    The lightness rises and falls once around the circle, so that it also reads without hue.
    """
    phase = np.linspace(0, 2 * math.pi, 256, endpoint=False)
    lightness, chroma = 0.68 + 0.1 * np.cos(phase - 1.9), 0.125
    lab = np.stack([lightness, chroma * np.cos(phase), chroma * np.sin(phase)], 1)
    to_lms = np.array([[1, 0.3963378, 0.2158038], [1, -0.1055613, -0.0638542], [1, -0.0894842, -1.2914855]])
    to_rgb = np.array(
        [[4.0767417, -3.3077116, 0.2309699], [-1.2684380, 2.6097574, -0.3413194], [-0.0041961, -0.7034186, 1.7076147]]
    )
    linear = np.clip((lab @ to_lms.T) ** 3 @ to_rgb.T, 0, 1)
    return ListedColormap(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055))
