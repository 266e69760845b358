"""What trained models make of CSI: frozen embeddings, and CSI without gaps."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_file
from wirelessfm.models.published import PublishedEncoder


def embed_csi(
    model: Any,
    csi: CSI,
    pooling: str | None = None,
    resize: str | None = None,
    batch_size: int | None = None,
    device: str | torch.device = "cpu",
    bf16: bool = False,
) -> Tensor:
    """Embeddings of every sample, on the CPU, without gradients.

    Args:
        model: has ``embed(csi, pooling)``; is put into evaluation mode and moved to ``device``.
        csi: what to embed.
        pooling: None for the model's own default.
        resize: of published models, for a shape they cannot take: ``pad``, ``interpolate`` or ``repeat``, see
            :meth:`~wirelessfm.models.published.PublishedEncoder.embed`. None refuses such a shape.
        batch_size: samples at a time; None for the model's own ``embed_batch``, or 256.
        device: where to compute.
        bf16: compute under bfloat16 autocast (on CPUs that support it about twice as fast; differs by 1e-2).

    Returns:
        float32 [sample, ...].

    Raises:
        WirelessFMError: no samples, a shape the model cannot take, or NaN embeddings.
    """
    if len(csi) == 0:
        raise WirelessFMError("nothing to embed: this CSI has no samples")
    model = model.eval().to(device)
    options = {} if pooling is None else {"pooling": pooling}
    if isinstance(model, PublishedEncoder):
        model, options = model.standardised_for(csi), options | ({} if resize is None else {"resize": resize})
    elif resize is not None:
        raise WirelessFMError("this model takes any shape and has no resize; leave it out")
    device_type = torch.device(device).type
    size, parts = batch_size or int(getattr(model, "embed_batch", 256)), []
    with torch.inference_mode(), torch.autocast(device_type, torch.bfloat16, enabled=bf16):
        for start in range(0, len(csi), size):
            part = csi[start : start + size].to(device)
            parts.append(model.embed(part, **options).float().cpu())
    features = torch.cat(parts)
    if not bool(torch.isfinite(features).all()):
        raise WirelessFMError("the embeddings have NaN or infinite entries; the weights do not suit this CSI")
    return features


def complete_csi(model: Any, csi: CSI) -> CSI:
    """The same CSI with all entries estimated from the observed ones, on the CPU, without gradients.

    Args:
        model: has ``complete(csi)``.
        csi: with the bool label ``observed`` in the shape of its values; label ``noise_power`` float [sample] if known.

    Raises:
        WirelessFMError: a model that cannot complete CSI, or no label ``observed``.
    """
    if not hasattr(model, "complete"):
        raise WirelessFMError(
            f"a {type(model).__name__} gives embeddings only; complete CSI with a model such as wfm-spectrum"
        )
    if "observed" not in csi.labels:
        raise WirelessFMError(
            f"completing CSI needs the bool label 'observed' in the shape of its values, found {sorted(csi.labels)}"
        )
    left = {name: value for name, value in csi.labels.items() if name not in ("observed", "noise_power")}
    with torch.inference_mode():
        values = model.eval().complete(csi)
    return replace(csi, values=values, labels=left, history=())


def save_embeddings(features: Tensor, out: str | os.PathLike[str]) -> None:
    """Write float32 npy atomically."""
    with atomic_file(out) as path, open(path, "wb") as stream:
        np.save(stream, features.numpy(), allow_pickle=False)
