"""Baselines: features, rules and networks that a learned representation must beat."""

from functools import partial

from wirelessfm.baselines.angle_delay import angle_delay_db_features, angle_delay_features
from wirelessfm.baselines.angle_spectrum import angle_spectrum_features
from wirelessfm.baselines.autocorrelation import autocorrelation_features
from wirelessfm.baselines.autoregression import autoregression
from wirelessfm.baselines.cnn import train_cnn
from wirelessfm.baselines.delay_position import position_from_delay_and_angle, strongest_direction_cosine
from wirelessfm.baselines.denoising_cnn import train_denoising_cnn
from wirelessfm.baselines.first_path_los import los_from_first_path
from wirelessfm.baselines.kalman import kalman
from wirelessfm.baselines.knn import angle_delay_magnitude, fit_neighbours
from wirelessfm.baselines.llm4cp import LLM4CPConfig, llm4cp_system, train_llm4cp
from wirelessfm.baselines.lmmse import fit_lmmse
from wirelessfm.baselines.ls_dft import ls_dft
from wirelessfm.baselines.ls_linear import ls_linear
from wirelessfm.baselines.lstm_prediction import LSTMConfig, train_lstm
from wirelessfm.baselines.majority import fit_majority
from wirelessfm.baselines.mapping_network import train_mapping_network
from wirelessfm.baselines.mean import fit_mean
from wirelessfm.baselines.omp import omp
from wirelessfm.baselines.path_loss import path_loss_as_in_free_space
from wirelessfm.baselines.path_phase_beam import path_phase_system
from wirelessfm.baselines.path_power_beam import DirectionNoise, path_power_system
from wirelessfm.baselines.physics import physics_features
from wirelessfm.baselines.power_delay_los import delay_from_phase_slope, los_from_power_and_delay
from wirelessfm.baselines.probed_beams import probe_power_features, probed_beam_match, strongest_probed_beam
from wirelessfm.baselines.prony_angle_delay import prony_angle_delay
from wirelessfm.baselines.published_networks import (
    train_fcn_los,
    train_fcn_position,
    train_mlp_beam,
    train_resnet_beam,
)
from wirelessfm.baselines.raw import log_power, raw_features
from wirelessfm.baselines.resnet3d_prediction import ResNet3dConfig, train_resnet3d
from wirelessfm.baselines.resolved_estimate import resolved_estimate
from wirelessfm.baselines.resolved_path_rules import (
    best_beam_of_resolved_paths,
    los_from_resolved_paths,
    path_loss_of_resolved_paths,
    position_from_first_path,
)
from wirelessfm.baselines.same_sweep_beam import best_same_sweep_beam
from wirelessfm.baselines.sample_and_hold import sample_and_hold
from wirelessfm.baselines.system import KINDS, Predictor, System, remembering
from wirelessfm.baselines.transformer_prediction import TransformerConfig, train_transformer
from wirelessfm.baselines.true_covariance import true_covariance_system
from wirelessfm.baselines.wiener import fit_wiener
from wirelessfm.errors import unknown_name

_COMPLETION = ("estimation", "interpolation")
_TIME = ("time-prediction",)
_PREDICTION = (*_TIME, "frequency-prediction")

