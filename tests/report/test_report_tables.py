"""Aggregation: what is averaged, what is ranked, what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from tests.report.report_samples import synthetic_rows
from wirelessfm.errors import WirelessFMError
from wirelessfm.report.flags import flags_of
from wirelessfm.report.tables import task_tables
from wirelessfm.report.verdict import verdicts
from wirelessfm.report.wording import metric_name, number, spread, with_unit
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
    assert spread(table.entries[0].cells[0.1].score, "f1") == "50.0\u00a0±\u00a0–"
    assert any(w.startswith("One seed only:") for w in table.warnings)
    (table,) = task_tables([row(), row("b"), row("b", seed=1)])
    assert any("1 of 2 results" in w for w in table.warnings)


def test_a_repeated_row_counts_once_and_the_last_counts():
    (table,) = task_tables([row(score=0.1), row(score=0.7), row(score=0.7)])
    assert table.entries[0].cells[0.1].score.mean == 0.7
    assert table.entries[0].cells[0.1].score.n == 1
    assert any("split): 2, 1 of them with other numbers; the last of each counts" in w for w in table.warnings)


def test_order_of_rows_does_not_matter_for_the_ranking():
    rows = synthetic_rows()
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    first = {t.task: [e.label for e in t.entries] for t in task_tables(rows)}
    assert {t.task: [e.label for e in t.entries] for t in task_tables(shuffled)} == first


@pytest.mark.parametrize(
    ("metric", "best"), [("f1", 0.9), ("nmse_db", -30.0), ("error_m", 0.5), ("nmse_db@-10", -30.0)]
)
def test_the_best_is_first_in_the_direction_of_the_metric(metric, best):
    values = {"a": 0.8, "b": best, "c": 0.7}
    rows = [row(system=s, metrics={metric: v}, metric=metric) for s, v in values.items()]
    (table,) = task_tables(rows)
    assert table.entries[0].name == "b"


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


def test_of_several_splits_the_one_most_systems_have_counts():
    rows = [row("a", 0.9, split="x"), row("b", 0.8, split="x"), row("a", 0.1, split="small"), row("c", 0.7, split="x")]
    (table,) = task_tables(rows)
    assert table.entries[0].name == "a" and table.entries[0].cells[0.1].score.mean == 0.9
    assert any("Rows left out: 1," in w for w in table.warnings) and not any(
        "same samples" in w for w in table.warnings
    )
    (table,) = task_tables([row("a", 0.9, split="x"), row("a", 0.1, split="small")])
    assert table.entries[0].cells[0.1].score.mean == 0.1


def test_different_splits_of_one_seed_are_reported():
    (table,) = task_tables([row("a", split="x"), row("b", split="y")])
    assert any("same samples" in w for w in table.warnings)


def test_cases_and_scenes_are_never_averaged():
    rows = [row(score=0.9), row(score=0.5, case="2"), row(score=0.7, scenes=("rome",)), row(score=0.8, case="3")]
    tables = task_tables(rows)
    assert [t.title for t in tables] == ["los · case 1 · munich", "los · case 2", "los · case 1 · rome", "los · case 3"]
    assert [t.entries[0].cells[0.1].score.mean for t in tables] == [0.9, 0.5, 0.7, 0.8]
    assert task_tables(rows[:1])[0].title == "los"


def test_family_is_the_kind_of_the_task_or_the_first_word_of_its_name():
    rows = [row(task=name) for name in ("beam-64-antennas-8", "position-horizontal", "los")]
    assert [t.family for t in task_tables(rows)] == ["beam", "position", "los"]


def test_a_bound_is_shown_and_never_wins():
    (table,) = task_tables([row("genie", 0.9, notes={"genie": True}), row("a", 0.5), row("b", 0.4)])
    assert [e.name for e in table.entries] == ["genie", "a", "b"]
    assert [e.name for e in table.ranked(0.1)] == ["a", "b"]
    assert verdicts(table)[0].sentence.startswith("The baseline a + linear wins")


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        ({"saw_test_scene": True}, ["saw test scene"]),
        ({"kind": "external"}, ["self-reported"]),
        ({"self_reported": True, "notes": {"reproduced": False}}, ["self-reported"]),
        ({"notes": {"resize": "pad", "genie": True}}, ["genie", "resized"]),
        ({"notes": {"pretraining_saw": "line of sight"}}, ["simulator-taught"]),
        ({"notes": {"near_duplicates": 3, "reproduced": True}}, ["reproduced"]),
        ({"notes": {"resize": None}}, []),
        ({"kind": "constant"}, ["sanity check"]),
        ({"notes": {"sanity_check": True}}, ["sanity check"]),
    ],
)
def test_flags_come_from_fields_and_notes(change, flags):
    assert [flag.text for flag in flags_of([row(), row(**change)])] == flags


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (0.9314, "accuracy", "93.1 %"),
        (0.9314, "f1_macro", "93.1 %"),
        (0.9314, "top_3", "93.1 %"),
        (0.9314, "accuracy@-5", "93.1 %"),
        (0.9314, "sgcs", "0.931"),
        (-17.346, "nmse_db@-10", "−17.35 dB"),
        (-0.001, "nmse_db", "0.00 dB"),
        (2.345, "error_m", "2.35 m"),
        (123.45, "error_m", "123.5 m"),
    ],
)
def test_numbers_have_the_unit_and_digits_of_their_metric(value, metric, text):
    assert with_unit(number(value, metric), metric).replace("\u00a0", " ") == text


def test_metrics_in_words():
    names = {"nmse_db@-10": "nmse@-10, dB", "error_m": "error, m", "f1_macro": "f1 macro, %", "sgcs": "sgcs"}
    assert {name: metric_name(name) for name in names} == names


def test_refuses_nothing_and_mixed_metrics():
    with pytest.raises(WirelessFMError, match="found none"):
        task_tables([])
    with pytest.raises(WirelessFMError, match="accuracy, f1"):
        task_tables([row(), row("b", metrics={"accuracy": 1.0}, metric="accuracy")])
    with pytest.raises(WirelessFMError, match="no value of 'f1'"):
        task_tables([replace(row(), metrics={})])


def test_many_near_copies_are_a_warning_of_the_task():
    few, many = ([row(notes={"near_duplicate_share": share})] for share in (0.01, 0.12))
    assert not any("near copy" in w for w in task_tables(few)[0].warnings)
    assert any("Up to 12 %" in w for w in task_tables(many)[0].warnings)
