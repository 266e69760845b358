"""A submission: five arrays and a card. Every fault is explained, all of them at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wirelessfm.challenge.preparation import Public, load_truth
from wirelessfm.challenge.score import TaskScore, composite, score_task
from wirelessfm.challenge.setup import QUESTIONS
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_folder, read_json, write_json
from wirelessfm.predictors.folder import load_npy

CARD = "submission.json"
_KINDS = {"class": ("integers", "iu"), "csi": ("complex numbers", "c"), "value": ("real numbers", "f")}


@dataclass(frozen=True)
class Submission:
    """What passed: predictions by task and the card."""

    name: str
    predictions: dict[str, Tensor]
    parameters: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Result:
    """Scores by task and their mean."""

    name: str
    tasks: dict[str, TaskScore]
    composite: float

    def __str__(self) -> str:
        lines = [f"{n:14s} {t.metric:14s} {t.value:9.4f}   score {t.score:.4f}" for n, t in self.tasks.items()]
        return "\n".join([*lines, f"{'composite':39s}   score {self.composite:.4f}"])


def write_submission(
    folder: str | os.PathLike[str],
    name: str,
    predictions: Mapping[str, Tensor],
    inputs: Mapping[str, CSI],
    parameters: Mapping[str, Mapping[str, int]],
    overwrite: bool = False,
) -> None:
    """Write a submission.

    Args:
        folder: target.
        name: of the system.
        predictions: task to int64 [sample], complex [sample, antenna, subcarrier] or float [sample, 2].
        inputs: task to the CSI that the predictions were made from, as it was used.
        parameters: task to ``{"head": …, "trainable": …}``.
        overwrite: replace an existing folder.
    """
    prints = {task: csi.fingerprint() for task, csi in inputs.items()}
    counts = {task: dict(count) for task, count in parameters.items()}
    with atomic_folder(folder, overwrite) as fresh:
        for task, values in predictions.items():
            np.save(fresh / f"{task}.npy", values.detach().cpu().numpy(), allow_pickle=False)
        write_json(fresh / CARD, {"name": name, "inputs": prints, "parameters": counts})


def read_submission(folder: str | os.PathLike[str], public: Public) -> Submission:
    """Read and check a submission against the public folder.

    Raises:
        WirelessFMError: lists everything that is wrong.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise WirelessFMError(f"expected a submission folder at '{folder}', found nothing or a file")
    faults: list[str] = []
    predictions: dict[str, Tensor] = {}
    for name, task in public.card["tasks"].items():
        try:
            predictions[name] = load_npy(folder / f"{name}.npy")
            faults += _array_faults(name, task, predictions[name])
        except WirelessFMError as error:
            faults.append(str(error))
    card = _read_card(folder, faults)
    faults += _card_faults(card, public)
    if faults:
        count = f"{len(faults)} fault{'s' if len(faults) > 1 else ''}"
        raise WirelessFMError("\n- ".join([f"'{folder}' has {count}:", *faults]))
    return Submission(card["name"], predictions, card["parameters"])


def score_submission(folder: str | os.PathLike[str], public: Public, private: str | os.PathLike[str]) -> Result:
    """Check and score a submission.

    Raises:
        WirelessFMError: faults of the submission, or a private folder of another challenge.
    """
    truth = load_truth(private, public)
    submission = read_submission(folder, public)
    tasks = {name: score_task(name, submission.predictions[name], truth[name]) for name in QUESTIONS}
    return Result(submission.name, tasks, composite({name: task.score for name, task in tasks.items()}))


def save_result(result: Result, file: str | os.PathLike[str]) -> None:
    """Write a result as JSON."""
    write_json(file, asdict(result))


def _read_card(folder: Path, faults: list[str]) -> dict[str, Any]:
    try:
        card = read_json(folder / CARD)
    except WirelessFMError as error:
        faults.append(str(error))
        return {}
    if not isinstance(card, dict):
        faults.append(f"{CARD} must be an object with name, inputs and parameters, found {type(card).__name__}")
        return {}
    return card


def _array_faults(name: str, task: Mapping[str, Any], values: Tensor) -> Iterator[str]:
    what, kinds = _KINDS[task["output"]]
    if values.numpy().dtype.kind not in kinds:
        yield f"{name}.npy must hold {what}, found {str(values.dtype).removeprefix('torch.')}"
        return
    if list(values.shape) != task["shape"]:
        yield f"{name}.npy must have the shape {task['shape']}, found {list(values.shape)}"
    bad = int((~torch.isfinite(values)).sum())
    if bad:
        yield f"{name}.npy has {bad} NaN or infinite of {values.numel()} entries"
    if task["output"] == "class" and values.numel():
        low, high = int(values.min()), int(values.max())
        if low < 0 or high >= task["n_outputs"]:
            yield f"{name}.npy must hold classes in 0 … {task['n_outputs'] - 1}, found {low} … {high}"


def _card_faults(card: Mapping[str, Any], public: Public) -> Iterator[str]:
    if not card:
        return
    if not isinstance(card.get("name"), str) or not card["name"]:
        yield f'{CARD} needs "name", a text, found {card.get("name")!r}'
    inputs, parameters = card.get("inputs"), card.get("parameters")
    if not isinstance(inputs, dict):
        yield f'{CARD} needs "inputs", the fingerprint of the test inputs for each task, found {inputs!r}'
    if not isinstance(parameters, dict):
        yield f'{CARD} needs "parameters", {{"head": …, "trainable": …}} for each task, found {parameters!r}'
    for name, task in public.card["tasks"].items():
        if isinstance(inputs, dict) and inputs.get(name) != task["fingerprint"]:
            yield (
                f"{name}: made from inputs {inputs.get(name)!r}, the test inputs are {task['fingerprint']!r}: other "
                "data, or the samples in another order"
            )
        if isinstance(parameters, dict):
            yield from _parameter_faults(name, parameters.get(name), public.card["limits"])


def _parameter_faults(name: str, counts: Any, limits: Mapping[str, int]) -> Iterator[str]:
    if not isinstance(counts, dict) or any(type(counts.get(k)) is not int or counts[k] < 0 for k in limits):
        yield f'{name}: parameters must be {{"head": number, "trainable": number}}, found {counts!r}'
        return
    for kind, limit in limits.items():
        if counts[kind] > limit:
            yield f"{name}: {counts[kind]} {kind} parameters, at most {limit} are allowed"
    if counts["head"] > counts["trainable"]:
        yield f"{name}: {counts['head']} head parameters are more than all trainable ones, {counts['trainable']}"
