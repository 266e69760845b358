"""Baselines: features, rules and networks that a learned representation must beat."""

from wirelessfm.baselines.angle_spectrum import angle_spectrum_features
from wirelessfm.baselines.autocorrelation import autocorrelation_features
from wirelessfm.baselines.cnn import train_cnn
from wirelessfm.baselines.denoising_cnn import train_denoising_cnn
from wirelessfm.baselines.lmmse import fit_lmmse
from wirelessfm.baselines.ls_dft import ls_dft
from wirelessfm.baselines.ls_linear import ls_linear
from wirelessfm.baselines.majority import fit_majority
from wirelessfm.baselines.mapping_network import train_mapping_network
from wirelessfm.baselines.omp import omp
from wirelessfm.baselines.power_delay_los import delay_from_phase_slope, los_from_power_and_delay
from wirelessfm.baselines.raw import log_power, raw_features
from wirelessfm.baselines.same_sweep_beam import best_same_sweep_beam
from wirelessfm.baselines.system import KINDS, Predictor, System, remembering
from wirelessfm.baselines.true_covariance import true_covariance_system
from wirelessfm.errors import unknown_name

_COMPLETION = ("estimation", "interpolation")

BASELINES: dict[str, System] = {
    system.name: system
    for system in (
        System("majority", "constant", fit_majority, outputs=("class",)),
        System("same-sweep-beam", "rule", best_same_sweep_beam, task_kinds=("beam",), outputs=("class",)),
        System("power-delay", "rule", los_from_power_and_delay, task_kinds=("los",), outputs=("class",)),
        System("raw", "features", raw_features),
        System("angle-spectrum", "features", angle_spectrum_features),
        System("autocorrelation", "features", autocorrelation_features),
        System("cnn", "network", train_cnn),
        System("ls-linear", "rule", ls_linear, task_kinds=_COMPLETION, outputs=("csi",)),
        System("ls-dft", "rule", ls_dft, task_kinds=_COMPLETION, outputs=("csi",)),
        System("omp", "rule", omp, task_kinds=_COMPLETION, outputs=("csi",)),
        System("lmmse", "network", fit_lmmse, task_kinds=_COMPLETION, outputs=("csi",)),
        System("denoising-cnn", "network", train_denoising_cnn, task_kinds=_COMPLETION, outputs=("csi",)),
        System("mapping-network", "network", train_mapping_network, task_kinds=_COMPLETION, outputs=("csi",)),
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
    "fit_lmmse",
    "fit_majority",
    "get_baseline",
    "log_power",
    "los_from_power_and_delay",
    "ls_dft",
    "ls_linear",
    "omp",
    "raw_features",
    "remembering",
    "train_cnn",
    "train_denoising_cnn",
    "train_mapping_network",
    "true_covariance_system",
]
