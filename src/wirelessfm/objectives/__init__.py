"""Pretraining objectives: (model, csi, generator, **options) -> loss. OBJECTIVES is the list of what there is."""

from collections.abc import Callable

from torch import Tensor

from wirelessfm.objectives.autocorrelation import autocorrelation_error
from wirelessfm.objectives.masked import masked_nmse
from wirelessfm.objectives.statistics import statistics_error

OBJECTIVES: dict[str, Callable[..., Tensor]] = {
    "autocorrelation": autocorrelation_error,
    "masked": masked_nmse,
    "statistics": statistics_error,
}
