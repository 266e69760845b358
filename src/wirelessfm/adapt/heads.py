"""Heads on frozen features: one implementation of each for every system, so that only the features differ."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from torch import Tensor, nn

from wirelessfm.adapt.prototypes import fit_prototypes, fit_prototypes_cosine
from wirelessfm.adapt.resnet import SLIM, WIDE, ResNetHead
from wirelessfm.baselines.training import train_network, unit_values
from wirelessfm.errors import WirelessFMError, unknown_name

# Weight of the data against ½‖w‖², the same for every input: between 0.1 and 10 accuracy moves by 1 to 3 points, with
# the best value depending on task and budget more than on the features, so a search would cost more than it gives.
_LINEAR_C = 1.0
# This tolerance ends within 0.7 points of the accuracy at full convergence, at a fifth of the cost.
_LINEAR_TOLERANCE, _LINEAR_MAX_ITER = 1e-3, 150
_MAX_WIDTH = 512
# Scikit-learn's MLPClassifier of this size is as fast, but has neither dropout nor a rate that decays.
_MLP_HIDDEN, _NETWORK_STEPS = 256, 800
_RIDGE_PENALTIES = (1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4)

Scorer = Callable[[Tensor], Tensor]
FitHead = Callable[[Tensor, Tensor, int, int], Scorer]


@dataclass(frozen=True)
class Standardiser:
    """Zero mean and unit variance on the labelled samples, then at most ``_MAX_WIDTH`` principal directions.

    Attributes:
        mean, scale: float32 [d].
        directions: float32 [d, width], or None where nothing was reduced.
        kept: fraction of the variance of the labelled samples that is kept; 1 unless more than ``_MAX_WIDTH``
            directions carry variance.
    """

    mean: Tensor
    scale: Tensor
    directions: Tensor | None
    kept: float

    def __call__(self, features: Tensor) -> Tensor:
        """Float [sample, d] to float32 [sample, width]."""
        scaled = (features.float() - self.mean) / self.scale
        return scaled if self.directions is None else scaled @ self.directions


def fit_standardiser(features: Tensor, max_width: int | None = _MAX_WIDTH) -> Standardiser:
    """Fit on labelled samples, float [sample, d]; a constant feature becomes zero.

    Wide features are rotated to their principal directions. Both heads are penalised or initialised alike in all
    directions, so where there are fewer samples than features this loses nothing: the weights of a penalised linear
    head lie in the span of the samples.
    """
    wide = features.double()
    mean = wide.mean(dim=0)
    spread = wide.std(dim=0, correction=0)
    constant = spread <= 1e-6 * mean.abs()
    scale = torch.where(constant, torch.ones_like(spread), spread)
    n, d = features.shape
    if max_width is None or d <= max_width:
        return Standardiser(mean.float(), scale.float(), None, 1.0)
    centred = torch.where(constant, torch.zeros_like(mean), (wide - mean) / scale).float()
    directions, kept = _principal_directions(centred, min(max_width, n))
    return Standardiser(mean.float(), scale.float(), directions, kept)


def _principal_directions(centred: Tensor, width: int) -> tuple[Tensor, float]:
    # The eigenvectors of the smaller Gram matrix cost a fraction of a singular value decomposition.
    tall = len(centred) >= centred.shape[1]
    gram = centred.T @ centred if tall else centred @ centred.T
    power, vectors = torch.linalg.eigh(gram)
    power, vectors = power[-width:].clamp(min=0), vectors[:, -width:]
    real = power > 1e-6 * power[-1]
    vectors = vectors[:, real] if tall else centred.T @ vectors[:, real] / power[real].sqrt()
    return vectors, float(power[real].sum() / gram.diagonal().sum().clamp(min=1e-30))


def fit_linear(features: Tensor, labels: Tensor, n_outputs: int, seed: int) -> Scorer:
    """Logistic regression for classes, ridge regression for values (both scikit-learn) on standardised features.

    Args:
        features: float [sample, d] of the labelled samples.
        labels: int64 [sample] in [0, n_outputs), classes; or float [sample, n_outputs], values.
        n_outputs: classes without a label get the lowest score.
        seed: ignored, the optimum is unique.

    Returns:
        features to float32 [sample, n_outputs]: scores, or values.
    """
    standardise = fit_standardiser(features)
    if labels.is_floating_point():
        return _ridge(standardise, features, labels)
    present = labels.unique()
    if len(present) == 1:
        return lambda x: _spread(torch.zeros(len(x), 1), present, n_outputs)
    model = LogisticRegression(C=_LINEAR_C, max_iter=_LINEAR_MAX_ITER, tol=_LINEAR_TOLERANCE)
    with warnings.catch_warnings():
        # Few labels of many classes, and stopping before the gradient vanishes, are what is asked for here.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message="The number of unique classes")
        model.fit(standardise(features).numpy(), labels.numpy())

    def score(x: Tensor) -> Tensor:
        decided = torch.from_numpy(model.decision_function(standardise(x).numpy())).float()
        if decided.dim() == 1:
            decided = torch.stack([-decided, decided], dim=1) / 2
        return _spread(decided, present, n_outputs)

    return score


def _ridge(standardise: Standardiser, features: Tensor, values: Tensor) -> Scorer:
    if len(values) == 1:
        return lambda x: values.float().expand(len(x), -1)
    # Leave-one-out error in closed form chooses the penalty: unlike the logistic head, this search is free.
    model = RidgeCV(_RIDGE_PENALTIES).fit(standardise(features).double().numpy(), values.double().numpy())
    return lambda x: (
        torch.from_numpy(model.predict(standardise(x).double().numpy())).float().reshape(len(x), values.shape[1])
    )


def _spread(scores: Tensor, present: Tensor, n_classes: int) -> Tensor:
    full = (scores.amin(dim=1, keepdim=True) - 1).repeat(1, n_classes)
    full[:, present] = scores
    return full


def fit_mlp(features: Tensor, labels: Tensor, n_outputs: int, seed: int) -> Scorer:
    """One hidden layer of 256 units on standardised features, AdamW with a one-cycle rate; see :func:`fit_linear`."""
    return fit_network_head(_mlp, features, labels, n_outputs, seed)


def fit_resnet_slim(features: Tensor, labels: Tensor, n_outputs: int, seed: int) -> Scorer:
    """A residual network of 29 thousand parameters along the features; see :mod:`wirelessfm.adapt.resnet`."""
    return fit_network_head(partial(ResNetHead, SLIM), features, labels, n_outputs, seed, reduce=False)


def fit_resnet_wide(features: Tensor, labels: Tensor, n_outputs: int, seed: int) -> Scorer:
    """A residual network of half a million parameters along the features; see :mod:`wirelessfm.adapt.resnet`."""
    return fit_network_head(partial(ResNetHead, WIDE), features, labels, n_outputs, seed, reduce=False)


def fit_network_head(
    build: Callable[[int, int], nn.Module],
    features: Tensor,
    labels: Tensor,
    n_outputs: int,
    seed: int,
    reduce: bool = True,
) -> Scorer:
    """Train ``build(n_features, n_outputs)`` on standardised features; see :func:`fit_linear`.

    ``reduce`` rotates wide features to principal directions, which would take their order from a convolution.
    """
    standardise = fit_standardiser(features, _MAX_WIDTH if reduce else None)
    inputs = standardise(features)
    targets, offset, scale = unit_values(labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build(inputs.shape[1], n_outputs)
        train_network(model, inputs, targets, 2e-3, _NETWORK_STEPS)

    @torch.no_grad()
    def score(x: Tensor) -> Tensor:
        return torch.cat([model(part) for part in standardise(x).split(1024)]) * scale + offset

    return score


def _mlp(n_inputs: int, n_outputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(n_inputs, _MLP_HIDDEN), nn.ReLU(), nn.Dropout(0.2), nn.Linear(_MLP_HIDDEN, n_outputs)
    )


HEADS: dict[str, FitHead] = {
    "linear": fit_linear,
    "mlp": fit_mlp,
    "resnet-slim": fit_resnet_slim,
    "resnet-wide": fit_resnet_wide,
    "prototypes": fit_prototypes,
    "prototypes-cosine": fit_prototypes_cosine,
}
# Heads that have no meaning for tasks with values.
CLASS_HEADS = ("prototypes", "prototypes-cosine")


def fit_head(name: str, features: Tensor, labels: Tensor, n_outputs: int, seed: int) -> Scorer:
    """Fit a head of the registry on the labelled samples; see :func:`fit_linear`.

    Raises:
        WirelessFMError: unknown head, no labels, features that are not float [sample, d] of the labelled samples.
    """
    if name not in HEADS:
        raise unknown_name("head", name, HEADS)
    if features.dim() != 2 or len(features) != len(labels) or not features.is_floating_point():
        raise WirelessFMError(
            f"a head needs float features [sample, d] of {len(labels)} samples, found {features.dtype} "
            f"{list(features.shape)}"
        )
    if not len(labels):
        raise WirelessFMError("a head needs at least 1 label, found none")
    if labels.is_floating_point():
        fits = labels.shape[1:] == (n_outputs,) and bool(torch.isfinite(labels).all())
    else:
        fits = labels.dim() == 1 and int(labels.min()) >= 0 and int(labels.max()) < n_outputs
    if not fits:
        raise WirelessFMError(
            f"labels are int64 classes in 0 … {n_outputs - 1}, or finite values [sample, {n_outputs}], found "
            f"{labels.dtype} {list(labels.shape)}"
        )
    return HEADS[name](features.cpu(), labels.cpu(), n_outputs, seed)
