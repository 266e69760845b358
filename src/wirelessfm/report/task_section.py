"""The part of the page about one task: verdict, ranking, curves, secondary metrics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from wirelessfm.report.curves import Look, curve_panels, swatch
from wirelessfm.report.markup import Html, element, join
from wirelessfm.report.tables import Cell, Entry, TaskTable, lower_is_better
from wirelessfm.report.verdict import labels, spread, verdicts


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
        _ranking(table),
        _curves(table, shown, f"curve{index}"),
        _secondary(table),
        id=f"task{index}",
        data_task=str(index),
    )


def scrolling(*content: Html) -> Html:
    """A box in which wide content scrolls sideways, so that the page does not."""
    return element("div", *content, class_="scroll", tabindex="0", role="region", aria_label="table")


def system_name(entry: Entry) -> Html:
    """System and head, with a visible flag for a system whose pretraining saw the test scene."""
    flag = element("span", "saw test scene", class_="flag", title="A test scene is among its pretraining corpora.")
    return join(entry.label, " ", flag) if entry.saw_test_scene else join(entry.label)


def kind_name(entry: Entry) -> str:
    """Kind of system in a word or two."""
    return entry.kind if entry.kind != "encoder" else ("pretrained encoder" if entry.pretrained else "encoder, untrained")


def _setting(table: TaskTable) -> str:
    direction = "lower" if table.lower_is_better else "higher"
    tested = sorted({c.n_test for e in table.entries for c in e.cells.values()})
    samples = " to ".join(f"{n:,}".replace(",", "\u2009") for n in dict.fromkeys((tested[0], tested[-1])))
    scenes = f" in {', '.join(table.scenes)}" if table.scenes else ""
    return f"Ranked by {table.metric} ({direction} is better) at {labels(table.rank_budget)}; {samples} test samples{scenes}."


def _usual_n(table: TaskTable) -> int:
    return Counter(c.score.n for e in table.entries for c in e.cells.values()).most_common(1)[0][0]


def _ranking(table: TaskTable) -> Html:
    usual_n = _usual_n(table)
    columns = [b for b in (0.0, *table.budgets) if b > 0 or any(0.0 in e.cells for e in table.entries)]
    better = "low" if table.lower_is_better else "high"
    heads = [element("th", _column(b), scope="col", data_budget=f"{b:g}", data_better=better) for b in columns]
    head = element(
        "tr",
        element("th", "#", scope="col", data_better="low"),
        element("th", "System + head", scope="col", data_better="text"),
        *heads,
        element("th", "Kind", scope="col", data_better="text"),
        element("th", "Parameters", scope="col", data_better="low"),
        element("th", f"Fit, s ({labels(table.rank_budget)})", scope="col", data_better="low"),
    )
    body = [_line(table, rank, entry, columns, usual_n) for rank, entry in enumerate(table.entries, 1)]
    caption = (
        f"Columns: share of the training labels used. Mean ± standard deviation over n = {usual_n} "
        f"{'seeds' if usual_n > 1 else 'seed'} where no other n is given. "
        "Bold: best learned system of the column. Boxed: best overall; a rule without labels competes at every budget."
    )
    foot = element("tfoot", _winners(table, columns, False), _winners(table, columns, True))
    content = element("table", element("thead", head), element("tbody", *body), foot, class_="ranking sortable")
    return join(element("p", caption, class_="note"), scrolling(content))


def _line(table: TaskTable, rank: int, entry: Entry, columns: list[float], usual_n: int) -> Html:
    cell = entry.at(table.rank_budget)
    is_ranked = cell is not None and math.isfinite(cell.score.mean)
    seconds = cell.fit_seconds if cell else 0.0
    return element(
        "tr",
        element("td", rank if is_ranked else "–", data_value=rank, class_="number"),
        element("th", system_name(entry), scope="row", data_value=entry.label),
        *[_score(table, entry, budget, usual_n) for budget in columns],
        element("td", kind_name(entry), data_value=kind_name(entry)),
        element("td", _count(entry.n_parameters), data_value=entry.n_parameters, class_="number"),
        element("td", f"{seconds:.2g}" if seconds < 10 else f"{seconds:.0f}", data_value=seconds, class_="number"),
    )


def _score(table: TaskTable, entry: Entry, budget: float, usual_n: int) -> Html:
    place = f"{budget:g}"
    cell = entry.cells.get(budget)
    if cell is None:
        substitute = entry.at(budget) if budget else None
        text = Html('<span class="muted" title="uses no labels: see 0 labels">←</span>') if substitute else "–"
        value = f"{substitute.score.mean:g}" if substitute else None
        return element("td", text, data_budget=place, data_value=value, class_="number")
    note = element("small", f" n = {cell.score.n}") if cell.score.n != usual_n else None
    mean, deviation = spread(cell.score, table.metric).split("\u00a0", 1)
    text = join(mean, element("span", f"\u00a0{deviation}", class_="deviation"), note)
    return element(
        "td", text, data_budget=place, data_value=cell.score.mean, class_=f"number {_marks(table, entry, budget)}".strip()
    )


def _marks(table: TaskTable, entry: Entry, budget: float) -> str:
    # The one value of a rule stands under 0 labels and may be the best of any column.
    places = (0.0, *table.budgets) if entry.is_label_free else (budget,)
    overall = any(table.ranked(b)[:1] == [entry] for b in places if b or not table.budgets)
    learned = [e for e in table.ranked(budget) if e.is_learned][:1] == [entry]
    return " ".join(["best-overall"] * overall + ["best-learned"] * learned)


def _winners(table: TaskTable, columns: list[float], learned_only: bool) -> Html:
    cells = []
    for budget in columns:
        ranked = [e for e in table.ranked(budget) if e.is_learned or not learned_only]
        cells.append(element("td", ranked[0].label if ranked else "–", data_budget=f"{budget:g}", class_="winner"))
    name = "Best learned" if learned_only else "Best overall"
    blank = element("td")
    return element("tr", blank, element("th", name, scope="row"), *cells, blank, blank, blank)


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


def _column(budget: float) -> str:
    return f"{100 * budget:g} %" if budget else "0 labels"


def _count(n: int) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= size:
            return f"{n / size:.3g}\u2009{unit}"
    return str(n) if n else "–"
