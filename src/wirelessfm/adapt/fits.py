"""One fit, from labelled samples to scores of the test samples, as a worker process runs it.

Arrays come as numpy, which joblib maps into every worker instead of copying it, and only the labels that were paid
for come at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from wirelessfm.adapt.heads import fit_head
from wirelessfm.baselines import Predictor
from wirelessfm.csi import CSI


@dataclass(frozen=True)
class Fitted:
    """Scores float [test, class], size of the network (0 for heads), time to fit."""

    scores: Tensor
    n_parameters: int
    fit_seconds: float


def fit_on_features(
    features: np.ndarray, labels: Tensor, labelled: Tensor, test: Tensor, head: str, n_classes: int, seed: int
) -> Fitted:
    """Fit a head on ``features[labelled]`` and score ``features[test]``; ``labels`` belong to ``labelled``."""
    start = time.perf_counter()
    with one_thread():
        scorer = fit_head(head, torch.from_numpy(features[labelled.numpy()]), labels, n_classes, seed)
        seconds = time.perf_counter() - start
        return Fitted(scorer(torch.from_numpy(features[test.numpy()])), 0, seconds)


def fit_on_csi(
    values: np.ndarray,
    labels: Tensor,
    labelled: Tensor,
    test: Tensor,
    run: Callable[[CSI, Tensor, int, int], Predictor],
    like: CSI,
    n_classes: int,
    seed: int,
) -> Fitted:
    """The same with a network or constant on CSI; ``like`` is an empty CSI with axes, coordinates and metadata."""
    start = time.perf_counter()
    with one_thread():
        known = replace(like, values=torch.from_numpy(values[labelled.numpy()]))
        predictor = run(known, labels, n_classes, seed)
        seconds = time.perf_counter() - start
        scores = predictor(replace(like, values=torch.from_numpy(values[test.numpy()])))
        return Fitted(scores, predictor.n_parameters, seconds)


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
