"""The parts of the page with maps of users and with embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wirelessfm.report.maps import EmbeddingMap, UserMap
from wirelessfm.report.markup import Html, element
from wirelessfm.report.scatter import MAX_DRAWN, NO_VALUE, category_colour, embedding_map, user_map
from wirelessfm.report.wording import grouped


def maps_section(maps: Sequence[UserMap]) -> Html:
    """Users seen from above, one figure a map."""
    figures = [_figure(drawn, user_map(drawn, f"map{i}")) for i, drawn in enumerate(maps)]
    return _section("maps", "Maps", "Users seen from above; positions in metres.", figures)


def embeddings_section(embeddings: Sequence[EmbeddingMap]) -> Html:
    """Projections side by side."""
    figures = [_figure(drawn, embedding_map(drawn, f"embedding{i}")) for i, drawn in enumerate(embeddings)]
    return _section("embeddings", "Embeddings", "Samples in a plane; nearness means similarity, axes no unit.", figures)


def _section(name: str, heading: str, note: str, figures: Sequence[Html]) -> Html:
    return element(
        "section",
        element("h2", heading),
        element("p", note, class_="lede"),
        element("div", *figures, class_="figures"),
        id=name,
    )


def _figure(drawn: UserMap | EmbeddingMap, svg: Html) -> Html:
    return element("figure", svg, element("figcaption", element("strong", drawn.title), _legend(drawn)))


def _legend(drawn: UserMap | EmbeddingMap) -> Html | None:
    items = []
    if drawn.kind == "category":
        present = sorted({int(v) for v in drawn.values[np.isfinite(drawn.values)] if v >= 0})
        items = [(category_colour(i), drawn.names[i] if i < len(drawn.names) else f"class {i}") for i in present]
    lines = [element("li", element("span", class_="dot", style=f"background:{c}"), " ", name) for c, name in items]
    if drawn.kind != "value" and not np.all(drawn.values >= 0):
        lines.append(element("li", element("span", class_="dot", style=f"background:{NO_VALUE}"), " none"))
    if isinstance(drawn, UserMap) and drawn.bs_position_m is not None:
        lines.append(element("li", "▲ base station"))
    if len(drawn.values) > MAX_DRAWN:
        lines.append(element("li", f"{grouped(MAX_DRAWN)} of {grouped(len(drawn.values))} drawn, chosen at random"))
    return element("ul", *lines, class_="legend") if lines else None
