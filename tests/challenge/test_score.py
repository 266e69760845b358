"""The formulas against numbers worked out by hand and against the published table."""

import pytest
import torch

from wirelessfm.challenge import QUESTIONS, composite, nmse_score, position_score, score_task

PUBLISHED = {
    0.620: (0.9396, 0.6137, 0.4165, 0.4576, 0.6711),  # the baseline on LWM 1.1
    0.638: (0.925, 0.763, 0.460, 0.393, 0.647),  # a Mamba backbone
}


@pytest.mark.parametrize("total", PUBLISHED)
def test_published_rows_are_scores_with_the_composite_as_their_mean(total):
    assert composite(dict(zip(QUESTIONS, PUBLISHED[total], strict=True))) == pytest.approx(total, abs=5e-4)


def test_read_as_metrics_the_baseline_row_would_have_another_composite():
    f1_los, f1_beam, *nmse, error_m = PUBLISHED[0.620]
    in_db = [10 * torch.tensor(ratio).log10().item() for ratio in nmse]
    scores = (f1_los, f1_beam, *map(nmse_score, in_db), position_score(error_m))
    assert composite(dict(zip(QUESTIONS, scores, strict=True))) == pytest.approx(0.581, abs=1e-3)


@pytest.mark.parametrize(("nmse_db", "score"), [(-8.33, 0.4165), (0, 0), (3, 0), (-20, 1), (-35, 1)])
def test_nmse_score(nmse_db, score):
    assert nmse_score(nmse_db) == pytest.approx(score)


@pytest.mark.parametrize(("error_m", "score"), [(32.89, 0.6711), (0, 1), (100, 0), (250, 0)])
def test_position_score(error_m, score):
    assert position_score(error_m) == pytest.approx(score)


def test_f1_by_hand():
    # Class 0: TP 1, FP 1, FN 1, F1 1/2; class 1: TP 2, FP 1, FN 1, F1 2/3; weights 2 and 3.
    found = score_task("los", torch.tensor([0, 1, 1, 1, 0]), torch.tensor([0, 0, 1, 1, 1]))
    assert found.score == found.value == pytest.approx((2 / 2 + 3 * 2 / 3) / 5)


def test_nmse_is_the_ratio_of_sums_by_hand():
    truth = torch.tensor([[[1.0 + 0j]], [[2j]]])
    found = score_task("estimation", torch.tensor([[[0j]], [[2j]]]), truth)
    assert found.value == pytest.approx(-6.9897, abs=1e-4) and found.score == pytest.approx(0.34949, abs=1e-5)
    assert score_task("interpolation", truth, truth).score == 1


def test_position_error_is_the_mean_over_coordinates_by_hand():
    found = score_task(
        "localisation", torch.tensor([[0.0, 0.0], [10.0, 4.0]]), torch.tensor([[3.0, -1.0], [10.0, 0.0]])
    )
    assert found.value == pytest.approx((3 + 1 + 0 + 4) / 4) and found.score == pytest.approx(0.98)
