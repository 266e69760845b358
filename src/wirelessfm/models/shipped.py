"""Weights that come with the package: one folder a model, named after it, as :func:`.saved.save_model` writes it."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib import resources
from pathlib import Path

from torch import nn

from wirelessfm.errors import unknown_name
from wirelessfm.models.saved import CARD, ModelCard, load_saved

Root = str | os.PathLike[str] | None


def folder(root: Root = None) -> Path:
    """Where the weights are: ``root`` if given, else inside the installed package."""
    return Path(root) if root is not None else Path(str(resources.files("wirelessfm") / "weights"))


def shipped_names(root: Root = None) -> list[str]:
    """Every model that comes with its weights, sorted."""
    return sorted(card.parent.name for card in folder(root).glob(f"*/{CARD}"))


def load_shipped(name: str, root: Root = None) -> tuple[nn.Module, ModelCard]:
    """A shipped model in evaluation mode, and the card of its weights under this name.

    Raises:
        WirelessFMError: unknown name (the known ones are listed), or damaged or exchanged weights.
    """
    known = shipped_names(root)
    if name not in known:
        raise unknown_name("shipped model", name, known)
    model, card = load_saved(folder(root) / name)
    # Weights carry the name of the recipe that made them; it stays in card.recipe.
    return model, replace(card, name=name)


def find_trained(name: str | os.PathLike[str], root: Root = None) -> tuple[nn.Module, ModelCard] | None:
    """A trained model and its card by folder, or by the name of a shipped one; None for a name that is neither.

    Raises:
        WirelessFMError: damaged or exchanged weights.
    """
    if (Path(name) / CARD).is_file():
        return load_saved(name)
    return load_shipped(str(name), root) if str(name) in shipped_names(root) else None


def load_trained(name: str | os.PathLike[str], root: Root = None) -> tuple[nn.Module, ModelCard]:
    """As :func:`find_trained`; a name that is neither is an error that lists the shipped ones."""
    if (found := find_trained(name, root)) is not None:
        return found
    if Path(name).exists():
        return load_saved(name)
    raise unknown_name("trained model (it is not a model folder either)", str(name), shipped_names(root))
