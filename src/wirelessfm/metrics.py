"""Metrics as pure functions; each docstring is the definition. Accuracies are fractions of 1."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wirelessfm.errors import WirelessFMError, unknown_name

# Of every other metric more is better. A part after "@" names a condition, as in "nmse_db@10".
LOWER_IS_BETTER = frozenset(
    {"error_m", "mae_m", "mae_db", "rmse_db", "rsrp_loss_db", "nmse", "nmse_db", "nmse_ratio_db"}
    | {f"error_p{level}_m" for level in (50, 67, 80, 90)}
)


def lower_is_better(metric: str) -> bool:
    """Whether less of a metric, by its name in a result row, is better."""
    return metric.split("@")[0] in LOWER_IS_BETTER


def db(ratio: float) -> float:
    """10·log10 of a power ratio; a ratio of 0 gives -200."""
    return 10 * math.log10(max(ratio, 1e-20))


def accuracy(scores: Tensor, labels: Tensor) -> float:
    """Fraction of samples whose highest score is at the label; of equal scores the first class counts.

    Args:
        scores: float [sample, class].
        labels: int64 [sample].
    """
    return _mean(_decisions(scores, labels) == labels)


def top_k(scores: Tensor, labels: Tensor, k: int) -> float:
    """Fraction of samples whose label is among the ``k`` highest scores; ties count against the prediction.

    A sample counts when fewer than k other classes score at least as high as the label.
    """
    _decisions(scores, labels)
    if not 1 <= k <= scores.shape[1]:
        raise WirelessFMError(f"top_k needs k between 1 and the {scores.shape[1]} classes, found {k}")
    own = scores.gather(1, labels[:, None])
    return _mean((scores >= own).sum(dim=1) <= k)


def f1(predicted: Tensor, labels: Tensor, average: str = "weighted") -> float:
    """F1 score, per class 2·TP / (2·TP + FP + FN) and 0 for a class without a true positive.

    Args:
        predicted, labels: int64 [sample].
        average: ``weighted`` (mean over the classes present in ``labels``, weighted by how often they occur),
            ``macro`` (plain mean over the classes present in ``labels`` or ``predicted``) or ``binary`` (of class 1).
    """
    _check_pair(predicted, labels)
    n = int(torch.maximum(predicted.max(), labels.max())) + 1
    hits = torch.bincount(labels[predicted == labels], minlength=max(n, 2)).double()
    support = torch.bincount(labels, minlength=max(n, 2)).double()
    called = torch.bincount(predicted, minlength=max(n, 2)).double()
    score = 2 * hits / (support + called).clamp(min=1)
    if average == "binary":
        return float(score[1])
    if average == "weighted":
        return float((score * support).sum() / support.sum())
    if average == "macro":
        return float(score[(support + called) > 0].mean())
    raise unknown_name("F1 average", average, ("weighted", "macro", "binary"))


def within_one_beam(predicted: Tensor, labels: Tensor, n_beams: int) -> float:
    """Fraction of predicted beams that are the label or its neighbour.

    The sweep is circular: at half-wavelength spacing the first and the last beam of a half-open sweep are neighbours.
    """
    _check_pair(predicted, labels)
    distance = (predicted - labels).abs() % n_beams
    return _mean(torch.minimum(distance, n_beams - distance) <= 1)


def beam_loss_db(powers: Tensor, predicted: Tensor) -> Tensor:
    """Power lost by using the predicted instead of the best beam, 10·log10(max_b p_b / p_predicted): float [sample].

    Args:
        powers: float [sample, beam], linear; every sample needs power in some beam.
        predicted: int64 [sample].
    """
    if powers.dim() != 2 or len(powers) != len(predicted):
        raise WirelessFMError(
            f"expected powers [sample, beam] of {len(predicted)} samples, found shape {list(powers.shape)}"
        )
    best = powers.amax(dim=1).double()
    if not bool((best > 0).all()):
        raise WirelessFMError("beam_loss_db needs power in a beam of every sample; leave out path-less users")
    used = powers.gather(1, predicted[:, None]).squeeze(1).double()
    # A beam of exactly no power would make every mean infinite; 100 dB below the best is beyond any receiver.
    return 10 * torch.log10(best / torch.maximum(used, best * 1e-10))


def nmse(estimate: Tensor, truth: Tensor, average: str = "samples") -> float:
    """Normalised mean squared error, linear; for dB take 10·log10. Say in which domain the tensors are.

    Args:
        estimate, truth: real or complex [sample, ...].
        average: ``samples``: mean over samples of ‖Ĥ−H‖²/‖H‖² (CSI feedback, prediction); ``ratio``:
            Σ‖Ĥ−H‖² / Σ‖H‖², dominated by strong samples (LWM challenge).
    """
    _check_same_shape(estimate, truth)
    error = (estimate - truth).abs().square().flatten(1).double().sum(dim=1)
    power = truth.abs().square().flatten(1).double().sum(dim=1)
    if average == "ratio":
        return float(error.sum() / _positive(power.sum(), "the sum over samples of ‖H‖²"))
    if average == "samples":
        return float((error / _positive(power, "‖H‖² of every sample")).mean())
    raise unknown_name("NMSE average", average, ("samples", "ratio"))


def sgcs(estimate: Tensor, truth: Tensor) -> float:
    """Squared generalised cosine similarity |wᴴŵ|²/(‖w‖²‖ŵ‖²) over the last axis, mean over all others.

    3GPP TR 38.843: w is the precoder of one layer and subband, [sample, ..., antenna].
    """
    return float(_cosine(estimate, truth).square().mean())


def sgcs_or_zero(estimate: Tensor, truth: Tensor) -> float:
    """The same, with 0 where one of both is exactly zero, which points nowhere and is like nothing."""
    _check_same_shape(estimate, truth)
    alive = (estimate != 0).any(dim=-1) & (truth != 0).any(dim=-1)
    return sgcs(estimate[alive], truth[alive]) * _mean(alive) if bool(alive.any()) else 0.0


def rho(estimate: Tensor, truth: Tensor) -> float:
    """Cosine similarity of CsiNet (Wen et al. 2018, eq. 10): |ĥᴴh|/(‖ĥ‖‖h‖) per subcarrier, mean over all.

    Args:
        estimate, truth: complex [sample, antenna, subcarrier] in the spatial–frequency domain.
    """
    if truth.dim() != 3:
        raise WirelessFMError(f"rho expects [sample, antenna, subcarrier], found shape {list(truth.shape)}")
    return float(_cosine(estimate.transpose(1, 2), truth.transpose(1, 2)).mean())


def horizontal_error_m(estimate_m: Tensor, truth_m: Tensor) -> Tensor:
    """Distance in the x–y plane, float [sample] in metres; a third coordinate is ignored."""
    if min(estimate_m.shape[-1], truth_m.shape[-1]) < 2 or len(estimate_m) != len(truth_m):
        raise WirelessFMError(
            f"expected positions [sample, 2 or 3], found {list(estimate_m.shape)} and {list(truth_m.shape)}"
        )
    return (estimate_m[:, :2].double() - truth_m[:, :2].double()).norm(dim=1)


def error_percentiles(errors: Tensor, percentiles: tuple[float, ...] = (50, 67, 80, 90)) -> dict[str, float]:
    """Points of the error distribution, as ``{"p50": …}`` (linear interpolation between order statistics)."""
    levels = torch.tensor(percentiles, dtype=torch.float64) / 100
    values = torch.quantile(errors.double(), levels)
    return {f"p{level:g}": float(value) for level, value in zip(percentiles, values, strict=True)}


def _cosine(estimate: Tensor, truth: Tensor) -> Tensor:
    _check_same_shape(estimate, truth)
    product = (truth.conj() * estimate).sum(dim=-1).abs().double()
    return product / _positive(truth.norm(dim=-1).double() * estimate.norm(dim=-1).double(), "‖w‖·‖ŵ‖")


def _positive(value: Tensor, what: str) -> Tensor:
    if not bool((value > 0).all()):
        raise WirelessFMError(f"{what} must be positive; leave out all-zero samples")
    return value


def _mean(flags: Tensor) -> float:
    return float(flags.double().mean())


def _decisions(scores: Tensor, labels: Tensor) -> Tensor:
    if scores.dim() != 2:
        raise WirelessFMError(f"scores must be [sample, class], found shape {list(scores.shape)}")
    decided = scores.argmax(dim=1)
    _check_pair(decided, labels)
    return decided


def _check_pair(predicted: Tensor, labels: Tensor) -> None:
    if predicted.shape != labels.shape or labels.dim() != 1 or not len(labels):
        raise WirelessFMError(
            f"expected one prediction per label and at least one, found {list(predicted.shape)} "
            f"predictions for labels of shape {list(labels.shape)}"
        )


def _check_same_shape(estimate: Tensor, truth: Tensor) -> None:
    if estimate.shape != truth.shape or not truth.numel():
        raise WirelessFMError(
            f"estimate and truth must have the same non-empty shape, found {list(estimate.shape)} and "
            f"{list(truth.shape)}"
        )
