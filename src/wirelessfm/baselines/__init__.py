"""Baselines: features, rules and networks that a learned representation must beat."""

from wirelessfm.baselines.angle_spectrum import angle_spectrum_features
from wirelessfm.baselines.autocorrelation import autocorrelation_features
from wirelessfm.baselines.cnn import train_cnn
from wirelessfm.baselines.first_path_los import los_from_first_path
from wirelessfm.baselines.majority import fit_majority
from wirelessfm.baselines.power_delay_los import delay_from_phase_slope, los_from_power_and_delay
from wirelessfm.baselines.published_networks import (
    train_fcn_los,
    train_fcn_position,
    train_mlp_beam,
    train_resnet_beam,
)
from wirelessfm.baselines.raw import log_power, raw_features
from wirelessfm.baselines.same_sweep_beam import best_same_sweep_beam
from wirelessfm.baselines.system import KINDS, Predictor, System, remembering
from wirelessfm.errors import unknown_name

BASELINES: dict[str, System] = {
    system.name: system
    for system in (
        System("majority", "constant", fit_majority, outputs=("class",)),
        System("same-sweep-beam", "rule", best_same_sweep_beam, task_kinds=("beam",), outputs=("class",)),
        System("power-delay", "rule", los_from_power_and_delay, task_kinds=("los",), outputs=("class",)),
        System("first-path-power", "rule", los_from_first_path, task_kinds=("uwb-los",), outputs=("class",)),
        System("raw", "features", raw_features),
        System("angle-spectrum", "features", angle_spectrum_features),
        System("autocorrelation", "features", autocorrelation_features),
        System("cnn", "network", train_cnn),
        System("fcn-los", "network", train_fcn_los, task_kinds=("los", "uwb-los"), outputs=("class",)),
        System("resnet-beam", "network", train_resnet_beam, task_kinds=("beam",), outputs=("class",)),
        System("mlp-beam", "network", train_mlp_beam, task_kinds=("beam",), outputs=("class",)),
        System("fcn-position", "network", train_fcn_position, task_kinds=("localisation",), outputs=("value",)),
    )
}


def get_baseline(name: str) -> System:
    """A baseline of the registry by name."""
    if name not in BASELINES:
        raise unknown_name("baseline", name, BASELINES)
    return BASELINES[name]


__all__ = [
    "BASELINES",
    "KINDS",
    "Predictor",
    "System",
    "angle_spectrum_features",
    "autocorrelation_features",
    "best_same_sweep_beam",
    "delay_from_phase_slope",
    "fit_majority",
    "get_baseline",
    "log_power",
    "los_from_first_path",
    "los_from_power_and_delay",
    "raw_features",
    "remembering",
    "train_cnn",
    "train_fcn_los",
    "train_fcn_position",
    "train_mlp_beam",
    "train_resnet_beam",
]