BASELINES: dict[str, System] = {
    system.name: system
    for system in (
        System("majority", "constant", fit_majority, outputs=("class",)),
        System("mean", "constant", fit_mean, outputs=("value",)),
        System("same-sweep-beam", "rule", best_same_sweep_beam, ("beam", "beam-partial"), ("class",)),
        System("strongest-probed-beam", "rule", strongest_probed_beam, ("beam-probed",), ("class",)),
        System("probed-beam-match", "rule", probed_beam_match, ("beam-probed",), ("class",)),
        System("power-delay", "rule", los_from_power_and_delay, ("los",), ("class",)),
        System("resolved-paths-los", "rule", los_from_resolved_paths, ("los",), ("class",)),
        System("resolved-paths-path-loss", "rule", path_loss_of_resolved_paths, ("path-loss-28ghz",), ("value",)),
        System("resolved-paths-position", "rule", position_from_first_path, ("localisation",), ("value",)),
        System("resolved-paths-beam", "rule", best_beam_of_resolved_paths, ("beam", "beam-partial"), ("class",)),
        System("phase-slope-position", "rule", position_from_delay_and_angle, ("localisation",), ("value",)),
        System("free-space-path-loss", "rule", path_loss_as_in_free_space, ("path-loss-28ghz",), ("value",)),
        System("first-path-power", "rule", los_from_first_path, task_kinds=("uwb-los",), outputs=("class",)),
        System("raw", "features", raw_features),
        System("angle-spectrum", "features", angle_spectrum_features),
        System("autocorrelation", "features", autocorrelation_features),
        System("angle-delay", "features", angle_delay_features),
        System("angle-delay-db", "features", angle_delay_db_features),
        System("physics", "features", physics_features),
        System("probe-power", "features", probe_power_features, ("beam-probed",)),
        System("knn", "network", fit_neighbours),
        System("knn-angle-delay", "network", partial(fit_neighbours, fingerprint=angle_delay_magnitude)),
        System("cnn", "network", train_cnn),
        System("fcn-los", "network", train_fcn_los, task_kinds=("los", "uwb-los"), outputs=("class",)),
        System("resnet-beam", "network", train_resnet_beam, task_kinds=("beam",), outputs=("class",)),
        System("mlp-beam", "network", train_mlp_beam, task_kinds=("beam",), outputs=("class",)),
        System("fcn-position", "network", train_fcn_position, task_kinds=("localisation",), outputs=("value",)),
        System("ls-linear", "rule", ls_linear, task_kinds=_COMPLETION, outputs=("csi",)),
        System("ls-dft", "rule", ls_dft, task_kinds=_COMPLETION, outputs=("csi",)),
        System("omp", "rule", omp, task_kinds=_COMPLETION, outputs=("csi",)),
        System("resolved-waves", "rule", resolved_estimate, task_kinds=_COMPLETION, outputs=("csi",)),
        System("lmmse", "network", fit_lmmse, task_kinds=_COMPLETION, outputs=("csi",)),
        System("denoising-cnn", "network", train_denoising_cnn, task_kinds=_COMPLETION, outputs=("csi",)),
        System("mapping-network", "network", train_mapping_network, task_kinds=_COMPLETION, outputs=("csi",)),
        System("sample-and-hold", "rule", sample_and_hold, task_kinds=_PREDICTION, outputs=("csi",)),
        System("ar", "rule", autoregression, task_kinds=_PREDICTION, outputs=("csi",)),
        System("kalman", "rule", kalman, task_kinds=_TIME, outputs=("csi",)),
        System("pad", "rule", prony_angle_delay, task_kinds=_TIME, outputs=("csi",)),
        System("wiener", "network", fit_wiener, task_kinds=_PREDICTION, outputs=("csi",)),
        System("lstm", "network", train_lstm, task_kinds=_PREDICTION, outputs=("csi",)),
        System("transformer", "network", train_transformer, task_kinds=_PREDICTION, outputs=("csi",)),
        System("resnet3d", "network", train_resnet3d, task_kinds=_PREDICTION, outputs=("csi",)),
        System("llm4cp-random", "network", train_llm4cp, task_kinds=_PREDICTION, outputs=("csi",)),
    )
}


def get_baseline(name: str) -> System:
    """A baseline of the registry by name."""
    if name not in BASELINES:
        raise unknown_name("baseline", name, BASELINES)
    return BASELINES[name]


__all__ = [
    "BASELINES",
    "DirectionNoise",
    "KINDS",
    "LLM4CPConfig",
    "LSTMConfig",
    "Predictor",
    "ResNet3dConfig",
    "System",
    "TransformerConfig",
    "angle_delay_db_features",
    "angle_delay_features",
    "angle_delay_magnitude",
    "angle_spectrum_features",
    "autocorrelation_features",
    "autoregression",
    "best_beam_of_resolved_paths",
    "best_same_sweep_beam",
    "delay_from_phase_slope",
    "fit_lmmse",
    "fit_majority",
    "fit_mean",
    "fit_neighbours",
    "fit_wiener",
    "get_baseline",
    "kalman",
    "llm4cp_system",
    "log_power",
    "los_from_first_path",
    "los_from_power_and_delay",
    "los_from_resolved_paths",
    "ls_dft",
    "ls_linear",
    "omp",
    "path_loss_as_in_free_space",
    "path_loss_of_resolved_paths",
    "path_phase_system",
    "path_power_system",
    "physics_features",
    "position_from_delay_and_angle",
    "position_from_first_path",
    "probe_power_features",
    "probed_beam_match",
    "prony_angle_delay",
    "raw_features",
    "remembering",
    "resolved_estimate",
    "sample_and_hold",
    "strongest_direction_cosine",
    "strongest_probed_beam",
    "train_cnn",
    "train_denoising_cnn",
    "train_fcn_los",
    "train_fcn_position",
    "train_llm4cp",
    "train_lstm",
    "train_mapping_network",
    "train_mlp_beam",
    "train_resnet3d",
    "train_resnet_beam",
    "train_transformer",
    "true_covariance_system",
]
