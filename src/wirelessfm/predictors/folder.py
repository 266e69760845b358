"""Predictions made elsewhere: inputs to take away, and a folder of arrays to bring back.

``save_inputs`` writes what a predictor may see of a task. ``save_predictions`` writes one ``TASK.npy`` a task and
``card.json``, simple enough to be written by hand::

    {"kind": "wirelessfm.predictions/1", "name": "my-model", "inputs": {"los": "FINGERPRINT"}}

The fingerprint is that of the inputs (in their ``card.json``), so that predictions for other users, antennas or
another order are refused.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wirelessfm.arraystore import CARD, read_card
from wirelessfm.baselines.system import COMPUTED_ELSEWHERE, System
from wirelessfm.csi import CSI
from wirelessfm.data.guard import reading
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.files import atomic_folder, sha256_of, write_json
from wirelessfm.tasks import TaskData

KIND = "wirelessfm.predictions/1"

_README = """# Inputs of the task {task}

`csi/` holds what a predictor may see: `values-00000.npy` (and following, to be joined) is complex64 [{axes}],
{n} samples, physical scale; `label-*.npy`, if any, is side information the receiver has. No truth is here.

Predict, for every sample in this order, {what}: an array of shape {shape}. Bring it back as a folder with
`{task}.npy` and

    card.json: {{"kind": "{kind}", "name": "NAME", "inputs": {{"{task}": "{fingerprint}"}}}}

(`wirelessfm.predictors.save_predictions` writes both), and run `wfm evaluate FOLDER --task {task} …` with the same
scene and number of users. Rows that come from such a folder are marked as self-reported.
"""


def save_inputs(data: TaskData, folder: str | os.PathLike[str]) -> None:
    """Write the public side of a task: ``csi/`` (see :meth:`CSI.save`), ``task.json`` and ``README.md``."""
    task, csi = data.task, data.inputs
    what = {"class": "scores (the highest wins)", "value": "real values", "csi": "the complete complex CSI"}
    # The truth is asked for its shape alone.
    shape = [len(data), task.n_classes] if task.output == "class" else list(data.truth.labels.shape)
    facts = {"task": task.name, "output": task.output, "shape": shape, "inputs": csi.fingerprint()}
    with atomic_folder(folder) as fresh:
        csi.save(fresh / "csi")
        write_json(fresh / "task.json", facts)
        text = _README.format(
            task=task.name,
            axes=", ".join(csi.axes),
            n=len(csi),
            what=what[task.output],
            shape=shape,
            kind=KIND,
            fingerprint=facts["inputs"],
        )
        (fresh / "README.md").write_text(text, encoding="utf-8")


def save_predictions(
    folder: str | os.PathLike[str],
    name: str,
    predictions: Mapping[str, Tensor | np.ndarray],
    inputs: Mapping[str, CSI],
    overwrite: bool = False,
) -> None:
    """Write predictions with the fingerprint of the inputs each was made for.

    Args:
        folder: target.
        name: of the system, as in the result table.
        predictions: task name to scores [sample, class], values [sample, d] or complex CSI of all samples.
        inputs: the CSI the predictions were made from, under the same names.
        overwrite: replace an existing folder.

    Raises:
        WirelessFMError: predictions without inputs, or of another number of samples.
    """
    arrays = {task: torch.as_tensor(values).detach().cpu().numpy() for task, values in predictions.items()}
    for task, array in arrays.items():
        if task not in inputs:
            raise unknown_name("input of predictions", task, inputs)
        _check_rows(array, len(inputs[task]), f"the predictions for '{task}'")
    with atomic_folder(folder, overwrite) as fresh:
        for task, array in arrays.items():
            np.save(fresh / f"{task}.npy", array, allow_pickle=False)
        prints = {task: inputs[task].fingerprint() for task in arrays}
        write_json(fresh / CARD, {"kind": KIND, "name": name, "inputs": prints})


def predictions_system(path: str | os.PathLike[str]) -> System:
    """A line of the result table from a folder of predictions, or from one ``TASK.npy`` in it.

    The folder serves every task whose inputs it was made for. One array is to be named where two tasks have the same
    inputs and ask for as many numbers.

    Raises:
        WirelessFMError: missing card or arrays, unreadable or not finite ones.
    """
    path = Path(path)
    folder, only = (path.parent, path.stem) if path.suffix == ".npy" else (path, "")
    card = read_card(folder, KIND)
    name, prints = card.get("name"), card.get("inputs")
    if not isinstance(name, str) or not name or not isinstance(prints, dict) or not prints:
        raise WirelessFMError(f"'{folder / CARD}' needs a name and inputs {{TASK: FINGERPRINT}}, found {card}")
    if only and only not in prints:
        raise unknown_name(f"task in '{folder / CARD}'", only, prints)
    chosen = {task: str(prints[task]) for task in ([only] if only else prints)}
    files = {task: folder / f"{task}.npy" for task in chosen}
    arrays = {task: _finite(load_npy(file), file) for task, file in files.items()}
    outputs = {output for a in arrays.values() for output in (("csi",) if a.is_complex() else ("class", "value"))}
    weights = hashlib.sha256("".join(sha256_of(file) for file in files.values()).encode()).hexdigest()[:16]
    run = partial(_look_up, folder, arrays, chosen)
    notes = {COMPUTED_ELSEWHERE: True}
    return System(name, "external", run, outputs=tuple(sorted(outputs)), weights=weights, notes=notes)


def load_npy(path: Path) -> Tensor:
    """A plain npy array as a tensor in memory, in this machine's byte order.

    Raises:
        WirelessFMError: missing, truncated, not an npy file, or not of numbers.
    """
    with reading(path, "a plain npy array of numbers"):
        stored = np.lib.format.open_memmap(path, mode="r")
        return torch.from_numpy(np.array(stored, dtype=stored.dtype.newbyteorder("=")))


def _look_up(folder: Path, arrays: Mapping[str, Tensor], prints: Mapping[str, str], csi: CSI, n_outputs: int) -> Tensor:
    here = csi.fingerprint()
    made = [task for task, fingerprint in prints.items() if fingerprint == here]
    if not made:
        known = ", ".join(f"{task} {fingerprint}" for task, fingerprint in prints.items())
        raise WirelessFMError(
            f"'{folder}' has no predictions for inputs {here} ({csi!r}), only for {known}: other users, antennas, "
            "noise or order; write the inputs with 'wfm inputs' and predict again"
        )
    shape = [n_outputs] if n_outputs else list(csi.values.shape[1:])
    fitting = [task for task in made if list(arrays[task].shape[1:]) == shape]
    if len(fitting) > 1:
        raise WirelessFMError(
            f"'{folder}' has predictions of shape {['sample', *shape]} on these inputs for {' and '.join(fitting)}; "
            f"evaluate one array at a time, such as {folder / fitting[0]}.npy"
        )
    found = arrays[(fitting or made)[0]]
    _check_rows(found, len(csi), f"'{folder}'")
    return found


def _check_rows(array: np.ndarray | Tensor, n: int, what: str) -> None:
    if not len(array.shape) or len(array) != n:
        raise WirelessFMError(f"{what} must have one row for each of the {n} samples, found {list(array.shape)}")


def _finite(values: Tensor, file: Path) -> Tensor:
    if not bool(torch.isfinite(values).all()):
        raise WirelessFMError(f"'{file}' has NaN or infinite entries")
    return values if values.is_complex() else values.float()
