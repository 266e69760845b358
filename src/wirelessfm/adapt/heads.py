"""Heads on frozen features: one implementation of each for every system, so that only the features differ."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from wirelessfm.baselines.training import train_classifier
from wirelessfm.errors import WirelessFMError, unknown_name

# Weight of the data against ½‖w‖², the same for every input: between 0.1 and 10 accuracy moves by 1 to 3 points, with
# the best value depending on task and budget more than on the features, so a search would cost more than it gives.
_LINEAR_C = 1.0
# This tolerance ends within 0.7 points of the accuracy at full convergence, at a fifth of the cost.
_LINEAR_TOLERANCE, _LINEAR_MAX_ITER = 1e-3, 150
_MAX_WIDTH = 512
# Scikit-learn's MLPClassifier of this size is as fast, but has neither dropout nor a rate that decays.
_MLP_HIDDEN, _MLP_STEPS = 256, 800

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


def fit_standardiser(features: Tensor) -> Standardiser:
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
    if d <= _MAX_WIDTH:
        return Standardiser(mean.float(), scale.float(), None, 1.0)
    centred = torch.where(constant, torch.zeros_like(mean), (wide - mean) / scale).float()
    directions, kept = _principal_directions(centred, min(_MAX_WIDTH, n))
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


def fit_linear(features: Tensor, labels: Tensor, n_classes: int, seed: int) -> Scorer:
    """Multinomial logistic regression (scikit-learn, L-BFGS) on standardised features.

    Args:
        features: float [sample, d] of the labelled samples.
        labels: int64 [sample] in [0, n_classes).
        n_classes: classes without a label get the lowest score.
        seed: ignored, the optimum is unique.

    Returns:
        features to float32 scores [sample, n_classes].
    """
    standardise = fit_standardiser(features)
    present = labels.unique()
    if len(present) == 1:
        return lambda x: _spread(torch.zeros(len(x), 1), present, n_classes)
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
        return _spread(decided, present, n_classes)

    return score


def _spread(scores: Tensor, present: Tensor, n_classes: int) -> Tensor:
    full = (scores.amin(dim=1, keepdim=True) - 1).repeat(1, n_classes)
    full[:, present] = scores
    return full


def fit_mlp(features: Tensor, labels: Tensor, n_classes: int, seed: int) -> Scorer:
    """One hidden layer of 256 units on standardised features, AdamW with a one-cycle rate; see :func:`fit_linear`."""
    standardise = fit_standardiser(features)
    inputs = standardise(features)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(
            nn.Linear(inputs.shape[1], _MLP_HIDDEN), nn.ReLU(), nn.Dropout(0.2), nn.Linear(_MLP_HIDDEN, n_classes)
        )
        train_classifier(model, inputs, labels, 2e-3, _MLP_STEPS)

    @torch.no_grad()
    def score(x: Tensor) -> Tensor:
        return model(standardise(x))

    return score


HEADS: dict[str, FitHead] = {"linear": fit_linear, "mlp": fit_mlp}


def fit_head(name: str, features: Tensor, labels: Tensor, n_classes: int, seed: int) -> Scorer:
    """Fit a head of the registry on the labelled samples.

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
    if not len(labels) or int(labels.min()) < 0 or int(labels.max()) >= n_classes:
        raise WirelessFMError(f"a head needs at least 1 label, all of them in 0 … {n_classes - 1}")
    return HEADS[name](features.cpu(), labels.cpu(), n_classes, seed)
