"""Which tokens an encoder sees."""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.errors import WirelessFMError


def random_mask(n_samples: int, n_tokens: int, ratio: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw for each sample which tokens are visible and which masked.

    Args:
        n_samples, n_tokens: sizes.
        ratio: fraction masked, in (0, 1); at least one token stays visible and one is masked.
        generator: randomness; its device is that of the result.

    Returns:
        visible int64 [sample, kept] and masked int64 [sample, n_tokens - kept], each in random order.
    """
    if not 0 < ratio < 1 or n_tokens < 2:
        raise WirelessFMError(f"masking needs a ratio in (0, 1) and 2 tokens, found {ratio} of {n_tokens} tokens")
    kept = min(max(round(n_tokens * (1 - ratio)), 1), n_tokens - 1)
    order = torch.rand(n_samples, n_tokens, generator=generator, device=generator.device).argsort(dim=1)
    return order[:, :kept], order[:, kept:]
