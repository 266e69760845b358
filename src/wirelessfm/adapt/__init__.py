"""Adapting frozen features to a task."""

from wirelessfm.adapt.corrected import fit_corrected
from wirelessfm.adapt.costs import measure_costs
from wirelessfm.adapt.fits import Fitted, fit_on_csi, fit_on_features, one_thread
from wirelessfm.adapt.heads import CLASS_HEADS, HEADS, fit_head

__all__ = [
    "CLASS_HEADS",
    "HEADS",
    "Fitted",
    "fit_corrected",
    "fit_head",
    "fit_on_csi",
    "fit_on_features",
    "measure_costs",
    "one_thread",
]
