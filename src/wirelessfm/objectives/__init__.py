"""Pretraining objectives: (model, csi, generator, **options) -> loss. OBJECTIVES is the list of what there is."""

import inspect
from collections.abc import Callable, Iterable

from torch import Tensor

from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.objectives import lwm, wifo, wimae
from wirelessfm.objectives.autocorrelation import autocorrelation_error
from wirelessfm.objectives.better_view import better_view_error
from wirelessfm.objectives.charting import charting_error
from wirelessfm.objectives.cir_csi import cir_csi_error
from wirelessfm.objectives.continuation import continuation_error
from wirelessfm.objectives.contrastive import contrastive_error
from wirelessfm.objectives.estimation import estimation_error
from wirelessfm.objectives.masked import masked_nmse
from wirelessfm.objectives.next_token import next_token_error
from wirelessfm.objectives.statistics import statistics_error
from wirelessfm.objectives.vq import vq_error

OBJECTIVES: dict[str, Callable[..., Tensor]] = {
    "autocorrelation": autocorrelation_error,
    "better-view": better_view_error,
    "charting": charting_error,
    "cir-csi": cir_csi_error,
    "continuation": continuation_error,
    "contrastive": contrastive_error,
    "estimation": estimation_error,
    "masked": masked_nmse,
    "next-token": next_token_error,
    "statistics": statistics_error,
    "vq": vq_error,
    "lwm": lwm.loss,
    "wifo": wifo.loss,
    "wimae": wimae.loss,
}

# Other models are trained by their own objectives alone; these are the beginnings of their names.
_OWN = {
    "wfm-spectrum": ("better-view", "estimation", "continuation"),
    "csi-clip": ("cir-csi",),
    "wfm-next-token": ("next-token", "vq"),
    "lwm": ("lwm",),
    "wifo": ("wifo",),
    "wimae": ("wimae",),
    "contrawimae": ("wimae",),
}


def check_objective(objective: str, model: str) -> None:
    """Refuse an objective that cannot train the model of that name."""
    own = next((names for begin, names in _OWN.items() if model.startswith(begin)), None)
    possible = own or [name for name in OBJECTIVES if all(name not in names for names in _OWN.values())]
    if objective not in possible:
        raise WirelessFMError(f"objective '{objective}' cannot train model '{model}'; expected {' or '.join(possible)}")


def check_options(objective: str, options: Iterable[str]) -> None:
    """Refuse options that an objective does not have."""
    # After the model, the batch and the generator.
    known = list(inspect.signature(OBJECTIVES[objective]).parameters)[3:]
    for option in options:
        if option not in known:
            raise unknown_name(f"option of objective '{objective}'", option, known)
