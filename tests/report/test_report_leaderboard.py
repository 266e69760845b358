"""Several tasks in one order: means over what is shared, missing results never as zero, directions respected."""

import math
import re
from dataclasses import replace

import pytest

from tests.report.test_report_tables import row
from wirelessfm.report import write_report
from wirelessfm.report.leaderboard import leaderboard
from wirelessfm.report.tables import task_tables

RESULTS = {
    ("los", "accuracy"): {"a": 0.9, "b": 0.8, "c": 0.7},
    ("position", "error_m"): {"a": 2.0, "b": 1.0, "c": 5.0},
    ("estimation", "nmse_db"): {"a": -10.0, "b": -20.0},
}


def rows_of(results=RESULTS, **more):
    return [
        row(system, task=task, metrics={metric: value}, metric=metric, **more)
        for (task, metric), values in results.items()
        for system, value in values.items()
    ]


def board_of(rows, budget=0.1):
    return leaderboard(task_tables(rows), budget)


def test_means_over_the_tasks_that_all_share():
    board = board_of(rows_of())
    assert board.shared == (True, True, False)
    assert [s.entry.name for s in board.standings] == ["a", "b", "c"]
    assert [s.mean_rank for s in board.standings] == [1.5, 1.5, 3.0]
    # los: 1, 0.5, 0; position, where less is better: (5 - 2) / 4, 1, 0.
    assert [s.mean_score for s in board.standings] == pytest.approx([0.875, 0.75, 0.0])
    assert board.standings[0].ranks == (1, 2, 2) and board.standings[2].ranks == (3, 3, None)
    assert math.isnan(board.standings[2].scores[2])


def test_scaling_a_metric_changes_nothing():
    scaled = {key: {s: 10 * v for s, v in values.items()} for key, values in RESULTS.items()}
    for ours, theirs in zip(board_of(rows_of()).standings, board_of(rows_of(scaled)).standings, strict=True):
        assert ours.mean_score == pytest.approx(theirs.mean_score) and ours.ranks == theirs.ranks


def test_a_system_of_few_tasks_has_no_place_and_does_not_shrink_what_is_shared():
    results = {**RESULTS, ("los", "accuracy"): {**RESULTS["los", "accuracy"], "specialist": 0.99}}
    board = board_of(rows_of(results))
    last = board.standings[-1]
    assert last.entry.name == "specialist" and not last.is_listed and last.mean_rank is None
    # Where it was tested it has its rank, so that a rule that wins is seen.
    assert last.ranks == (1, None, None) and board.standings[0].ranks[0] == 2
    assert board.shared == (True, True, False)


def test_bounds_have_no_place():
    rows = rows_of()
    rows += [replace(r, system="genie", notes={"genie": True}) for r in rows if r.system == "a"]
    board = board_of(rows)
    assert board.standings[-1].entry.name == "genie" and board.standings[-1].mean_rank is None
    assert board.standings[0].mean_rank == 1.5


def test_equal_results_share_their_ranks():
    results = {("los", "accuracy"): {"a": 0.5, "b": 0.5, "c": 0.1}, ("x", "accuracy"): {"a": 0.5, "b": 0.5, "c": 0.5}}
    board = board_of(rows_of(results))
    assert {s.entry.name: s.ranks for s in board.standings} == {"a": (1.5, 2), "b": (1.5, 2), "c": (3, 2)}
    assert {s.entry.name: s.mean_score for s in board.standings} == {"a": 1.0, "b": 1.0, "c": 0.5}


def test_no_shared_task_means_no_mean():
    results = {("t1", "accuracy"): {"a": 0.5}, ("t2", "accuracy"): {"b": 0.5}}
    board = board_of(rows_of(results))
    assert board.shared == (False, False) and all(s.mean_rank is None for s in board.standings)


def test_what_a_system_does_without_a_head_stands_in_the_line_of_each_head():
    rows = [row("mae", 0.9, head=h, kind="encoder") for h in ("linear", "mlp")]
    rows += [
        row(s, task="estimation", metrics={"nmse_db": -9.0}, metric="nmse_db", budget=0.0, head="none", kind=k)
        for s, k in (("mae", "encoder"), ("lmmse", "rule"))
    ]
    board = board_of(rows)
    found = {s.entry.label: s.scores for s in board.standings}
    assert found["mae (untrained) + linear"] == found["mae (untrained) + mlp"] == (0.9, -9.0)
    assert set(found) == {"mae (untrained) + linear", "mae (untrained) + mlp", "lmmse"}


def table_texts(page, class_):
    """Text of every cell of the first table of a class, line by line."""
    table = re.search(rf'<table class="[^"]*\b{class_}\b[^"]*">(.*?)</table>', page, re.DOTALL)[1]
    lines = re.findall(r"<tr.*?>(.*?)</tr>", table, re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", "", c).replace("\u00a0", " ") for c in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", line)]
        for line in lines
    ]


def test_golden_numbers_of_a_small_page(tmp_path):
    rows = [
        replace(r, seed=s, split=f"s{s}", metrics={r.metric: r.score * (1 + 0.1 * s)})
        for r in rows_of()
        for s in (0, 1)
    ]
    page = write_report(tmp_path / "r.html", rows).read_text()
    lines = table_texts(page, "leaderboard")
    assert [line[1:7] for line in lines[1:]] == [
        ["a + linear", "1.5", "87.5", "94.5 (1)", "2.10 (2)", "−10.50 (2)"],
        ["b + linear", "1.5", "75.0", "84.0 (2)", "1.05 (1)", "−21.00 (1)"],
        ["c + linear", "3.0", "0.0", "73.5 (3)", "5.25 (3)", "–"],
    ]
    assert lines[0][4:7] == ["los accuracy, % ↑", "position error, m ↓", "estimation nmse, dB ↓"]
    ranking = table_texts(page, "ranking")
    assert ranking[1][2] == "94.5 ± 6.4" and "Means over 2 of 3 tasks: those that all 3 ranked systems share." in page


def test_each_case_has_its_leaderboard(tmp_path):
    rows = rows_of() + rows_of({("los", "accuracy"): {"a": 0.4}, ("position", "error_m"): {"a": 9.0}}, case="2")
    page = write_report(tmp_path / "r.html", rows).read_text()
    assert "Overall, case 1: 3 tasks" in page and "Overall, case 2: 2 tasks" in page
