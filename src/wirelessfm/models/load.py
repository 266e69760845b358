"""One call for every model: trained ones by folder or name, published ones by name and weights."""

from __future__ import annotations

import os

from torch import nn

from wirelessfm.errors import unknown_name
from wirelessfm.models.checkpoints import load_weights
from wirelessfm.models.shipped import find_trained, shipped_names
from wirelessfm.models.zoo import MODELS, build_model


def load_model(name: str | os.PathLike[str], weights: str | os.PathLike[str] | None = None, seed: int = 0) -> nn.Module:
    """A model in evaluation mode.

    Args:
        name: a folder written by pretraining, a model that comes with its weights, see
            :func:`~wirelessfm.models.shipped.shipped_names`, or a name out of :data:`wirelessfm.models.zoo.MODELS`.
        weights: of a published model: a file, a folder that holds one, or a Hub repository ``owner/name``; None
            gives random weights drawn from ``seed``.
        seed: of random weights.

    Raises:
        WirelessFMError: unknown name (the known ones are listed), or weights that are missing, corrupt, unsafe or
            of another model.
    """
    if weights is not None:
        return load_weights(str(name), weights)[0]
    if (trained := find_trained(name)) is not None:
        return trained[0]
    if str(name) not in MODELS:
        raise unknown_name("model (nor is there such a model folder)", str(name), [*shipped_names(), *MODELS])
    return build_model(str(name), seed=seed).eval()
