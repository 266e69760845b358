"""Embeddings on disk, found again by what made them and of what."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wirelessfm.embed import save_embeddings
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import sha256_of


def kept(folder: Path, made_by: str, compute: Callable[[], Tensor]) -> Tensor:
    """What ``compute`` gives, read from ``folder`` where it is, else computed and written there.

    Args:
        folder: created if needed.
        made_by: everything but the code of this package that decides the result, such as weights and inputs.
        compute: gives a tensor of a dtype that NumPy has.

    Raises:
        WirelessFMError: an unreadable file, or a folder that cannot be written.
    """
    identity = f"{source_digest()} {made_by}"
    file = folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:24]}.npy"
    if file.exists():
        try:
            return torch.from_numpy(np.load(file, allow_pickle=False))
        except (OSError, ValueError) as error:
            raise WirelessFMError(f"'{file}' is not a readable cache of embeddings; remove it") from error
    features = compute()
    save_embeddings(features, file)
    return features


@cache
def source_digest() -> str:
    """Hash of this package's code: between two versions it changes too, and with it what a model says."""
    root = Path(str(resources.files("wirelessfm")))
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        digest.update(f"{file.relative_to(root)} {sha256_of(file)} ".encode())
    return digest.hexdigest()


# Now, when the code is read that runs, and not when it is first asked: it may be edited meanwhile.
source_digest()
