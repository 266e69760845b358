"""The ranking of one task: a line for each system and head, a column for each label budget."""

from __future__ import annotations

import math
from collections import Counter

from wirelessfm.report.markup import Html, element, join
from wirelessfm.report.parts import scrolling, system_name
from wirelessfm.report.tables import Entry, TaskTable
from wirelessfm.report.wording import grouped, kind_name, magnitude, share, spread


def ranking_table(table: TaskTable) -> Html:
    """The table with its explanation."""
    usual_n = _usual_n(table)
    columns = [b for b in (0.0, *table.budgets) if b > 0 or any(0.0 in e.cells for e in table.entries)]
    better = "low" if table.lower_is_better else "high"
    heads = [
        element("th", *_budget_head(table, b), scope="col", data_budget=f"{b:g}", data_better=better) for b in columns
    ]
    head = element(
        "tr",
        element("th", "#", scope="col", data_better="low"),
        element("th", "System + head", scope="col", data_better="text"),
        *heads,
        element("th", "Kind", scope="col", data_better="text"),
        element("th", "Parameters", scope="col", data_better="low"),
        element("th", "Fit, s", element("small", f" {share(table.rank_budget)}"), scope="col", data_better="low"),
    )
    body = [_line(table, rank, entry, columns, usual_n) for rank, entry in enumerate(table.entries, 1)]
    caption = (
        "Columns: share of the training labels used and, below it, their number. "
        f"Mean ± standard deviation over n = {usual_n} {'seeds' if usual_n > 1 else 'seed'} where no other n is given. "
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
        element("td", magnitude(entry.n_parameters), data_value=entry.n_parameters, class_="number"),
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
        "td",
        text,
        data_budget=place,
        data_value=cell.score.mean,
        class_=f"number {_marks(table, entry, budget)}".strip(),
    )


def _marks(table: TaskTable, entry: Entry, budget: float) -> str:
    # The one value of a rule stands under 0 labels and may be the best of any column.
    places = (0.0, *table.budgets) if entry.is_label_free else (budget,)
    overall = any(_best(table, b, False) is entry for b in places if b or not table.budgets)
    learned = _best(table, budget, True) is entry
    return " ".join(["best-overall"] * overall + ["best-learned"] * learned)


def _best(table: TaskTable, budget: float, learned_only: bool) -> Entry | None:
    return next((e for e in table.ranked(budget) if e.is_learned or not learned_only), None)


def _winners(table: TaskTable, columns: list[float], learned_only: bool) -> Html:
    cells = []
    for budget in columns:
        best = _best(table, budget, learned_only)
        cells.append(element("td", best.label if best else "–", data_budget=f"{budget:g}", class_="winner"))
    name = "Best learned" if learned_only else "Best overall"
    blank = element("td")
    return element("tr", blank, element("th", name, scope="row"), *cells, blank, blank, blank)


def _usual_n(table: TaskTable) -> int:
    return Counter(c.score.n for e in table.entries for c in e.cells.values()).most_common(1)[0][0]


def _budget_head(table: TaskTable, budget: float) -> tuple[str | Html, ...]:
    if not budget:
        return (share(budget),)
    return share(budget), element("small", f" {grouped(table.n_labels(budget))}")
