"""What a run keeps, so that one that was killed goes on to the weights of one that was not."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import nn

from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_file
from wirelessfm.recipe import Recipe, parse_recipe


@dataclass(frozen=True)
class Seconds:
    """Time spent: on the clock, and by the processor in all threads of this process."""

    wall: float
    cpu: float

    @classmethod
    def now(cls) -> Seconds:
        """Readings of which only differences mean anything."""
        return cls(time.monotonic(), time.process_time())

    def since(self, start: Seconds, before: Seconds) -> Seconds:
        """What has passed since ``start``, added to what was spent before."""
        return Seconds(before.wall + self.wall - start.wall, before.cpu + self.cpu - start.cpu)


@dataclass(frozen=True)
class Reached:
    """How far a run has come: steps, time spent, and the card of the weights it started from, empty for random ones."""

    steps: int
    spent: Seconds
    before: Mapping[str, Any]


def same_recipe(stored: Any, recipe: Recipe) -> bool:
    """Whether that is the content of ``recipe``; settings that came later have their defaults."""
    try:
        return parse_recipe(stored) == recipe
    except WirelessFMError:
        return False


def _file(out: Path) -> Path:
    return out / "checkpoint.pt"


def save_checkpoint(
    fabric: Fabric, out: Path, recipe: Recipe, module: Any, optimizers: Sequence[Any], reached: Reached
) -> None:
    """Replace the checkpoint of the run in ``out`` by what has been reached."""
    if fabric.is_global_zero:
        state = {
            "step": reached.steps,
            "seconds": reached.spent.wall,
            "cpu_seconds": reached.spent.cpu,
            "recipe": recipe.model_dump_json(),
            # The weights it started from may be gone, or others, when it goes on.
            "before": json.dumps(reached.before),
            "model": module.module.state_dict() if hasattr(module, "module") else module.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        }
        with atomic_file(_file(out)) as path:
            torch.save(state, path)
    fabric.barrier()


def _read(out: Path, device: torch.device | str = "cpu") -> dict[str, Any] | None:
    path = _file(out)
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        if "optimizer" in state:  # of a run begun when there was one only
            state["optimizers"] = [state["optimizer"]]
        kept = ("step", "seconds", "cpu_seconds", "recipe", "model", "optimizers")
        return {key: state[key] for key in kept} | {"before": state.get("before", "{}")}
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise WirelessFMError(f"'{path}' is not a readable checkpoint; remove it to start again") from error


def peek_step(out: Path) -> int:
    """How many steps of the run in ``out`` are kept; 0 where there is none."""
    state = _read(out)
    return 0 if state is None else int(state["step"])


def resume(
    out: Path, recipe: Recipe, module: nn.Module, optimizers: Sequence[torch.optim.Optimizer], device: torch.device
) -> Reached | None:
    """Load what ``out`` keeps into model and optimisers; None where there is nothing.

    Raises:
        WirelessFMError: a run of another recipe or from another start, or an unreadable checkpoint.
    """
    state = _read(out, device)
    if state is None:
        return None
    if not same_recipe(json.loads(state["recipe"]), recipe):
        raise WirelessFMError(
            f"'{out}' holds a run of another recipe, or one with another 'start'; choose another folder or remove it"
        )
    try:
        module.load_state_dict(state["model"])
        for optimizer, stored in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(stored)
    except (RuntimeError, ValueError) as error:
        raise WirelessFMError(f"'{_file(out)}' does not fit its recipe: {error}") from error
    spent = Seconds(float(state["seconds"]), float(state["cpu_seconds"]))
    return Reached(int(state["step"]), spent, json.loads(state["before"]))
