"""Pretraining objectives: (model, csi, generator, **options) -> loss. OBJECTIVES is the list of what there is."""

from collections.abc import Callable

from torch import Tensor

from wirelessfm.objectives.masked import masked_nmse
from wirelessfm.objectives.spectrum import spectrum_error

OBJECTIVES: dict[str, Callable[..., Tensor]] = {
    "masked": masked_nmse,
    "spectrum": spectrum_error,
}
