"""The ranking of one task: a line for each system and head, a column for each label budget."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from wirelessfm.report.entries import Entry
from wirelessfm.report.markup import Html, element, join
from wirelessfm.report.parts import column, line_data, plain_table, system_name
from wirelessfm.report.provenance import line_provenance
from wirelessfm.report.tables import TaskTable
from wirelessfm.report.wording import counted, grouped, kind_name, magnitude, metric_name, share, spread

_SEE_ZERO = element("span", "←", class_="muted", title="one value for all budgets: see 0 labels")


def ranking_table(table: TaskTable) -> Html:
    """The table with its explanation."""
    usual_n = _usual_n(table)
    columns = [b for b in (0.0, *table.budgets) if b > 0 or any(0.0 in e.cells for e in table.entries)]
    better = "low" if table.lower_is_better else "high"
    head = [
        column("#", "low"),
        column("System + head", "text"),
        *[_budget_head(table, b, better) for b in columns],
        column("Kind", "text"),
        column("Parameters", "low"),
        *[column(name, "low", small) for name, small in _costs(table).values()],
        column("Fit, s", "low", share(table.rank_budget)),
    ]
    marks = _Marks.of(table, columns)
    ranks = {id(entry): rank for rank, entry in enumerate(table.ranked(table.rank_budget), 1)}
    body = [_line(table, ranks.get(id(entry)), entry, columns, usual_n, marks) for entry in table.entries]
    caption = (
        f"Values: {metric_name(table.metric)}. Columns: share of the training labels used and, below it, their number. "
        f"Mean ± standard deviation over n = {counted(usual_n, 'seed')} where no other n is given. "
        "Bold: best learned system of the column. Boxed: best overall; what needs no labels competes at every budget. "
        "A name opens its provenance."
    )
    return join(element("p", caption, class_="note"), plain_table(head, body, "ranking sortable"))


def _costs(table: TaskTable) -> dict[str, tuple[str, str]]:
    """Column heads of the measured costs that any entry has."""
    named = {"macs": ("MACs", ""), "latency_ms_1": ("Latency, ms", "one sample"), "peak_mb": ("Memory, MB", "peak")}
    return {name: heads for name, heads in named.items() if any(name in e.costs for e in table.entries)}


def _line(table: TaskTable, rank: int | None, entry: Entry, columns: list[float], usual_n: int, marks: _Marks) -> Html:
    cell = entry.at(table.rank_budget)
    seconds = cell.fit_seconds if cell else 0.0
    return element(
        "tr",
        element("td", rank or "–", data_value=rank, class_="number place"),
        element("th", _name(entry), scope="row", data_value=entry.label),
        *[_score(table, entry, budget, usual_n, marks) for budget in columns],
        element("td", kind_name(entry), data_value=kind_name(entry)),
        element("td", magnitude(entry.n_parameters), data_value=entry.n_parameters, class_="number"),
        *[_cost(entry.costs.get(name)) for name in _costs(table)],
        element("td", f"{seconds:.2g}" if seconds < 10 else f"{seconds:.0f}", data_value=seconds, class_="number"),
        **line_data(entry),
        data_learned="yes" if entry.is_learned else "no",
    )


def _name(entry: Entry) -> Html:
    """The name, which opens to its provenance."""
    return element("details", element("summary", system_name(entry)), line_provenance(entry), class_="line")


def _cost(value: float | None) -> Html:
    text = "–" if value is None else magnitude(value) if value >= 1000 else f"{value:.3g}"
    return element("td", text, data_value=value, class_="number")


def _score(table: TaskTable, entry: Entry, budget: float, usual_n: int, marks: _Marks) -> Html:
    place = f"{budget:g}"
    cell = entry.cells.get(budget)
    if cell is None:
        substitute = entry.at(budget) if budget else None
        value = repr(substitute.score.mean) if substitute else None
        text = _SEE_ZERO if substitute else "–"
        return element("td", text, data_budget=place, data_value=value, class_="number score substitute")
    note = element("small", f" n = {cell.score.n}") if cell.score.n != usual_n else None
    mean, deviation = spread(cell.score, table.metric).split("\u00a0", 1)
    text = join(mean, element("span", f"\u00a0{deviation}", class_="deviation"), note)
    return element(
        "td",
        text,
        data_budget=place,
        data_value=repr(cell.score.mean),
        class_=" ".join(["number score", *marks.at(entry, budget)]),
    )


@dataclass(frozen=True)
class _Marks:
    """The best entry of each column, overall and of the learned ones."""

    overall: dict[float, Entry]
    learned: dict[float, Entry]

    @classmethod
    def of(cls, table: TaskTable, columns: list[float]) -> _Marks:
        ranked = {b: table.ranked(b) for b in columns}
        learned = {b: [e for e in entries if e.is_learned] for b, entries in ranked.items()}
        # What needs no labels is best of its own column only where that is the only one.
        places = [b for b in columns if b or not table.budgets]
        return cls({b: ranked[b][0] for b in places if ranked[b]}, {b: learned[b][0] for b in columns if learned[b]})

    def at(self, entry: Entry, budget: float) -> list[str]:
        """Classes of a cell; the one value of a rule stands under 0 labels and may be the best of any column."""
        places = self.overall if entry.is_label_free else (budget,)
        overall = any(self.overall.get(b) is entry for b in places)
        return ["best-overall"] * overall + ["best-learned"] * (self.learned.get(budget) is entry)


def _usual_n(table: TaskTable) -> int:
    return Counter(c.score.n for e in table.entries for c in e.cells.values()).most_common(1)[0][0]


def _budget_head(table: TaskTable, budget: float, better: str) -> Html:
    small = grouped(table.n_labels(budget)) if budget else None
    return column(share(budget), better, small, data_budget=f"{budget:g}")
