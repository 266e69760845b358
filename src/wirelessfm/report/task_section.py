"""The part of the page about one task: verdict, ranking, curves, secondary metrics."""

from __future__ import annotations

from collections.abc import Mapping

from wirelessfm.report.curves import Look, curve_panels, swatch
from wirelessfm.report.markup import Html, element, join
from wirelessfm.report.parts import scrolling, system_name
from wirelessfm.report.ranking import ranking_table
from wirelessfm.report.tables import Cell, Entry, TaskTable, lower_is_better
from wirelessfm.report.verdict import verdicts
from wirelessfm.report.wording import grouped, labels, spread


def task_section(table: TaskTable, shown: Mapping[str, Look], index: int) -> Html:
    """One section; ``index`` keeps ids apart."""
    found = verdicts(table)
    return element(
        "section",
        element("h2", table.task),
        element("p", _setting(table), class_="lede"),
        element(
            "ul",
            *[element("li", v.sentence, class_="baseline" if v.baseline_wins else None) for v in found],
            class_="verdicts",
        ),
        *[element("p", f"Caution: {warning}", class_="warning") for warning in table.warnings],
        ranking_table(table),
        _curves(table, shown, f"curve{index}"),
        _secondary(table),
        id=f"task{index}",
        data_task=str(index),
    )


def _setting(table: TaskTable) -> str:
    direction = "lower" if table.lower_is_better else "higher"
    tested = sorted({c.n_test for e in table.entries for c in e.cells.values()})
    samples = " to ".join(grouped(n) for n in dict.fromkeys((tested[0], tested[-1])))
    scenes = f" in {', '.join(table.scenes)}" if table.scenes else ""
    order = f"Ranked by {table.metric} ({direction} is better) at {labels(table.rank_budget)}"
    return f"{order}; {samples} test samples{scenes}."


def _curves(table: TaskTable, shown: Mapping[str, Look], prefix: str) -> Html | None:
    panels = curve_panels(table, shown, prefix)
    if not panels:
        return None
    names = {e.name: not e.is_learned for e in table.entries}
    legend = [
        element("li", swatch(shown[name]), " ", name, " (no labels used)" if is_rule else None)
        for name, is_rule in names.items()
    ]
    figures = [
        element("figure", svg, element("figcaption", "Fitted end to end" if head == "none" else f"Head: {head}"))
        for head, svg in panels
    ]
    note = "Band: ± one standard deviation over seeds. Systems without a head are drawn in every panel."
    return join(
        element("h3", "Label efficiency"),
        element("div", *figures, class_="figures"),
        element("ul", *legend, class_="legend"),
        element("p", note, class_="note"),
    )


def _secondary(table: TaskTable) -> Html | None:
    names = list(dict.fromkeys(n for e in table.entries for c in e.cells.values() for n in c.metrics))
    if len(names) < 2:
        return None
    heads = [element("th", name, scope="col", data_better="low" if lower_is_better(name) else "high") for name in names]
    head = element(
        "tr",
        element("th", "System + head", scope="col", data_better="text"),
        element("th", "Labels", scope="col", data_better="low"),
        *heads,
    )
    body = [
        _secondary_line(entry, budget, entry.cells[budget], names)
        for entry in table.entries
        for budget in sorted(entry.cells)
    ]
    content = element("table", element("thead", head), element("tbody", *body), class_="sortable")
    return element("details", element("summary", f"All {len(names)} metrics at every budget"), scrolling(content))


def _secondary_line(entry: Entry, budget: float, cell: Cell, names: list[str]) -> Html:
    values = []
    for name in names:
        found = cell.metrics.get(name)
        text = spread(found, name) if found else "–"
        values.append(element("td", text, data_value=found.mean if found else None, class_="number"))
    return element(
        "tr",
        element("th", system_name(entry), scope="row", data_value=entry.label),
        element("td", labels(budget), data_value=budget, class_="number"),
        *values,
        data_budget=f"{budget:g}",
    )
