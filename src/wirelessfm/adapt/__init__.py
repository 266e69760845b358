"""Adapting frozen features to a task."""

from wirelessfm.adapt.costs import measure_costs
from wirelessfm.adapt.fits import Fitted, fit_on_csi, fit_on_features, one_thread
from wirelessfm.adapt.heads import HEADS, fit_head

__all__ = ["HEADS", "Fitted", "fit_head", "fit_on_csi", "fit_on_features", "measure_costs", "one_thread"]
