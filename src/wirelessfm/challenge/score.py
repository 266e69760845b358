"""The formulas of the challenge. Every score is in [0, 1], more is better; the composite is their plain mean.

The published table lists scores, not metrics: the baseline row .9396 .6137 .4165 .4576 .6711 has the mean .620, its
published composite. So .4165 stands for an NMSE of −8.33 dB (0.147) and .6711 for an error of 32.9 m.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from wirelessfm import metrics
from wirelessfm.challenge.setup import QUESTIONS

WORST_ERROR_M = 100.0
BEST_NMSE_DB = -20.0


@dataclass(frozen=True)
class TaskScore:
    """One of the five results: what was measured, and the score it gives."""

    metric: str
    value: float
    score: float


def score_task(name: str, predicted: Tensor, truth: Tensor) -> TaskScore:
    """Score one task.

    Args:
        name: out of ``QUESTIONS``.
        predicted: int64 [sample] classes, complex [sample, antenna, subcarrier] or float [sample, 2] in metres.
        truth: of the same shape.

    Returns:
        weighted F1; NMSE in dB as the ratio Σ‖Ĥ−H‖²/Σ‖H‖²; or mean absolute error of a coordinate in metres.
    """
    output = QUESTIONS[name].output
    if output == "class":
        value = metrics.f1(predicted, truth, "weighted")
        return TaskScore("f1_weighted", value, value)
    if output == "csi":
        nmse_db = metrics.db(metrics.nmse(predicted, truth, "ratio"))
        return TaskScore("nmse_ratio_db", nmse_db, nmse_score(nmse_db))
    error_m = float((predicted.double() - truth.double()).abs().mean())
    return TaskScore("mae_m", error_m, position_score(error_m))


def nmse_score(nmse_db: float) -> float:
    """clip(−NMSE_dB / 20, 0, 1)."""
    return min(max(nmse_db / BEST_NMSE_DB, 0.0), 1.0)


def position_score(error_m: float) -> float:
    """(100 − clip(error, 0, 100)) / 100, of the error in metres."""
    return (WORST_ERROR_M - min(max(error_m, 0.0), WORST_ERROR_M)) / WORST_ERROR_M


def composite(scores: Mapping[str, float]) -> float:
    """Mean of the five scores by task name."""
    return sum(scores[name] for name in QUESTIONS) / len(QUESTIONS)
