"""wirelessfm: wireless foundation models, pretraining, tasks and baselines behind one interface."""

from wirelessfm.csi import CSI, CSIMeta, Normalisation, concatenate_csi
from wirelessfm.errors import WirelessFMError
from wirelessfm.models.load import load_model
from wirelessfm.paths import Paths, PathsMeta, concatenate_paths

__all__ = [
    "CSI",
    "CSIMeta",
    "Normalisation",
    "Paths",
    "PathsMeta",
    "WirelessFMError",
    "concatenate_csi",
    "concatenate_paths",
    "load_model",
]
