"""Next-token prediction: which code the next patch has."""

from __future__ import annotations

from typing import Any

from torch import Generator, Tensor
from torch.nn import functional

from wirelessfm.csi import CSI


def next_token_error(model: Any, csi: CSI, generator: Generator) -> Tensor:
    """Cross-entropy of the code of every patch given the summary and the patches before it.

    No gradient reaches codes or tokeniser: a recipe that also has the objective ``vq`` trains both parts at once, each
    by its own term, so that the weights of the two terms only share out the clipped gradient.

    Args:
        model: offers ``tokenize``, ``ids``, ``read`` and ``predict``.
        csi: the batch.
        generator: not used; nothing is drawn.

    Returns:
        float [], in nats; log of the number of codes for a guess. Compare it at equal perplexity of the codebook only:
        few words in use are easy to predict.
    """
    tokens = model.tokenize(csi)
    ids = model.ids(tokens)
    logits = model.predict(model.read(tokens, ids)[:, :-1]).float()
    return functional.cross_entropy(logits.flatten(0, 1), ids.flatten())
