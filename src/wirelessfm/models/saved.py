"""Weights on disk: a folder with ``weights.safetensors`` and a card that says where they come from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_folder, read_json, sha256_of, write_json
from wirelessfm.models.zoo import build_model

KIND = "wirelessfm.model/1"
WEIGHTS, CARD = "weights.safetensors", "card.json"


@dataclass(frozen=True)
class ModelCard:
    """Provenance of a set of weights: builder and settings, content hash, data, seed, recipe, licence.

    ``seconds`` of training are those on the clock, ``cpu_seconds`` those of the processor in all threads of one of the
    ``processes``, each of which had batches of its own. ``before`` is the card of the weights that training started
    from, and empty where these were random; ``corpora`` are those of both.
    """

    model: str
    config: Mapping[str, Any]
    name: str = ""
    weights: str = ""
    corpora: tuple[str, ...] = ()
    seed: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    processes: int = 1
    n_parameters: int = 0
    recipe: Mapping[str, Any] = field(default_factory=dict)
    licence: str = "Apache-2.0"
    version: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)

    def stages(self) -> list[ModelCard]:
        """The cards of all trainings that led to these weights, the first of them first, this one last."""
        return [*(_card_of(self.before).stages() if self.before else ()), self]


def _card_of(content: Mapping[str, Any]) -> ModelCard:
    """A card from what JSON has of it."""
    return ModelCard(**{**content, "corpora": tuple(content.get("corpora", ()))})


def settings_of(model: Any) -> dict[str, Any]:
    """All settings of a model as it was built, defaults included; empty for one that keeps none."""
    config = getattr(model, "config", None)
    return asdict(config) if is_dataclass(config) and not isinstance(config, type) else {}


def weights_hash(state: Mapping[str, Tensor]) -> str:
    """16 hexadecimal digits of names, shapes, types and values of a state dict."""
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {list(value.shape)} {value.dtype}".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def save_model(model: nn.Module, card: ModelCard, folder: str | os.PathLike[str], overwrite: bool = False) -> ModelCard:
    """Write ``model`` to ``folder`` atomically; returns the card completed with hash, size and version."""
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    content = asdict(card) | {
        "weights": weights_hash(state),
        "n_parameters": sum(p.numel() for p in model.parameters()),
        "version": version("wirelessfm"),
    }
    with atomic_folder(folder, overwrite) as fresh:
        save_file(state, fresh / WEIGHTS)
        write_json(fresh / CARD, content | {"kind": KIND, "sha256": sha256_of(fresh / WEIGHTS)})
    return ModelCard(**content)


def load_saved(folder: str | os.PathLike[str]) -> tuple[nn.Module, ModelCard]:
    """The model of a folder written by :func:`save_model`, in evaluation mode, and its card.

    Raises:
        WirelessFMError: not such a folder, or missing, altered or ill-fitting weights.
    """
    folder = Path(folder)
    if not (folder / CARD).is_file():
        raise WirelessFMError(f"'{folder}' is not a model folder: it has no {CARD}; expected the output of pretraining")
    content = read_json(folder / CARD)
    if not isinstance(content, dict) or content.pop("kind", None) != KIND:
        raise WirelessFMError(f"'{folder / CARD}' is not the card of a model ({KIND})")
    state = _read_weights(folder / WEIGHTS, content.pop("sha256", ""), content.get("weights", ""))
    try:
        # The last stage is this card; those before it have to be readable, too.
        card = _card_of(content).stages()[-1]
    except TypeError as error:
        raise WirelessFMError(f"'{folder / CARD}' is not a complete model card: {error}") from error
    model = build_model(card.model, card.config)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise WirelessFMError(f"the weights in '{folder}' do not fit {card.model}: {error}") from error
    return model.eval(), card


def _read_weights(path: Path, sha256: str, weights: str) -> dict[str, Tensor]:
    remedy = "copy the folder again, or reinstall the package if it is part of it"
    if not path.is_file():
        raise WirelessFMError(f"'{path}' is missing; {remedy}")
    if sha256_of(path) != sha256:
        raise WirelessFMError(f"'{path}' is corrupt: its SHA-256 differs from the card; {remedy}")
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WirelessFMError(f"'{path}' is not a readable safetensors file: {error}") from error
    # What result rows call these weights.
    if (found := weights_hash(state)) != weights:
        raise WirelessFMError(
            f"'{path}' is not what its card describes: expected weights {weights}, found {found}; {remedy}"
        )
    return state
