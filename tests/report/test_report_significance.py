"""Paired tests agree with scipy and with counting, and say what few seeds cannot show; the Pareto front is one."""

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_rel, wilcoxon

from tests.report.test_report_tables import row
from wirelessfm.report import write_report
from wirelessfm.report.pareto import pareto_front
from wirelessfm.report.significance import best_against_others, sign_test, smallest_p, wins_and_losses
from wirelessfm.report.tables import task_tables


def rows_of(scores, metric="f1", **more):
    return [
        row(system, seed=seed, metrics={metric: float(v)}, metric=metric, **more)
        for system, values in scores.items()
        for seed, v in enumerate(values)
    ]


def scores_of(n):
    generator = np.random.default_rng(5)
    luck = generator.normal(0, 0.1, n)
    return {s: base + luck + generator.normal(0, 0.02, n) for s, base in (("a", 0.8), ("b", 0.77), ("c", 0.6))}


@pytest.mark.parametrize("n", [3, 8])
def test_p_values_are_those_of_scipy(n):
    scores = scores_of(n)
    (table,) = task_tables(rows_of(scores))
    for paired in best_against_others(table, 0.1):
        ours, theirs = scores["a"], scores[paired.entry.name]
        assert paired.n == n and paired.difference == pytest.approx(np.mean(ours - theirs))
        assert paired.p_t == pytest.approx(ttest_rel(ours, theirs).pvalue)
        assert paired.p_wilcoxon == pytest.approx(wilcoxon(ours - theirs).pvalue)
        assert paired.wins == (ours > theirs).sum()


def test_less_is_better_in_metres():
    scores = {name: 10 * (1 - values) for name, values in scores_of(3).items()}
    (table,) = task_tables(rows_of(scores, "error_m"))
    first = best_against_others(table, 0.1)[0]
    assert table.entries[0].name == "a" and first.difference < 0 and first.wins == 3
    assert wins_and_losses([table.entries[0]], [table.entries[1]], [table], 0.1) == (3, 0)


def test_only_the_same_split_and_seed_is_a_pair():
    rows = [row("a", 0.9, seed=s, split=f"x{s}") for s in range(3)] + [row("b", 0.8, seed=s) for s in range(3)]
    rows += [row("c", 0.7, seed=s, split=f"x{s}") for s in (1, 2, 3)]
    b, c = best_against_others(task_tables(rows)[0], 0.1)
    assert b.n == 0 and b.p_t is None and np.isnan(b.difference)
    assert c.n == 2


def test_rules_without_labels_are_paired_at_every_budget():
    rows = rows_of(scores_of(3)) + [row("rule", 0.1, 0.0, seed=s, kind="rule", head="none") for s in range(3)]
    assert best_against_others(task_tables(rows)[0], 0.1)[-1].n == 3


def test_ties_and_equal_differences_have_p_and_no_warning():
    scores = {"a": [0.5, 0.75, 1.0], "b": [0.5, 0.75, 1.0], "c": [0.25, 0.5, 0.75], "d": [0.5, 0.5, 0.5]}
    same, shifted, partly = best_against_others(task_tables(rows_of(scores))[0], 0.1)
    if shifted.entry.name == "d":
        shifted, partly = partly, shifted
    assert (same.p_t, same.p_wilcoxon) == (None, 1.0)
    assert (shifted.p_t, shifted.p_wilcoxon) == (None, 0.25)
    assert partly.p_wilcoxon == 0.5


@pytest.mark.parametrize(("wins", "losses"), [(3, 0), (5, 1), (2, 2), (0, 7)])
def test_sign_test_is_the_binomial_test(wins, losses):
    assert sign_test(wins, losses) == pytest.approx(binomtest(wins, wins + losses).pvalue)
    assert sign_test(0, 0) == 1.0 and sign_test(3, 0) == smallest_p(3) == 0.25


def test_the_page_says_what_three_seeds_cannot_show(tmp_path):
    page = write_report(tmp_path / "r.html", rows_of(scores_of(3))).read_text()
    assert "With 3 pairs, p of the Wilcoxon test cannot be below 0.25" in page and "2 degrees of freedom" in page
    page = write_report(tmp_path / "r.html", rows_of(scores_of(8))).read_text()
    assert "cannot be below" not in page


def test_pareto_front():
    costs, scores = [1, 2, 2, 3, 4, 5], [0.5, 0.4, 0.7, 0.7, 0.9, 0.8]
    assert pareto_front(costs, scores, lower_is_better=False) == [0, 2, 4]
    assert pareto_front(costs, [-s for s in scores], lower_is_better=True) == [0, 2, 4]
    assert pareto_front([1.0], [1.0], False) == [0]
