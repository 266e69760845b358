"""Channel charting: who is near in space is near in the embedding, by triplets."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Generator, Tensor

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError


def charting_error(
    model: Any,
    csi: CSI,
    generator: Generator,
    near_m: float = 20.0,
    far_m: float = math.inf,
    margin: float = 1.0,
) -> Tensor:
    """Triplet loss of projections: an anchor, somebody near it, and somebody farther away, all of one site.

    Rule after P. Ferrand et al., "Triplet-Based Wireless Channel Charting", JSAC 2021, arXiv:2005.12242. There near
    and far mean time along a trajectory. The users here stand still and have no order in time, so that distance
    takes its place: **the label position_m is used, which only a simulator (or a survey) knows, and which is the
    target of some tasks**. The recipe says so twice, by this objective and by ``data.positions``.

    Args:
        model: offers ``tokenize``, ``encode`` and ``project``.
        csi: the batch, with the label ``position_m`` and, if of more than one site, ``site``.
        generator: draws the triplets, one for every anchor that has both near and far users in the batch.
        near_m: who is at most this far is near (the paper's T_c).
        far_m: who is farther than near, up to this far, is far (the paper's T_f).
        margin: by how much the far one has to be farther.

    Returns:
        float [], 0 where every triplet is in order by the margin, and where a batch has no triplet.

    Raises:
        WirelessFMError: no positions, or a model without projection.
    """
    if "position_m" not in csi.labels:
        raise WirelessFMError("charting needs the label 'position_m', found none; set data.positions to true")
    tokens = model.tokenize(csi)
    chart = model.project(model.encode(tokens), tokens).float()
    return triplet_error(chart, draw_triplets(csi, near_m, far_m, generator), margin)


def draw_triplets(csi: CSI, near_m: float, far_m: float, generator: Generator) -> Tensor:
    """Indices of samples, int64 [triplet, 3]: anchor, near, far; arguments as in :func:`charting_error`."""
    position = csi.labels["position_m"]
    distance = torch.cdist(position, position)
    site = csi.labels.get("site", torch.zeros(len(csi), device=position.device))
    other = (site[:, None] == site) & ~torch.eye(len(csi), dtype=torch.bool, device=position.device)
    near = other & (distance <= near_m)
    far = other & (distance > near_m) & (distance <= far_m)
    anchor = (near.any(dim=1) & far.any(dim=1)).nonzero()[:, 0]
    if len(anchor) == 0:
        return anchor.new_zeros(0, 3)
    drawn = [torch.multinomial(which[anchor].float(), 1, generator=generator)[:, 0] for which in (near, far)]
    return torch.stack([anchor, *drawn], dim=1)


def triplet_error(chart: Tensor, triplets: Tensor, margin: float) -> Tensor:
    """Mean of max(‖anchor - near‖ - ‖anchor - far‖ + margin, 0): float [sample, feature], int64 [triplet, 3] to []."""
    anchor, near, far = chart[triplets].unbind(dim=1)
    error = ((anchor - near).norm(dim=1) - (anchor - far).norm(dim=1) + margin).relu()
    return error.sum() / max(1, len(error))
