"""Trained weights to start from, instead of random ones."""

from __future__ import annotations

from torch import nn

from wirelessfm.errors import WirelessFMError
from wirelessfm.models.saved import ModelCard, settings_of
from wirelessfm.models.shipped import load_trained
from wirelessfm.recipe import ModelPart


def load_start(model: nn.Module, part: ModelPart) -> ModelCard | None:
    """Give ``model`` the weights that ``part.start`` names; their card, or None where it names none.

    Raises:
        WirelessFMError: no such weights, or they are of another model or of one with other settings.
    """
    if part.start is None:
        return None
    trained, card = load_trained(part.start)
    found, wanted = settings_of(trained), settings_of(model)
    if type(trained) is not type(model) or found != wanted:
        other = sorted(name for name in wanted if found.get(name) != wanted[name])
        told = ", ".join(f"{name} {found.get(name)} instead of {wanted[name]}" for name in other)
        raise WirelessFMError(
            f"'{part.start}' does not fit the recipe's {part.name}: it is a {card.model}"
            f"{f' with {told}' if type(trained) is type(model) else ''}; start from weights of the same model with the "
            "same settings, or change the recipe's"
        )
    model.load_state_dict(trained.state_dict())
    return card
