"""One call for every model: ours by folder, published ones by name and weights."""

from __future__ import annotations

import os
from pathlib import Path

from torch import nn

from wirelessfm.models.checkpoints import load_weights
from wirelessfm.models.saved import CARD, load_saved
from wirelessfm.models.zoo import build_model


def load_model(name: str | os.PathLike[str], weights: str | os.PathLike[str] | None = None, seed: int = 0) -> nn.Module:
    """A model in evaluation mode.

    Args:
        name: a folder written by pretraining, or a name out of :data:`wirelessfm.models.zoo.MODELS`.
        weights: of a published model: a file, a folder that holds one, or a Hub repository ``owner/name``; None
            gives random weights drawn from ``seed``.
        seed: of random weights.

    Raises:
        WirelessFMError: unknown name (the known ones are listed), or weights that are missing, corrupt, unsafe or
            of another model.
    """
    if (Path(name) / CARD).is_file():
        return load_saved(name)[0]
    if weights is not None:
        return load_weights(str(name), weights)[0]
    return build_model(str(name), seed=seed).eval()
