"""CIR–CSI consistency: the encoder of a channel and that of its impulse response agree on who is who."""

from __future__ import annotations

from typing import Any

from torch import Generator, Tensor

from wirelessfm.csi import CSI
from wirelessfm.objectives.contrastive import info_nce


def cir_csi_error(model: Any, csi: CSI, generator: Generator) -> Tensor:
    """Symmetric InfoNCE between projections of both views of the batch, arXiv:2502.11965.

    Args:
        model: offers ``views`` and ``temperature``, which it learns.
        csi: the batch.
        generator: not used; nothing is drawn.

    Returns:
        float [], log(samples) where all projections are alike.
    """
    first, second = model.views(csi)
    return info_nce(first.float(), second.float(), model.temperature())
