"""Contrastive learning: two views of the same user have similar embeddings, those of different users have not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.nn.masks import disjoint_masks, random_mask
from wirelessfm.signal.noise import add_noise

POSITIVES = ("noise", "mask", "view")


def contrastive_error(
    model: Any,
    csi: CSI,
    generator: Generator,
    positive: str = "noise",
    temperature: float = 0.1,
    mask_ratio: float = 0.5,
    snr_db: Sequence[float] = (5.0, 40.0),
    gain_db: float = 0.0,
) -> Tensor:
    """InfoNCE over the batch, of projections of two views of every sample.

    Args:
        model: offers ``tokenize``, ``encode`` and ``project``.
        csi: the batch.
        generator: draws masks, noise and gains.
        positive: what the second view is. ``noise``: with additional noise, as in ContraWiMAE, arXiv:2505.09160;
            ``mask``: the same channel, of which the two views see disjoint patches, and
            the first alone the summary; ``view``: the label
            ``reference``, the same paths seen by another array over another bandwidth, as in LWLM, arXiv:2505.10134.
        temperature: divides the cosine similarities.
        mask_ratio: fraction of patches hidden from each view; of 0.5 or more for ``mask``.
        snr_db: smallest and largest signal-to-noise ratio of ``noise``, drawn for each sample.
        gain_db: every view is amplified or attenuated by up to this much, at random: received power alone tells most
            users apart, and what tells them apart otherwise is then not learnt. 0 leaves power as a clue.

    Returns:
        float [], log(samples) where all projections are alike.

    Raises:
        WirelessFMError: unknown positive, no ``reference`` to see, or a model without projection.
    """
    views = [_amplified(view, gain_db, generator) for view in (csi, second_view(csi, positive, snr_db, generator))]
    tokens = [model.tokenize(view) for view in views]
    counts = [each.patches.shape[1] for each in tokens]
    if positive == "mask":
        visible = list(disjoint_masks(len(csi), counts[0], mask_ratio, generator))
        # The summary knows all patches: in both views it would give the partner away.
        tokens[1] = replace(tokens[1], summary=torch.zeros_like(tokens[1].summary))
    else:
        visible = [random_mask(len(csi), count, mask_ratio, generator)[0] for count in counts]
    first, second = (
        model.project(model.encode(each, seen), each, seen).float() for each, seen in zip(tokens, visible, strict=True)
    )
    return info_nce(first, second, temperature)


def second_view(csi: CSI, positive: str, snr_db: Sequence[float], generator: Generator) -> CSI:
    """What the first view of every sample is to be similar to; arguments as in :func:`contrastive_error`."""
    if positive not in POSITIVES:
        raise unknown_name("positive", positive, POSITIVES)
    if positive == "mask":
        return csi
    if positive == "noise":
        low, high = snr_db
        drawn = low + (high - low) * _uniform(len(csi), generator)
        return replace(csi, values=add_noise(csi.values, drawn, generator))
    if "reference" not in csi.labels or "reference_subcarrier_hz" not in csi.meta.extra:
        raise WirelessFMError(
            "positive 'view' compares with the label 'reference' and its frequencies, found none; "
            "set data.reference_antennas above 0"
        )
    frequencies = torch.tensor(csi.meta.extra["reference_subcarrier_hz"], dtype=torch.float64)
    coords = {"subcarrier": frequencies.to(csi.values.device)}
    return CSI(csi.labels["reference"], ("sample", "antenna", "subcarrier"), coords, meta=csi.meta)


def info_nce(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of finding the partner among all samples by cosine similarity, the mean of both directions.

    A. van den Oord et al., "Representation Learning with Contrastive Predictive Coding", 2018, symmetric as in
    A. Radford et al., "CLIP", ICML 2021: other samples of the same view are not among the candidates.

    Args:
        first, second: float [sample, feature]; equal rows are a positive pair.
        temperature: divides the cosine similarities.
    """
    similarity = functional.normalize(first, dim=1) @ functional.normalize(second, dim=1).T / temperature
    partner = torch.arange(len(first), device=first.device)
    return (functional.cross_entropy(similarity, partner) + functional.cross_entropy(similarity.T, partner)) / 2


def _amplified(csi: CSI, gain_db: float, generator: Generator) -> CSI:
    if not gain_db:
        return csi
    drawn = gain_db * (2 * _uniform(len(csi), generator) - 1)
    return replace(csi, values=csi.values * (10 ** (drawn / 20)).view(-1, *[1] * (csi.values.dim() - 1)))


def _uniform(n: int, generator: Generator) -> Tensor:
    return torch.rand(n, generator=generator, device=generator.device)
