"""The best system of a task against every other one, in numbers and with what the numbers cannot say."""

from __future__ import annotations

from wirelessfm.report.markup import Html, element, join
from wirelessfm.report.parts import column, line_data, plain_table, system_name
from wirelessfm.report.significance import Paired, best_against_others, smallest_p
from wirelessfm.report.tables import TaskTable
from wirelessfm.report.wording import counted, labels, number, unit


def p_value(p: float | None) -> str:
    """A p value to two digits; a dash where there is none."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.2g}"


def significance_tables(table: TaskTable) -> Html | None:
    """One table for each label budget; None where there is nothing to compare."""
    found = {b: best_against_others(table, b) for b in table.budgets or (0.0,)}
    blocks = [_block(table, budget, pairs) for budget, pairs in found.items() if pairs]
    if not blocks:
        return None
    return element("details", element("summary", "Is the best better than each other? Paired tests"), *blocks)


def _block(table: TaskTable, budget: float, pairs: list[Paired]) -> Html:
    best = table.ranked(budget)[0]
    in_unit = f"best − other, {unit(table.metric)}" if unit(table.metric) else "best − other"
    heads = [
        column(f"{best.label} against", "text"),
        column("Pairs", "high"),
        column("Better in", "high"),
        column("Mean difference", "high", in_unit),
        column("p", "low", "t-test"),
        column("p", "low", "Wilcoxon"),
    ]
    title = element("h4", f"At {labels(budget)}")
    note = element("p", _caution(max(p.n for p in pairs)), class_="note")
    return element(
        "div", join(title, note), plain_table(heads, [_line(table, p) for p in pairs]), data_budget=f"{budget:g}"
    )


def _line(table: TaskTable, paired: Paired) -> Html:
    tested = paired.n > 0
    difference = number(paired.difference, table.metric) if tested else "no common split"
    return element(
        "tr",
        element("th", system_name(paired.entry), scope="row", data_value=paired.entry.label),
        element("td", paired.n, data_value=paired.n, class_="number"),
        element("td", paired.wins if tested else "–", data_value=paired.wins if tested else None, class_="number"),
        element("td", difference, data_value=repr(abs(paired.difference)), class_="number"),
        element("td", p_value(paired.p_t), data_value=paired.p_t, class_="number"),
        element("td", p_value(paired.p_wilcoxon), data_value=paired.p_wilcoxon, class_="number"),
        **line_data(paired.entry),
    )


def _caution(n: int) -> str:
    text = f"Paired over splits and seeds; {counted(n, 'pair')} at most."
    if n < 6:
        text += (
            f" With {counted(n, 'pair')}, p of the Wilcoxon test cannot be below {smallest_p(n):.2g}, whatever the "
            "difference"
        )
        text += (
            f", and the t-test rests on {counted(n - 1, 'degree')} of freedom, so its p says little." if n > 1 else "."
        )
    return text + " The best was chosen by these very numbers and p is not corrected for the number of systems."
