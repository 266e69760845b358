"""The leaderboards of the page: overall and for each family of tasks, at each label budget."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from wirelessfm.report.leaderboard import Leaderboard, Standing, leaderboard
from wirelessfm.report.markup import Html, element, join
from wirelessfm.report.parts import column, line_data, plain_table, system_name
from wirelessfm.report.significance import sign_test, smallest_p, wins_and_losses
from wirelessfm.report.significance_table import p_value
from wirelessfm.report.tables import TaskTable, all_budgets
from wirelessfm.report.wording import counted, kind_name, labels, magnitude, number, with_direction

_HOW = (
    "How it is computed: ranked are the systems tested on so many tasks of the table that ranked systems times tasks "
    "they all share is largest. The others, such as a rule for one kind of task, stand below without a place, as do "
    "bounds (genie). Mean rank and mean score are taken over the shared tasks, so a missing task (–) is never counted "
    "as zero. The score of a task is 0 for its worst system, 100 for its best and linear between them in the unit of "
    "the metric; equal results share the mean of their ranks. In parentheses: rank on the task among all systems but "
    "bounds. With filters, all is computed again among the systems shown."
)


def leaderboard_section(tables: Sequence[TaskTable]) -> Html | None:
    """One group of tables for each case; None where no case has two tasks."""
    cases = {case: [t for t in tables if t.case == case] for case in sorted({t.case for t in tables})}
    cases = {case: group for case, group in cases.items() if len(group) > 1}
    if not cases:
        return None
    many = len({t.case for t in tables}) > 1
    groups = [_case(group, f", case {case}" if many else "") for case, group in cases.items()]
    return element(
        "section", element("h2", "Leaderboard"), element("p", _HOW, class_="note"), *groups, id="leaderboard"
    )


def _case(tables: Sequence[TaskTable], suffix: str) -> Html:
    families: dict[str, list[TaskTable]] = {}
    for table in tables:
        families.setdefault(table.family, []).append(table)
    groups = [_group(f"Overall{suffix}", tables, is_open=True)]
    if len(families) > 1:
        groups += [_group(f"Family {name}{suffix}", f, is_open=False) for name, f in families.items() if len(f) > 1]
    return element("div", *groups, data_case=tables[0].case)


def _group(heading: str, tables: Sequence[TaskTable], is_open: bool) -> Html:
    budgets = all_budgets(tables) or [0.0]
    usual = Counter(t.rank_budget for t in tables if t.rank_budget in budgets).most_common(1)[0][0]
    boards = [_board(leaderboard(tables, b), is_open and b == usual) for b in budgets]
    return join(element("h3", f"{heading}: {counted(len(tables), 'task')}"), *boards)


def _board(board: Leaderboard, is_open: bool) -> Html:
    heads = [
        column("#", "low"),
        column("System + head", "text"),
        column("Mean rank", "low"),
        column("Mean score", "high"),
        *[_task_head(table, shared) for table, shared in zip(board.tables, board.shared, strict=True)],
        column("Kind", "text"),
        column("Parameters", "low"),
    ]
    best = [
        min((r for r in ranks if r), default=None) for ranks in zip(*(s.ranks for s in board.standings), strict=True)
    ]
    lines = [_line(board, i, standing, best) for i, standing in enumerate(board.standings, 1)]
    return element(
        "details",
        element("summary", f"At {labels(board.budget)}"),
        element("p", _about(board), class_="note shared"),
        plain_table(heads, lines, "sortable leaderboard"),
        _lead(board),
        class_="board",
        data_budget=f"{board.budget:g}",
        open=is_open,
    )


def _about(board: Leaderboard) -> str:
    n, listed = sum(board.shared), sum(s.is_listed for s in board.standings)
    if n:
        return f"Means over {n} of {counted(len(board.tables), 'task')}: those that all {listed} ranked systems share."
    return "No task is shared by all ranked systems: there is no mean. Filters can leave systems that share tasks."


def _task_head(table: TaskTable, shared: bool) -> Html:
    better = "low" if table.lower_is_better else "high"
    title = table.title.replace(f" · case {table.case}", "")
    return column(
        title, better, with_direction(table.metric), class_="task-column" if shared else "task-column not-shared"
    )


def _line(board: Leaderboard, place: int, standing: Standing, best: Sequence[float | None]) -> Html:
    rank, score = standing.mean_rank, standing.mean_score
    cells = zip(board.tables, standing.scores, standing.ranks, best, strict=True)
    return element(
        "tr",
        element("td", place if rank is not None else "–", data_value=place, class_="number place"),
        element("th", system_name(standing.entry), scope="row", data_value=standing.entry.label),
        element("td", "–" if rank is None else f"{rank:.1f}", data_value=rank, class_="number mean-rank"),
        element("td", "–" if score is None else f"{100 * score:.1f}", data_value=score, class_="number mean-score"),
        *[_score(table, value, on_task, first) for table, value, on_task, first in cells],
        element("td", kind_name(standing.entry), data_value=kind_name(standing.entry)),
        element("td", magnitude(standing.entry.n_parameters), data_value=standing.entry.n_parameters, class_="number"),
        class_=None if standing.is_listed else "unlisted",
        **line_data(standing.entry),
    )


def _score(table: TaskTable, value: float, rank: float | None, first: float | None) -> Html:
    if math.isnan(value):
        return element("td", "–", class_="number task-score", title="not tested")
    place = element("small", f" ({rank:g})" if rank is not None else "", class_="rank")
    marks = "number task-score best-overall" if rank and rank == first else "number task-score"
    return element("td", number(value, table.metric), place, data_value=repr(value), class_=marks)


def _lead(board: Leaderboard) -> Html | None:
    """The first of the leaderboard against every other one, by a sign test over tasks, splits and seeds."""
    ranked = [s for s in board.standings if s.mean_rank is not None]
    lines, n_most = [], 0
    for other in ranked[1:]:
        wins, losses = wins_and_losses(ranked[0].found, other.found, board.tables, board.budget)
        n_most = max(n_most, wins + losses)
        p = sign_test(wins, losses)
        lines.append(
            element(
                "tr",
                element("th", other.entry.label, scope="row", data_value=other.entry.label),
                element("td", wins, data_value=wins, class_="number"),
                element("td", losses, data_value=losses, class_="number"),
                element("td", p_value(p), data_value=p, class_="number"),
                **line_data(other.entry),
            )
        )
    if not lines:
        return None
    heads = [column("Against", "text"), column("Better in", "high"), column("Worse in", "low"), column("p", "low")]
    note = (
        f"{ranked[0].entry.label} against each other system on every task and seed that both were tested on with the "
        f"same split; ties are left out. p: two-sided sign test, at least {p_value(smallest_p(n_most))} with "
        f"{counted(n_most, 'pair')}, not corrected for the number of systems. Seeds of one task share samples, so p is "
        "optimistic."
    )
    return element(
        "details",
        element("summary", "Is the lead more than luck?"),
        element("p", note, class_="note"),
        plain_table(heads, lines),
    )
