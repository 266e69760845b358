"""The part of the page about one task: verdict, ranking, significance, curves, costs, secondary metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wirelessfm.metrics import lower_is_better
from wirelessfm.report.curves import MAX_DRAWN, curve_panels, drawn_entries, snr_metric, snr_panel
from wirelessfm.report.entries import Cell, Entry
from wirelessfm.report.looks import Look, swatch
from wirelessfm.report.markup import Html, element, join
from wirelessfm.report.pareto import pareto_panels
from wirelessfm.report.parts import column, line_data, plain_table, system_name
from wirelessfm.report.ranking import ranking_table
from wirelessfm.report.significance_table import significance_tables
from wirelessfm.report.tables import TaskTable
from wirelessfm.report.verdict import verdicts
from wirelessfm.report.wording import grouped, labels, spread, with_direction


def task_section(table: TaskTable, look: Mapping[str, Look], index: int) -> Html:
    """One section; ``index`` keeps ids apart."""
    found = verdicts(table)
    return element(
        "section",
        element("h2", table.title),
        element("p", _setting(table), class_="lede"),
        element(
            "ul",
            *[element("li", v.sentence, class_="baseline" if v.baseline_wins else None) for v in found],
            class_="verdicts",
        ),
        *[element("p", f"Caution: {warning}", class_="warning") for warning in table.warnings],
        ranking_table(table),
        significance_tables(table),
        _figures(table, look, index),
        _secondary(table),
        id=f"task{index}",
        data_task=table.task,
        data_case=table.case,
    )


def _setting(table: TaskTable) -> str:
    direction = "lower" if table.lower_is_better else "higher"
    tested = sorted({c.n_test for e in table.entries for c in e.cells.values()})
    samples = " to ".join(grouped(n) for n in dict.fromkeys((tested[0], tested[-1])))
    scenes = f" in {', '.join(table.scenes)}" if table.scenes else ""
    order = f"Ranked by {table.metric} ({direction} is better) at {labels(table.rank_budget)}"
    return f"{order}; {samples} test samples{scenes}."


def _figures(table: TaskTable, look: Mapping[str, Look], index: int) -> Html | None:
    efficiency = [
        _figure(svg, "Without a head" if head == "none" else f"Head: {head}")
        for head, svg in curve_panels(table, look, f"curve{index}")
    ]
    snr = snr_panel(table, look, f"snr{index}")
    at = f"{snr_metric(table)} at {labels(table.rank_budget)}, best head of each system"
    costs = [_figure(svg, caption) for caption, svg in pareto_panels(table, look, f"pareto{index}")]
    groups = [
        _group("Label efficiency", "Band: ± one standard deviation over seeds.", efficiency),
        _group("Over the SNR", "", [_figure(snr, at)] if snr else []),
        _group("Quality and cost", "Line and ringed points: no other system is as good for as little.", costs),
    ]
    if not any(groups):
        return None
    drawn = drawn_entries(table)
    less = f" The best {MAX_DRAWN} of {len(table.entries)} are drawn." if len(drawn) < len(table.entries) else ""
    note = f"Systems without a head are drawn in every panel; filters do not change figures.{less}"
    return join(*groups, _legend(drawn, look), element("p", note, class_="note"))


def _group(heading: str, note: str, figures: list[Html]) -> Html | None:
    if not figures:
        return None
    return join(
        element("h3", heading),
        element("p", note, class_="note") if note else None,
        element("div", *figures, class_="figures"),
    )


def _figure(svg: Html, caption: str) -> Html:
    return element("figure", svg, element("figcaption", caption))


def _legend(entries: Iterable[Entry], look: Mapping[str, Look]) -> Html:
    names = {e.name: e.is_label_free and not e.is_learned for e in entries}
    lines = [
        element("li", swatch(look[name]), " ", name, " (no labels used)" if is_free else None)
        for name, is_free in names.items()
    ]
    return element("ul", *lines, class_="legend")


def _secondary(table: TaskTable) -> Html | None:
    names = list(dict.fromkeys(n for e in table.entries for c in e.cells.values() for n in c.metrics))
    if len(names) < 2:
        return None
    heads = [
        column("System + head", "text"),
        column("Labels", "low"),
        *[column(with_direction(name), "low" if lower_is_better(name) else "high") for name in names],
    ]
    body = [
        _secondary_line(entry, budget, entry.cells[budget], names)
        for entry in table.entries
        for budget in sorted(entry.cells)
    ]
    return element("details", element("summary", f"All {len(names)} metrics at every budget"), plain_table(heads, body))


def _secondary_line(entry: Entry, budget: float, cell: Cell, names: list[str]) -> Html:
    values = []
    for name in names:
        found = cell.metrics.get(name)
        text = spread(found, name) if found else "–"
        values.append(element("td", text, data_value=repr(found.mean) if found else None, class_="number"))
    return element(
        "tr",
        element("th", system_name(entry), scope="row", data_value=entry.label),
        element("td", labels(budget), data_value=budget, class_="number"),
        *values,
        data_budget=f"{budget:g}",
        **line_data(entry),
    )
