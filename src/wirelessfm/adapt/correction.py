"""Labels on top of an answer that needs none.

A head starts from nothing: from some labels it must learn what a rule, or what the simulator taught a model, already
says. A correction starts there and learns only the difference from features, and nothing where cross-validation finds
no gain, of classes none of a standard error. So with labels it is rarely worse than without, and then by little:
classes by up to 1.6 points in the tables of docs/flagship.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from sklearn.cluster import KMeans
from sklearn.model_selection import GroupKFold
from torch import Tensor
from torch.nn import functional

from wirelessfm.adapt.heads import fit_mlp, fit_standardiser

# How far a correction may go: weight of the data against ½‖w‖², as of the linear head.
STRENGTHS = (3e-4, 3e-3, 3e-2, 3e-1)
_FOLDS, _GROUP_SIZE, _MIN_LABELS = 5, 8, 20
_ITERATIONS = 60

# (answers, features) to corrected answers; and (answers, features, labels) to that.
Corrected = Callable[[Tensor, Tensor], Tensor]
Fit = Callable[[Tensor, Tensor, Tensor], Corrected]


def fit_correction(answers: Tensor, features: Tensor, labels: Tensor, seed: int) -> Corrected:
    """Fit what is to be added to ``answers``.

    For classes a · answers + W · features + b with a > 0, the maximum of the penalised likelihood; for values
    answers + W · features + b by ridge regression on what the answers leave, W · (answers, features) + b, or an MLP of
    both. Which, and how strong, is chosen by cross-validation in which samples of similar features are left out
    together, since neighbours on the ground are near copies. The answers stay as they are where nothing improves on
    them, classes by more than a standard error, or where there are fewer than 20 labels.

    Args:
        answers: float [sample, output] of the labelled samples: scores of classes, or values.
        features: float [sample, d].
        labels: int64 [sample] classes or float [sample, output] values.
        seed: of the grouping.
    """
    answers, features = answers.float(), features.float()
    if labels.is_floating_point():
        fits: list[Fit] = [partial(_fit_values, strength=s, keep=keep) for s in STRENGTHS for keep in (True, False)]
        fits.append(partial(_fit_anew, seed=seed))
        # A few that were off by a kilometre make the standard error of a mean as large as any gain.
        best = _best(fits, _lost_values, answers, features, labels, seed, standard_errors=0.0)
    else:
        fits = [partial(_fit_classes, strength=s) for s in STRENGTHS]
        best = _best(fits, _lost_classes, answers, features, labels, seed, standard_errors=1.0)
    return _unchanged if best is None else best(answers, features, labels)


def _unchanged(answers: Tensor, features: Tensor) -> Tensor:
    return answers.float()


def _best(
    fits: Sequence[Fit],
    lost: Callable[[Tensor, Tensor], Tensor],
    answers: Tensor,
    features: Tensor,
    labels: Tensor,
    seed: int,
    standard_errors: float,
) -> Fit | None:
    """The fit that loses least on samples left out, if it gains so many standard errors and more."""
    if len(labels) < _MIN_LABELS:
        return None
    before = lost(answers, labels)
    gains = torch.zeros(len(fits), len(labels), dtype=before.dtype)
    groups = _groups(features, seed)
    for kept, left in _folds(groups):
        for gain, fit in zip(gains, fits, strict=True):
            corrected = fit(answers[kept], features[kept], labels[kept])
            gain[left] = before[left] - lost(corrected(answers[left], features[left]), labels[left])
    best = int(gains.mean(dim=1).argmax())
    gain = gains[best]
    # Of sums over groups: near copies are no independent evidence.
    sums = torch.zeros(int(groups.max()) + 1, dtype=gain.dtype).index_add(0, groups, gain - gain.mean())
    return fits[best] if float(gain.sum()) > standard_errors * float(sums.square().sum().sqrt()) else None


def _groups(features: Tensor, seed: int) -> Tensor:
    """int64 [sample], which have similar features."""
    similar = fit_standardiser(features)(features).numpy()
    found = KMeans(max(2, len(similar) // _GROUP_SIZE), n_init=1, random_state=seed).fit_predict(similar)
    return torch.from_numpy(found).long()


def _folds(groups: Tensor) -> list[tuple[Tensor, Tensor]]:
    """(kept, left out) indices; a group is in one fold."""
    n_folds = min(_FOLDS, len(groups.unique()))
    if n_folds < 2:
        return []
    splits = GroupKFold(n_folds).split(groups, groups=groups.numpy())
    return [(torch.from_numpy(kept), torch.from_numpy(left)) for kept, left in splits]


def _fit_classes(answers: Tensor, features: Tensor, labels: Tensor, strength: float) -> Corrected:
    standardise = fit_standardiser(features)
    inputs, scale = standardise(features), answers.std().clamp_min(1e-12)
    log_trust = torch.zeros((), requires_grad=True)
    weight = torch.zeros(inputs.shape[1] + 1, answers.shape[1], requires_grad=True)

    def scores(answers: Tensor, inputs: Tensor) -> Tensor:
        return log_trust.exp() * answers / scale + inputs @ weight[:-1] + weight[-1]

    optimizer = torch.optim.LBFGS(
        [log_trust, weight], max_iter=_ITERATIONS, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        misfit = functional.cross_entropy(scores(answers, inputs), labels, reduction="sum")
        total = misfit + weight.square().sum() / (2 * strength) + log_trust.square() / 2
        total.backward()
        return total

    with torch.enable_grad():
        optimizer.step(closure)
    return torch.no_grad()(lambda answers, features: scores(answers, standardise(features)))


def _fit_values(answers: Tensor, features: Tensor, labels: Tensor, strength: float, keep: bool) -> Corrected:
    """Ridge regression on what ``answers`` leave (``keep``), or with them as further features."""

    def inputs(answers: Tensor, features: Tensor) -> Tensor:
        return features if keep else torch.cat([answers, features], dim=1)

    standardise = fit_standardiser(inputs(answers, features))
    x, rest = standardise(inputs(answers, features)).double(), (labels - answers if keep else labels).double()
    mean, spread = rest.mean(dim=0), rest.std(dim=0, correction=0).clamp_min(1e-12)
    gram = x.T @ x + torch.eye(x.shape[1], dtype=torch.float64) / strength
    weight = torch.linalg.solve(gram, x.T @ ((rest - mean) / spread))

    def corrected(answers: Tensor, features: Tensor) -> Tensor:
        found = mean + spread * (standardise(inputs(answers, features)).double() @ weight)
        return (answers + found if keep else found).float()

    return corrected


def _fit_anew(answers: Tensor, features: Tensor, labels: Tensor, seed: int) -> Corrected:
    """The MLP head with the answers as further features, where they are too far off to be corrected linearly."""
    head = fit_mlp(torch.cat([answers, features], dim=1), labels, labels.shape[1], seed)
    return lambda answers, features: head(torch.cat([answers, features], dim=1))


def _lost_classes(scores: Tensor, labels: Tensor) -> Tensor:
    return (scores.argmax(dim=1) != labels).double()


def _lost_values(values: Tensor, labels: Tensor) -> Tensor:
    return (values.double() - labels.double()).square().sum(dim=1).sqrt()
