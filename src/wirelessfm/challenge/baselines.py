"""What a model must beat: three submissions made of simple parts."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from wirelessfm.adapt import fit_head
from wirelessfm.baselines import autocorrelation_features, fit_majority, train_cnn
from wirelessfm.challenge.preparation import Public, load_public
from wirelessfm.challenge.setup import QUESTIONS
from wirelessfm.challenge.submission import Result, score_submission, write_submission
from wirelessfm.csi import CSI
from wirelessfm.errors import unknown_name

# More samples than entries of a channel (1024) several times over; beyond that the covariance changes little.
_COVARIANCE_SAMPLES = 4000
# 30 dB below the signal: keeps the inverse well-conditioned where there is no noise.
_RIDGE = 1e-3


@dataclass(frozen=True)
class Answer:
    """Predictions as the task asks for (classes as scores), and what was trained: all of it, and the head alone."""

    values: Tensor
    n_parameters: int = 0
    n_head: int = 0


# Training inputs and answers, test inputs, number of outputs and seed to an answer.
Solver = Callable[[CSI, Tensor, CSI, int, int], Answer]


def constant(train: CSI, answers: Tensor, test: CSI, n_outputs: int, seed: int) -> Answer:
    """The most frequent class, or the mean of the values."""
    if answers.is_floating_point():
        return Answer(answers.mean(dim=0).expand(len(test), -1), n_outputs)
    return Answer(fit_majority(train, answers, n_outputs, seed)(test), n_outputs)


def linear_head(train: CSI, answers: Tensor, test: CSI, n_outputs: int, seed: int) -> Answer:
    """A linear head on the spatial autocorrelation."""
    features = autocorrelation_features(train)
    head = fit_head("linear", features, answers, n_outputs, seed)
    size = (features.shape[1] + 1) * n_outputs
    return Answer(head(autocorrelation_features(test)), size, size)


def cnn(train: CSI, answers: Tensor, test: CSI, n_outputs: int, seed: int) -> Answer:
    """The small convolutional network of the baselines, trained from scratch."""
    model = train_cnn(train, answers, n_outputs, seed)
    return Answer(model(test), model.n_parameters)


def zero_fill(train: CSI, answers: Tensor, test: CSI, n_outputs: int, seed: int) -> Answer:
    """The observed entries as they are and 0 elsewhere."""
    return Answer(test.values)


def linear_interpolation(train: CSI, answers: Tensor, test: CSI, n_outputs: int, seed: int) -> Answer:
    """Straight lines between observed entries along the subcarriers, then along the antennas; nothing is denoised."""
    values, seen = fill_lines(test.values, test.labels["observed"])
    values, _ = fill_lines(values.transpose(1, 2), seen.transpose(1, 2))
    return Answer(values.transpose(1, 2).contiguous())


def lmmse(train: CSI, answers: Tensor, test: CSI, n_outputs: int, seed: int) -> Answer:
    """Linear minimum mean squared error with the covariance C of the clean training channels at unit power.

    ĥ = C_o (C_oo + σ²/p·I)⁻¹ y of the observed entries o, for every sample with its own observed power p (Edfors et
    al. 1998, for OFDM). C is counted as trained: its n² real numbers.
    """
    clean = answers[:_COVARIANCE_SAMPLES].flatten(1)
    clean = clean / clean.abs().square().mean(dim=1, keepdim=True).sqrt()
    covariance = clean.T @ clean.conj() / len(clean)
    observed, seen = test.values.flatten(1), test.labels["observed"].flatten(1)
    rows = [
        _conditional_mean(covariance, values[where], where.nonzero().squeeze(1), noise)
        for values, where, noise in zip(observed, seen, test.labels["noise_power"], strict=True)
    ]
    return Answer(torch.stack(rows).reshape(test.values.shape), covariance.numel())


def _conditional_mean(covariance: Tensor, values: Tensor, at: Tensor, noise_power: Tensor) -> Tensor:
    total = values.abs().square().mean()
    power = torch.maximum(total - noise_power, total * _RIDGE)
    ratio = noise_power / power + _RIDGE
    among = covariance[at][:, at] + ratio * torch.eye(len(at))
    return covariance[:, at] @ torch.linalg.solve(among, values)


BUNDLES: dict[str, dict[str, Solver]] = {
    name: {"class": decide, "value": decide, "csi": complete}
    for name, decide, complete in (
        ("constant", constant, zero_fill),
        ("linear", linear_head, linear_interpolation),
        ("cnn", cnn, lmmse),
    )
}


def fill_lines(values: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Interpolate linearly along the last axis, constant beyond the outermost seen entries.

    Args:
        values: complex [..., n].
        seen: bool [..., n].

    Returns:
        values, where a line without a seen entry stays as it is; and which entries are known now, bool [..., n].
    """
    n = values.shape[-1]
    at = torch.arange(n).expand(seen.shape)
    left = torch.where(seen, at, -1).cummax(dim=-1).values
    right = torch.where(seen, at, n).flip(-1).cummin(dim=-1).values.flip(-1)
    known = seen.any(dim=-1, keepdim=True).expand(seen.shape)
    first, last = torch.where(left < 0, right, left), torch.where(right >= n, left, right)
    first, last = torch.where(known, first, at), torch.where(known, last, at)
    weight = (at - first) / (last - first).clamp(min=1)
    return values.gather(-1, first) * (1 - weight) + values.gather(-1, last) * weight, known


def submit_baseline(name: str, public: Public, folder: str | os.PathLike[str], seed: int = 0) -> None:
    """Train one bundle on the public folder and write its submission, replacing an earlier one.

    Raises:
        WirelessFMError: unknown bundle.
    """
    if name not in BUNDLES:
        raise unknown_name("challenge baseline", name, BUNDLES)
    answers = {}
    for task, question in tqdm(QUESTIONS.items(), desc=name):
        train, test = (public.inputs(side, task) for side in ("train", "test"))
        solve = BUNDLES[name][question.output]
        answers[task] = solve(train, public.answers(task), test, question.n_outputs, seed)
    classes = [task for task, question in QUESTIONS.items() if question.output == "class"]
    predictions = {t: a.values.argmax(dim=1) if t in classes else a.values for t, a in answers.items()}
    parameters = {task: {"head": a.n_head, "trainable": a.n_parameters} for task, a in answers.items()}
    inputs = {task: public.inputs("test", task) for task in QUESTIONS}
    write_submission(folder, name, predictions, inputs, parameters, overwrite=True)


def score_baselines(prepared: str | os.PathLike[str], seed: int = 0) -> list[Result]:
    """Submit and score every bundle on a prepared challenge; the submissions go to ``baselines/`` in it."""
    folder = Path(prepared)
    public = load_public(folder / "public")
    results = []
    for name in BUNDLES:
        submit_baseline(name, public, folder / "baselines" / name, seed)
        results.append(score_submission(folder / "baselines" / name, public, folder / "private"))
    return results


def result_table(results: list[Result]) -> str:
    """One line a submission: scores, with the metric behind each in parentheses."""
    rows = [["", *QUESTIONS, "composite"]]
    for result in results:
        cells = [f"{task.score:.3f} ({task.value:.4g})" for task in result.tasks.values()]
        rows.append([result.name, *cells, f"{result.composite:.3f}"])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
