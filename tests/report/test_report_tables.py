"""Aggregation: what is averaged, what is ranked, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from tests.report.report_samples import synthetic_rows
from wirelessfm.errors import WirelessFMError
from wirelessfm.report.tables import lower_is_better, task_tables
from wirelessfm.report.verdict import verdicts
from wirelessfm.report.wording import number, spread
from wirelessfm.tasks.row import Row


def row(system="raw", score=0.5, budget=0.1, seed=0, kind="features", head="linear", **more) -> Row:
    content = {
        "task": "los",
        "scenes": ("munich",),
        "split": f"s{seed}",
        "n_labels": round(1000 * budget),
        "n_test": 100,
        "metrics": {"f1": score},
        "metric": "f1",
    }
    return Row(system=system, kind=kind, head=head, budget=budget, seed=seed, **{**content, **more})


def test_mean_and_sample_deviation_over_seeds():
    scores = [0.5, 0.6, 0.9]
    (table,) = task_tables([row(score=s, seed=i) for i, s in enumerate(scores)])
    score = table.entries[0].cells[0.1].score
    assert score.mean == pytest.approx(np.mean(scores))
    assert score.std == pytest.approx(np.std(scores, ddof=1))
    assert score.n == 3


def test_one_seed_has_no_spread():
    (table,) = task_tables([row()])
    assert spread(table.entries[0].cells[0.1].score, "f1") == "0.500\u00a0±\u00a0–"
    assert any(w.startswith("One seed only:") for w in table.warnings)
    (table,) = task_tables([row(), row("b"), row("b", seed=1)])
    assert any("1 of 2 results" in w for w in table.warnings)


def test_a_repeated_row_counts_once_and_the_last_counts():
    (table,) = task_tables([row(score=0.1), row(score=0.7)])
    assert table.entries[0].cells[0.1].score.mean == 0.7
    assert table.entries[0].cells[0.1].score.n == 1
    assert any("repeated" in w for w in table.warnings)


def test_order_of_rows_does_not_matter_for_the_ranking():
    rows = synthetic_rows()
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    first = {t.task: [e.label for e in t.entries] for t in task_tables(rows)}
    assert {t.task: [e.label for e in t.entries] for t in task_tables(shuffled)} == first


@pytest.mark.parametrize(("metric", "best"), [("f1", 0.9), ("nmse_db", -30.0), ("median_error_m", 0.5)])
def test_the_best_is_first_in_the_direction_of_the_metric(metric, best):
    values = {"a": 0.8, "b": best, "c": 0.7}
    rows = [row(system=s, metrics={metric: v}, metric=metric) for s, v in values.items()]
    (table,) = task_tables(rows)
    assert table.entries[0].name == "b"


def test_direction_is_told_by_whole_words():
    assert lower_is_better("nmse_db") and lower_is_better("p90_error_m") and lower_is_better("beam-loss_db")
    assert not lower_is_better("f1") and not lower_is_better("snr_db") and not lower_is_better("macro_f1")


def test_untrained_weights_of_three_seeds_are_one_system_and_trained_ones_are_not():
    untrained = [row("mae", seed=s, kind="encoder", weights=str(s) * 16) for s in range(3)]
    trained = [row("mae", seed=s, kind="encoder", weights=str(s) * 16, pretrained=True) for s in range(2)]
    (table,) = task_tables(untrained + trained)
    counts = {e.name: e.cells[0.1].score.n for e in table.entries}
    assert counts == {"mae (untrained)": 3, "mae [00000000]": 1, "mae [11111111]": 1}


def test_a_rule_without_labels_competes_at_every_budget():
    rows = [row("los-rule", 0.8, 0.0, kind="rule", head="none")]
    rows += [row("raw", 0.6, 0.01), row("raw", 0.9, 1.0)]
    (table,) = task_tables(rows)
    assert [e.name for e in table.ranked(0.01)] == ["los-rule", "raw"]
    assert [e.name for e in table.ranked(1.0)] == ["raw", "los-rule"]
    first, last = verdicts(table)
    assert first.sentence.startswith("The zero-label rule los-rule wins at 1 % labels") and first.baseline_wins
    assert last.sentence.startswith("The baseline raw + linear wins at 100 % labels") and last.baseline_wins


def test_the_verdict_names_leakage_and_narrow_leads():
    rows = [
        row("lwm", s, seed=i, kind="encoder", pretrained=True, saw_test_scene=True) for i, s in enumerate((0.7, 0.9))
    ]
    rows += [row("raw", s, seed=i) for i, s in enumerate((0.7, 0.8))]
    (verdict,) = verdicts(task_tables(rows)[0])
    assert "not larger than the spread" in verdict.sentence
    assert (
        "saw the test scene" in verdict.sentence
        and "of those that did not, the best is raw + linear" in verdict.sentence
    )
    assert not verdict.baseline_wins


def test_the_ranking_budget_is_the_smallest_that_most_systems_have():
    rows = [row("a", budget=b) for b in (0.01, 0.1, 1.0)] + [row("b", budget=b) for b in (0.1, 1.0)]
    assert task_tables(rows)[0].rank_budget == 0.1
    assert task_tables(rows, rank_budget=1.0)[0].rank_budget == 1.0
    with pytest.raises(WirelessFMError, match=r"0\.01, 0\.1, 1, found 0\.5"):
        task_tables(rows, rank_budget=0.5)


def test_a_missing_budget_leaves_the_system_last():
    (table,) = task_tables([row("a", 0.9, 1.0), row("b", 0.1, 0.1), row("c", 0.2, 0.1)])
    assert [e.name for e in table.entries] == ["c", "b", "a"]


def test_a_value_that_is_not_finite_is_shown_and_never_wins():
    (table,) = task_tables([row("a", float("inf")), row("b", 0.1), row("c", float("nan"))])
    assert [e.name for e in table.ranked(0.1)] == ["b"]
    assert number(table.entries[-1].cells[0.1].score.mean, "f1") == "not finite"


def test_different_splits_of_one_seed_are_reported():
    (table,) = task_tables([row("a", split="x"), row("b", split="y")])
    assert any("same samples" in w for w in table.warnings)


def test_refuses_nothing_and_mixed_metrics():
    with pytest.raises(WirelessFMError, match="found none"):
        task_tables([])
    with pytest.raises(WirelessFMError, match="accuracy, f1"):
        task_tables([row(), row("b", metrics={"accuracy": 1.0}, metric="accuracy")])
    with pytest.raises(WirelessFMError, match="no value of 'f1'"):
        task_tables([replace(row(), metrics={})])
