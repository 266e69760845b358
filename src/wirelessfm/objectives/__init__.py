"""Pretraining objectives: (model, csi, generator, **options) -> loss. OBJECTIVES is the list of what there is."""

from collections.abc import Callable

from torch import Tensor

from wirelessfm.errors import WirelessFMError
from wirelessfm.objectives import lwm, wifo, wimae
from wirelessfm.objectives.autocorrelation import autocorrelation_error
from wirelessfm.objectives.charting import charting_error
from wirelessfm.objectives.contrastive import contrastive_error
from wirelessfm.objectives.masked import masked_nmse
from wirelessfm.objectives.statistics import statistics_error

OBJECTIVES: dict[str, Callable[..., Tensor]] = {
    "autocorrelation": autocorrelation_error,
    "charting": charting_error,
    "contrastive": contrastive_error,
    "masked": masked_nmse,
    "statistics": statistics_error,
    "lwm": lwm.loss,
    "wifo": wifo.loss,
    "wimae": wimae.loss,
}

# A published system is trained by its own objective alone; its models are those whose names begin so.
_PUBLISHED = {"lwm": ("lwm",), "wifo": ("wifo",), "wimae": ("wimae", "contrawimae")}


def check_objective(objective: str, model: str) -> None:
    """Refuse an objective that cannot train the model of that name."""
    own = next((name for name, begins in _PUBLISHED.items() if model.startswith(begins)), None)
    possible = [own] if own else [name for name in OBJECTIVES if name not in _PUBLISHED]
    if objective not in possible:
        raise WirelessFMError(f"objective '{objective}' cannot train model '{model}'; expected {' or '.join(possible)}")
