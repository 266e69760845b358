"""One fit, from labelled samples to scores of the test samples, as a worker process runs it.

Arrays come as numpy, which joblib maps into every worker instead of copying it, and only the labels that were paid
for come at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from wirelessfm.adapt.costs import measure_costs
from wirelessfm.adapt.heads import FitHead
from wirelessfm.baselines import Predictor
from wirelessfm.csi import CSI


@dataclass(frozen=True)
class Fitted:
    """Predictions [test, ...] as the task asks for, size of the network (0 for heads), time to fit, costs."""

    scores: Tensor
    n_parameters: int
    fit_seconds: float
    costs: Mapping[str, float] = field(default_factory=dict)


def fit_on_features(
    features: np.ndarray, labels: Tensor, labelled: Tensor, test: Tensor, fit: FitHead, n_outputs: int, seed: int
) -> Fitted:
    """Fit a head on ``features[labelled]`` and score ``features[test]``; ``labels`` belong to ``labelled``."""
    start = time.perf_counter()
    with one_thread():
        scorer = fit(torch.from_numpy(features[labelled.numpy()]), labels, n_outputs, seed)
        seconds = time.perf_counter() - start
        return Fitted(scorer(torch.from_numpy(features[test.numpy()])), 0, seconds)


def fit_on_csi(
    values: np.ndarray,
    known: Mapping[str, np.ndarray],
    labels: Tensor,
    labelled: Tensor,
    test: Tensor,
    run: Callable[[CSI, Tensor, int, int], Predictor],
    like: CSI,
    n_outputs: int,
    seed: int,
    costs: bool = False,
) -> Fitted:
    """The same with a network or constant on CSI.

    ``known`` is the side information of every sample; ``like`` an empty CSI with axes, coordinates and metadata;
    ``costs`` says whether to measure those of a prediction.
    """

    def part(index: Tensor) -> CSI:
        rows = index.numpy()
        side = {name: torch.from_numpy(column[rows]) for name, column in known.items()}
        return replace(like, values=torch.from_numpy(values[rows]), labels=side)

    start = time.perf_counter()
    with one_thread():
        predictor = run(part(labelled), labels, n_outputs, seed)
        seconds = time.perf_counter() - start
        measured = measure_costs(predictor, part(test[:32])) if costs else {}
        return Fitted(predictor(part(test)), predictor.n_parameters, seconds, measured)


@contextmanager
def one_thread() -> Iterator[None]:
    """Several threads a fit would compete with the other fits, and change the last digits of sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
