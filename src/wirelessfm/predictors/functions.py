"""A Python function as a system: ``csi -> predictions``, given as an object or by reference on the command line.

A reference ``file.py:function`` or ``module:function`` imports that code, which then runs with your rights: only
name code you would run yourself.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wirelessfm.baselines import System
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.files import sha256_of

ALL_OUTPUTS = ("class", "value", "csi")


def callable_system(
    name: str,
    function: Callable[[CSI], Any],
    outputs: tuple[str, ...] = ALL_OUTPUTS,
    task_kinds: tuple[str, ...] = (),
    weights: str = "",
) -> System:
    """A line of the result table from a function.

    Args:
        name: as in the result table.
        function: gets the CSI of all samples of a task at once, physical scale, and returns a tensor or NumPy array:
            scores float [sample, class], values float [sample, d] or complex CSI, as the task asks for.
        outputs, task_kinds: tasks it is meant for, see :class:`wirelessfm.baselines.System`.
        weights: anything that identifies this version of it; rows of another version are computed again.
    """
    return System(name, "external", partial(_apply, name, function), task_kinds, outputs, weights=weights)


def function_system(reference: str) -> System:
    """The system behind ``file.py:function`` or ``module:function``; imports that code.

    Raises:
        WirelessFMError: no such file, module or function, or code that fails when imported.
    """
    origin, _, attribute = reference.rpartition(":")
    module = _import_file(Path(origin)) if origin.endswith(".py") else _import_module(origin)
    function = getattr(module, attribute, None)
    if not callable(function):
        known = [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]
        raise unknown_name(f"function in {origin}", attribute, known)
    file = getattr(module, "__file__", None)
    version = sha256_of(file)[:16] if file else ""
    name = Path(origin).stem if origin.endswith(".py") else origin
    return callable_system(f"{name}:{attribute}", function, weights=version)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise WirelessFMError(f"no such file: '{path}'; expected FILE.py:FUNCTION")
    name = f"wirelessfm_user_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    with _importing(str(path), path.resolve().parent):
        spec.loader.exec_module(module)
    return module


def _import_module(name: str) -> ModuleType:
    with _importing(name, Path.cwd()):
        return importlib.import_module(name)


@contextmanager
def _importing(origin: str, folder: Path) -> Iterator[None]:
    # Last on the path, so that the code finds its neighbours, also later, and hides nothing that is installed.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    try:
        yield
    # It is the user's code: whatever it raises, a call of exit() too, is to be told and not to end this program.
    except (Exception, SystemExit) as error:
        raise WirelessFMError(f"'{origin}' cannot be imported: {_told(error, origin)}") from error


def _apply(name: str, function: Callable[[CSI], Any], csi: CSI, n_outputs: int) -> Tensor:
    # A copy: a function that works in place must not change what the next system sees.
    given = replace(csi, values=csi.values.clone())
    try:
        found = function(given)
    except Exception as error:
        code = getattr(function, "__code__", None)
        told = _told(error, code.co_filename if code else "")
        raise WirelessFMError(f"predictor '{name}' failed on {csi!r}: {told}") from error
    return _as_predictions(name, found, csi, n_outputs)


def _as_predictions(name: str, found: Any, csi: CSI, n_outputs: int) -> Tensor:
    if isinstance(found, np.ndarray) and found.dtype.kind in "fciub":
        found = torch.from_numpy(np.ascontiguousarray(found.astype(found.dtype.newbyteorder("="))))
    if not isinstance(found, Tensor):
        raise WirelessFMError(
            f"predictor '{name}' must return a torch.Tensor or a numeric NumPy array with one row for each of the "
            f"{len(csi)} samples, found {type(found).__name__}"
        )
    if found.dim() < 2 or len(found) != len(csi):
        remedy = f"; classes are given as scores, such as one_hot(classes, {n_outputs}).float()" if n_outputs else ""
        raise WirelessFMError(
            f"predictor '{name}' must return [sample, …] for {len(csi)} samples, found {list(found.shape)}{remedy}"
        )
    found = found.detach().cpu()
    return found.to(torch.complex64) if found.is_complex() else found.float()


def _told(error: BaseException, file: str) -> str:
    """The error with the deepest line of the user's own file, where that is known."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"
