"""The filters of the page: what can be chosen. Without the script they stay hidden, and everything is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wirelessfm.report.markup import Html, element
from wirelessfm.report.tables import TaskTable, all_budgets
from wirelessfm.report.wording import SIZES, kind_name, labels, size_class


def controls(tables: Sequence[TaskTable]) -> Html:
    """One choice for each property that differs among the lines, and a box that hides flagged lines."""
    entries = [e for t in tables for e in t.entries]
    budgets = all_budgets(tables)
    sizes = {size_class(e.n_parameters) for e in entries}
    kinds = sorted({kind_name(e) for e in entries})
    choices = [
        _choice("task", "Task", dict.fromkeys(t.task for t in tables)),
        _choice("case", "Case", sorted({t.case for t in tables})),
        _choice("budget", "Labels", [f"{b:g}" for b in budgets], [labels(b) for b in budgets]),
        _choice("head", "Head", sorted({e.head for e in entries})),
        _choice("kind", "Kind", kinds),
        _choice("size", "Parameters", [size for size in SIZES if size in sizes]),
    ]
    flagged = any(flag.is_caution for e in entries for flag in e.flags)
    box = element("label", element("input", type="checkbox", id="filter-flagged"), " hide flagged") if flagged else None
    return element("div", *choices, box, element("output", id="shown"), id="controls", class_="controls", hidden=True)


def _choice(name: str, title: str, values: Iterable[str], texts: Sequence[str] | None = None) -> Html | None:
    values = list(values)
    if len(values) < 2:
        return None
    options = [element("option", text, value=value) for value, text in zip(values, texts or values, strict=True)]
    every = element("option", "all", value="")
    return element("label", f"{title} ", element("select", every, *options, id=f"filter-{name}"))
