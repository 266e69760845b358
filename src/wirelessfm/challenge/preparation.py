"""The challenge on disk: a public folder for everyone, a private one for whoever scores.

Public and private are only as secret as their source. Test users of the three kinds of input are different people in
different squares of ground, the order of the samples is drawn, and no truth of a test user is in the public folder;
but whoever has the scene and guesses the seed can prepare the same challenge again. For a competition take multipath
that is not published.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wirelessfm.arraystore import read_arrays, read_card, write_arrays
from wirelessfm.challenge.readme import public_readme
from wirelessfm.challenge.setup import INPUTS, QUESTIONS, collect_users, estimation_inputs, interpolation_inputs
from wirelessfm.csi import CSI
from wirelessfm.data.splits import spatial_split
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_folder, read_json, write_json
from wirelessfm.predictors.folder import load_npy
from wirelessfm.tasks import SitePaths

KIND, TRUTH_KIND, CARD = "wirelessfm.challenge/1", "wirelessfm.challenge-truth/1", "challenge.json"
LIMITS = {"head": 100_000, "trainable": 3_000_000}
BLOCK_M, TEST_FRACTION = 20.0, 0.3


def prepare(out: str | os.PathLike[str], sites: Sequence[SitePaths], seed: int, max_users: int | None = None) -> None:
    """Write ``public/`` and ``private/`` into the new folder ``out``; the same arguments give the same bytes.

    Args:
        out: must not exist.
        sites: base stations of one area, at two carriers.
        seed: of split, order, pilots and noise; is part of the secret.
        max_users: altogether, drawn at random; None takes all.

    Raises:
        WirelessFMError: users without a second carrier, or too few squares of ground to part.
    """
    users = collect_users(sites)
    generator = torch.Generator().manual_seed(seed)
    # Also in random order, because that of a grid of users tells where they are.
    chosen = torch.randperm(len(users.channels), generator=generator)[:max_users]
    parts = {name: chosen[index] for name, index in partition(users.position_m[chosen], seed).items()}
    train = users.channels[parts["train"]]
    known = {name: answer[parts["train"]] for name, answer in users.answers.items()}
    hidden = {name: users.channels[parts[name]] for name in INPUTS}
    given = {"train": _inputs(dict.fromkeys(INPUTS, train), generator), "test": _inputs(hidden, generator)}
    truth = {
        name: users.answers[name][parts["channels"]] if name in users.answers else hidden[name].values
        for name in QUESTIONS
    }
    card = _card(given["test"], truth)
    with atomic_folder(out) as fresh:
        for side, inputs in given.items():
            for name, csi in inputs.items():
                csi.save(fresh / "public" / side / name)
        for name, answer in known.items():
            np.save(fresh / "public" / "train" / f"{name}.npy", answer.numpy())
        write_json(fresh / "public" / CARD, card)
        (fresh / "public" / "README.md").write_text(public_readme(card), encoding="utf-8")
        secret = {"challenge": card["id"], "seed": seed, "scenes": list(users.scenes)}
        write_arrays(fresh / "private", TRUTH_KIND, {k: v.numpy() for k, v in truth.items()}, secret)


def partition(position_m: Tensor, seed: int) -> dict[str, Tensor]:
    """Squares of ground for training (70 %), and apart for the test of every kind of input (10 % each).

    Apart, because the channel shown to one task is the truth of another.

    Returns:
        ``train`` and each of ``INPUTS`` to int64 indices, those of a test in ascending order.
    """
    first = spatial_split(position_m, seed, BLOCK_M, TEST_FRACTION)
    parts, rest = {"train": first.train}, first.test
    for i, name in enumerate(INPUTS[:-1]):
        split = spatial_split(position_m[rest], seed, BLOCK_M, 1 / (len(INPUTS) - i))
        parts[name], rest = rest[split.test], rest[split.train]
    parts[INPUTS[-1]] = rest
    return parts


def _inputs(channels: dict[str, CSI], generator: torch.Generator) -> dict[str, CSI]:
    return {
        "channels": channels["channels"],
        "interpolation": interpolation_inputs(channels["interpolation"], generator),
        "estimation": estimation_inputs(channels["estimation"], generator),
    }


def _card(test: dict[str, CSI], truth: dict[str, Tensor]) -> dict[str, Any]:
    tasks = {
        name: {
            "inputs": question.inputs,
            "output": question.output,
            "n_outputs": question.n_outputs,
            "shape": list(truth[name].shape),
            "fingerprint": test[question.inputs].fingerprint(),
        }
        for name, question in QUESTIONS.items()
    }
    content = {"kind": KIND, "limits": LIMITS, "tasks": tasks}
    return {**content, "id": _identity(content)}


def _identity(card: dict[str, Any]) -> str:
    content = {key: value for key, value in card.items() if key != "id"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Public:
    """The public folder: its card, and arrays that are read when asked for."""

    folder: Path
    card: dict[str, Any]

    def inputs(self, side: str, task: str) -> CSI:
        """CSI that ``task`` is answered from, of the side ``train`` or ``test``."""
        return CSI.load(self.folder / side / QUESTIONS[task].inputs)

    def answers(self, task: str) -> Tensor:
        """Of the training users: classes, positions or, for interpolation and estimation, the clean channels."""
        if QUESTIONS[task].output == "csi":
            return CSI.load(self.folder / "train" / "channels").values
        return load_npy(self.folder / "train" / f"{task}.npy")


def load_public(folder: str | os.PathLike[str]) -> Public:
    """Open a public folder.

    Raises:
        WirelessFMError: not such a folder, or an altered card.
    """
    folder = Path(folder)
    if not (folder / CARD).is_file():
        raise WirelessFMError(f"'{folder}' is not the public folder of a challenge: it has no {CARD}")
    card = read_json(folder / CARD)
    if not isinstance(card, dict) or card.get("kind") != KIND or set(card.get("tasks", ())) != set(QUESTIONS):
        raise WirelessFMError(f"'{folder / CARD}' is not the card of a challenge ({KIND}) with {', '.join(QUESTIONS)}")
    if card.get("id") != _identity(card):
        raise WirelessFMError(f"'{folder / CARD}' was altered: its id does not fit its content; copy the folder again")
    return Public(folder, card)


def load_truth(folder: str | os.PathLike[str], public: Public) -> dict[str, Tensor]:
    """The truth by task.

    Raises:
        WirelessFMError: not a private folder, altered arrays, or those of another challenge.
    """
    card = read_card(folder, TRUTH_KIND)
    if card.get("challenge") != public.card["id"]:
        raise WirelessFMError(
            f"'{folder}' belongs to challenge {card.get('challenge')}, '{public.folder}' is {public.card['id']}; "
            "give the two folders of one preparation"
        )
    arrays = read_arrays(folder, card)
    if set(arrays) != set(QUESTIONS):
        raise WirelessFMError(f"'{folder}' must hold {', '.join(QUESTIONS)}, found {', '.join(arrays) or 'nothing'}")
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
