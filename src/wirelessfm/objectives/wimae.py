"""The pretraining losses of WiMAE and ContraWiMAE, arXiv:2505.09160 as released."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional

from wirelessfm.csi import CSI
from wirelessfm.nn.published_masks import complement, take, wimae_paired


def loss(
    model: Any,
    csi: CSI,
    generator: Generator,
    ratio: float = 0.6,
    reconstruction_share: float = 0.9,
    temperature: float = 0.2,
    snr_db: tuple[float, float] = (5.0, 40.0),
) -> Tensor:
    """Mean squared error over the masked tokens and, for ContraWiMAE, a contrastive term with a noisy view.

    Args:
        model: a WiMAE; one with a contrastive head is trained with both terms.
        csi: the batch, of a shape the model takes.
        generator: draws masks and noise.
        ratio: fraction of the patches that is masked.
        reconstruction_share: weight of the reconstruction; the contrastive term has the rest.
        temperature: of the contrastive term (paper 0.1, release 0.2).
        snr_db: range of the signal-to-noise ratio of the second view (paper 20–30, release 5–40).

    Returns:
        float [].
    """
    values = model.prepared(csi)
    tokens = model.tokenize(values)
    visible = wimae_paired(tokens.shape[0], tokens.shape[1], generator, ratio)
    encoded = model.encode(tokens, visible)
    masked = complement(visible, tokens.shape[1])
    predicted = model.decode(encoded, visible, tokens.shape[1])
    reconstruction = functional.mse_loss(take(predicted, masked).float(), take(tokens, masked))
    if not model.config.contrastive:
        return reconstruction
    other = model.tokenize(noisy(values, generator, snr_db))
    view = model.encode(other, wimae_paired(other.shape[0], other.shape[1], generator, ratio))
    contrast = nt_xent(model.contrast(encoded).float(), model.contrast(view).float(), temperature)
    return reconstruction_share * reconstruction + (1 - reconstruction_share) * contrast


def noisy(csi_values: Tensor, generator: Generator, snr_db: tuple[float, float]) -> Tensor:
    """Add circular Gaussian noise of power 10^(-SNR/10), the SNR uniform in the range for each sample."""
    samples, trailing = len(csi_values), (1,) * (csi_values.dim() - 1)
    low, high = snr_db
    drawn = torch.rand(samples, *trailing, generator=generator, device=csi_values.device) * (high - low) + low
    parts = torch.randn(*csi_values.shape, 2, generator=generator, device=csi_values.device)
    return csi_values + torch.view_as_complex(parts) * (10 ** (-drawn / 10) / 2).sqrt()


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Symmetric NT-Xent over the 2·sample unit vectors of both views, each excluded from its own denominator.

    Args:
        first, second: float [sample, feature], unit vectors; equal rows are a positive pair.
        temperature: divides the cosine similarities.
    """
    both = torch.cat([first, second])
    similarity = (both @ both.T / temperature).fill_diagonal_(-torch.inf)
    partner = torch.arange(len(both), device=both.device).roll(len(first))
    return functional.cross_entropy(similarity, partner)
