"""The pretraining loss of LWM: regress masked patches, arXiv:2411.08872 as released."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from wirelessfm.csi import CSI
from wirelessfm.nn.published_masks import lwm_corrupted, lwm_paired, lwm_unpaired, take


def loss(model: Any, csi: CSI, generator: Generator, ratio: float | None = None) -> Tensor:
    """LWM 1.0: mean squared error over the masked patches, divided by their variance; LWM 1.1: its sum.

    Args:
        model: an LWM.
        csi: the batch, of a shape the model takes.
        generator: draws mask and replacements.
        ratio: fraction of the patches that is masked; 0.15 for LWM 1.0 and 0.40 for 1.1 when None.

    Returns:
        float [].
    """
    tokens = model.tokenize(model.prepared(csi))
    first = model.config.release == "1.0"
    rule = lwm_paired if first else lwm_unpaired
    removed = rule(tokens.shape[0], tokens.shape[1], generator, ratio or (0.15 if first else 0.40))
    corrupted = lwm_corrupted(tokens, removed, generator)
    target = take(tokens, removed)
    error = (model.predict(model.with_cls(corrupted), removed + 1).float() - target).square()
    return error.mean() / target.var().clamp_min(torch.finfo(target.dtype).tiny) if first else error.sum()
