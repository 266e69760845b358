"""Predictors from outside as systems: a Python function, an ONNX file, a folder of predictions.

Their training is their author's word, so the rows they give are marked as self-reported.
"""

from __future__ import annotations

from pathlib import Path

from wirelessfm.arraystore import CARD
from wirelessfm.baselines import System
from wirelessfm.files import read_json
from wirelessfm.predictors.folder import KIND, predictions_system, save_inputs, save_predictions
from wirelessfm.predictors.functions import callable_system, function_system
from wirelessfm.predictors.onnx_file import onnx_system


def find_predictor(name: str) -> System | None:
    """The system of ``MODEL.onnx``, a folder of predictions or a ``TASK.npy`` in it, or ``FILE.py:FUNCTION``.

    Returns:
        None for a name of another form.

    Raises:
        WirelessFMError: the name has one of these forms, and what it names is missing or broken.
    """
    path = Path(name)
    if path.suffix == ".onnx":
        return onnx_system(path)
    if path.suffix == ".npy" or _holds_predictions(path):
        return predictions_system(path)
    origin, _, attribute = name.rpartition(":")
    modules = origin.split(".")
    if attribute.isidentifier() and (origin.endswith(".py") or all(part.isidentifier() for part in modules)):
        return function_system(name)
    return None


def _holds_predictions(folder: Path) -> bool:
    if not (folder / CARD).is_file():
        return False
    card = read_json(folder / CARD)
    return isinstance(card, dict) and card.get("kind") == KIND


__all__ = [
    "callable_system",
    "find_predictor",
    "function_system",
    "onnx_system",
    "predictions_system",
    "save_inputs",
    "save_predictions",
]
