"""All tasks in one table: the rank of each system on each, as on a leaderboard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from wirelessfm.report.markup import Html, element
from wirelessfm.report.parts import scrolling, system_name
from wirelessfm.report.tables import Entry, TaskTable
from wirelessfm.report.wording import kind_name, labels, number


def overview_section(tables: Sequence[TaskTable]) -> Html | None:
    """Score and rank of every system at each task's ranking budget; None for a single task."""
    if len(tables) < 2:
        return None
    ranks = [{e.label: i for i, e in enumerate(t.ranked(t.rank_budget), 1)} for t in tables]
    # A system is flagged here if it saw the test scene of any task: flagged entries come last and stay.
    entries = {e.label: e for e in sorted((e for t in tables for e in t.entries), key=lambda e: e.saw_test_scene)}
    means = {key: fmean(r[key] for r in ranks) for key in entries if all(key in r for r in ranks)}
    order = sorted(entries, key=lambda key: (means.get(key, math.inf), key))
    tasks = [
        element("th", t.task, element("small", f" {t.metric}, {labels(t.rank_budget)}"), scope="col", data_better="low")
        for t in tables
    ]
    head = element(
        "tr",
        element("th", "System + head", scope="col", data_better="text"),
        *tasks,
        element("th", "Mean rank", scope="col", data_better="low"),
        element("th", "Kind", scope="col", data_better="text"),
    )
    body = [_line(entries[key], tables, [r.get(key) for r in ranks], means.get(key)) for key in order]
    caption = "Score and, in parentheses, rank on each task. A mean rank is given to systems tested on every task."
    return element(
        "section",
        element("h2", "Overview"),
        element("p", caption, class_="note"),
        scrolling(element("table", element("thead", head), element("tbody", *body), class_="sortable")),
        id="overview",
    )


def _line(entry: Entry, tables: Sequence[TaskTable], ranks: Sequence[int | None], mean: float | None) -> Html:
    cells = []
    for table, rank in zip(tables, ranks, strict=True):
        found = next((e for e in table.entries if e.label == entry.label), None)
        cell = found.at(table.rank_budget) if found else None
        text = f"{number(cell.score.mean, table.metric)} ({rank})" if cell and rank else "–"
        cells.append(element("td", text, data_value=rank, class_="number best-overall" if rank == 1 else "number"))
    return element(
        "tr",
        element("th", system_name(entry), scope="row", data_value=entry.label),
        *cells,
        element("td", f"{mean:.1f}" if mean else "–", data_value=mean, class_="number"),
        element("td", kind_name(entry), data_value=kind_name(entry)),
    )
