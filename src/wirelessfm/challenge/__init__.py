"""Five tasks, one score: prepare, validate and score a challenge."""

from wirelessfm.challenge.baselines import result_table, score_baselines, submit_baseline
from wirelessfm.challenge.preparation import Public, load_public, load_truth, prepare
from wirelessfm.challenge.score import TaskScore, composite, nmse_score, position_score, score_task
from wirelessfm.challenge.setup import QUESTIONS
from wirelessfm.challenge.submission import (
    Result,
    Submission,
    read_submission,
    save_result,
    score_submission,
    write_submission,
)

__all__ = [
    "QUESTIONS",
    "Public",
    "Result",
    "Submission",
    "TaskScore",
    "composite",
    "load_public",
    "load_truth",
    "nmse_score",
    "position_score",
    "prepare",
    "read_submission",
    "result_table",
    "save_result",
    "score_baselines",
    "score_submission",
    "score_task",
    "submit_baseline",
    "write_submission",
]
