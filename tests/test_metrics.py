"""Every value here is worked out by hand."""

import math

import pytest
import torch

from wirelessfm import metrics
from wirelessfm.errors import WirelessFMError

SCORES = torch.tensor([[0.1, 0.7, 0.2], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.4, 0.4, 0.2]])
LABELS = torch.tensor([1, 1, 0, 1])


def test_accuracy_counts_the_first_of_equal_scores():
    assert metrics.accuracy(SCORES, LABELS) == 0.25


def test_top_k_counts_ties_against_the_prediction():
    assert metrics.top_k(SCORES, LABELS, 1) == 0.25
    assert metrics.top_k(SCORES, LABELS, 2) == 0.75
    assert metrics.top_k(SCORES, LABELS, 3) == 1.0
    constant = torch.zeros(4, 3)
    assert metrics.top_k(constant, LABELS, 2) == 0.0


def test_f1_by_hand():
    predicted = torch.tensor([0, 0, 1, 2, 1])
    labels = torch.tensor([0, 1, 1, 1, 0])
    # class 0: TP 1, FP 1, FN 1 → 1/2; class 1: TP 1, FP 1, FN 2 → 2/5; class 2: TP 0 → 0
    assert metrics.f1(predicted, labels, "weighted") == pytest.approx((2 * 0.5 + 3 * 0.4) / 5)
    assert metrics.f1(predicted, labels, "macro") == pytest.approx((0.5 + 0.4 + 0) / 3)
    assert metrics.f1(predicted, labels, "binary") == pytest.approx(0.4)
    assert metrics.f1(torch.zeros(3).long(), torch.zeros(3).long(), "binary") == 0.0


def test_neighbouring_beams_wrap_around():
    predicted, labels = torch.tensor([0, 63, 5, 10]), torch.tensor([63, 0, 7, 11])
    assert metrics.within_one_beam(predicted, labels, 64) == 0.75


def test_beam_loss_in_db():
    powers = torch.tensor([[1.0, 10.0], [4.0, 4.0], [1.0, 0.0]])
    loss = metrics.beam_loss_db(powers, torch.tensor([0, 1, 1]))
    assert loss.tolist() == pytest.approx([10.0, 0.0, 100.0])
    with pytest.raises(WirelessFMError, match="path-less"):
        metrics.beam_loss_db(torch.zeros(1, 2), torch.tensor([0]))


def test_nmse_conventions_differ():
    truth = torch.tensor([[1.0 + 0j, 0], [0, 2j]])
    estimate = torch.tensor([[0.0 + 0j, 0], [0, 1j]])
    assert metrics.nmse(estimate, truth, "samples") == pytest.approx((1 / 1 + 1 / 4) / 2)
    assert metrics.nmse(estimate, truth, "ratio") == pytest.approx((1 + 1) / (1 + 4))
    with pytest.raises(WirelessFMError, match="all-zero"):
        metrics.nmse(truth, torch.zeros_like(truth))


def test_nmse_of_weak_channels_does_not_underflow():
    truth = torch.full((2, 32, 32), 1e-9 + 0j)
    assert metrics.nmse(truth * 1.1, truth) == pytest.approx(0.01, rel=1e-3)


def test_similarities_by_hand_and_free_of_phase():
    truth = torch.tensor([[1.0 + 0j, 0]])
    estimate = torch.tensor([[1.0 + 0j, 1j]])
    assert metrics.sgcs(estimate, truth) == pytest.approx(0.5)
    assert metrics.sgcs(1j * estimate, truth) == pytest.approx(0.5)
    columns = torch.stack([torch.tensor([1.0 + 0j, 0]), torch.tensor([0, 1j])], dim=1)[None]
    other = torch.stack([torch.tensor([1.0 + 0j, 1]), torch.tensor([0, 1.0 + 0j])], dim=1)[None]
    assert metrics.rho(other, columns) == pytest.approx((1 / math.sqrt(2) + 1) / 2)


def test_horizontal_error_ignores_height():
    error = metrics.horizontal_error_m(torch.tensor([[3.0, 4, 9], [0, 0, 0]]), torch.tensor([[0.0, 0, 0], [1, 0, 5]]))
    assert error.tolist() == [5.0, 1.0]
    assert metrics.error_percentiles(torch.arange(11.0), (50, 90)) == {"p50": 5.0, "p90": 9.0}


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.accuracy(SCORES, LABELS[:2]),
        lambda: metrics.accuracy(SCORES[:0], LABELS[:0]),
        lambda: metrics.top_k(SCORES, LABELS, 4),
        lambda: metrics.f1(LABELS, LABELS, "mirco"),
        lambda: metrics.nmse(SCORES, SCORES, "mean"),
        lambda: metrics.nmse(SCORES, SCORES[:2]),
        lambda: metrics.rho(SCORES, SCORES),
        lambda: metrics.horizontal_error_m(SCORES[:, :1], SCORES[:, :1]),
        lambda: metrics.beam_loss_db(SCORES, LABELS[:2]),
    ],
)
def test_bad_input_is_explained(call):
    with pytest.raises(WirelessFMError):
        call()
