"""The pretraining loss of WiFo: fill in patches removed by three kinds of mask, arXiv:2412.08908 as released."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor

from wirelessfm.csi import CSI
from wirelessfm.nn.published_masks import complement, take, wifo_frequency, wifo_random, wifo_time


def loss(
    model: Any,
    csi: CSI,
    generator: Generator,
    random_ratio: float = 0.85,
    slice_ratio: float = 0.5,
    snr_db: float | None = 20.0,
) -> Tensor:
    """Mean over the random, the time and the frequency mask of the mean |error|² of the removed entries.

    Args:
        model: a WiFo.
        csi: the batch, with a time axis and of a shape the model takes.
        generator: draws the random mask and the noise.
        random_ratio: fraction of tokens the random mask removes.
        slice_ratio: fraction of slices the time and frequency masks remove.
        snr_db: noise put on input and target alike, as in the release; None for none.

    Returns:
        float [].
    """
    values = model.prepared(csi)
    values = values if snr_db is None else noisy(values, generator, snr_db)
    tokens, shape = model.tokenize(values), values.shape[1:]
    grid, (samples, n_tokens) = model.grid(shape), tokens.shape[:2]
    masks = {
        "random": wifo_random(samples, n_tokens, generator, random_ratio),
        "time": wifo_time(samples, grid, slice_ratio).to(tokens.device),
        "frequency": wifo_frequency(samples, grid, slice_ratio).to(tokens.device),
    }
    losses = []
    for kind, visible in masks.items():
        removed = complement(visible, n_tokens)
        error = take(model.reconstruct(tokens, visible, shape, kind), removed).float() - take(tokens, removed)
        # Twice the mean over real and imaginary parts is the mean of the squared modulus.
        losses.append(2 * error.square().mean())
    return torch.stack(losses).mean()


def noisy(csi_values: Tensor, generator: Generator, snr_db: float) -> Tensor:
    """Add noise whose power is that of the whole batch, real and imaginary parts jointly, at ``snr_db``."""
    parts = torch.view_as_real(csi_values.resolve_conj())
    noise = torch.randn(parts.shape, generator=generator, device=parts.device)
    return torch.view_as_complex(parts + noise * (parts.square().mean() * 10 ** (-snr_db / 10)).sqrt())
