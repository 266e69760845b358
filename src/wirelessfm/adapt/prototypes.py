"""Nearest class mean: the head without any training, as in the LWM evaluation (arXiv:2411.08872)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from wirelessfm.errors import WirelessFMError


def fit_prototypes(
    features: Tensor, labels: Tensor, n_outputs: int, seed: int, cosine: bool = False
) -> Callable[[Tensor], Tensor]:
    """Score a sample by its closeness to the mean of every class.

    Euclidean distance on the features as they are: the highest score is the nearest mean. With ``cosine`` features
    and means are taken at unit length (Snell et al. 2017 compare both).

    Args:
        features: float [sample, d] of the labelled samples.
        labels: int64 [sample] in [0, n_outputs); classes without a label get the lowest score.
        n_outputs: number of classes.
        seed: ignored.
        cosine: compare directions only.

    Raises:
        WirelessFMError: labels that are values, which have no class means.
    """
    if labels.is_floating_point():
        raise WirelessFMError(
            "prototypes are means of classes, found values to predict; use the head 'linear' or 'mlp'"
        )
    present, label_of = labels.unique(return_inverse=True)
    place = _unit if cosine else _centred(features.double().mean(dim=0))
    members = torch.nn.functional.one_hot(label_of).double()
    means = members.T @ place(features.double()) / members.sum(dim=0)[:, None]
    means = _unit(means) if cosine else means
    # ‖x − m‖² without the ‖x‖² that all classes share.
    offset = 0.0 if cosine else means.square().sum(dim=1) / 2

    def score(x: Tensor) -> Tensor:
        close = place(x.double()) @ means.T - offset
        full = (close.amin(dim=1, keepdim=True) - 1).repeat(1, n_outputs)
        full[:, present] = close
        return full.float()

    return score


def fit_prototypes_cosine(features: Tensor, labels: Tensor, n_outputs: int, seed: int) -> Callable[[Tensor], Tensor]:
    """The same at unit length: directions alone count."""
    return fit_prototypes(features, labels, n_outputs, seed, cosine=True)


def _unit(x: Tensor) -> Tensor:
    return torch.nn.functional.normalize(x, dim=1, eps=1e-300)


def _centred(mean: Tensor) -> Callable[[Tensor], Tensor]:
    # Far from the origin the scores of all classes would agree in their leading digits.
    return lambda x: x - mean
