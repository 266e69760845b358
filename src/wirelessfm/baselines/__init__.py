"""Baselines: features, rules and networks that a learned representation must beat."""

from wirelessfm.baselines.angle_spectrum import angle_spectrum_features
from wirelessfm.baselines.autocorrelation import autocorrelation_features
from wirelessfm.baselines.autoregression import autoregression
from wirelessfm.baselines.cnn import train_cnn
from wirelessfm.baselines.kalman import kalman
from wirelessfm.baselines.llm4cp import LLM4CPConfig, llm4cp_system, train_llm4cp
from wirelessfm.baselines.lstm_prediction import LSTMConfig, train_lstm
from wirelessfm.baselines.majority import fit_majority
from wirelessfm.baselines.power_delay_los import delay_from_phase_slope, los_from_power_and_delay
from wirelessfm.baselines.prony_angle_delay import prony_angle_delay
from wirelessfm.baselines.raw import log_power, raw_features
from wirelessfm.baselines.resnet3d_prediction import ResNet3dConfig, train_resnet3d
from wirelessfm.baselines.same_sweep_beam import best_same_sweep_beam
from wirelessfm.baselines.sample_and_hold import sample_and_hold
from wirelessfm.baselines.system import KINDS, Predictor, System, remembering
from wirelessfm.baselines.transformer_prediction import TransformerConfig, train_transformer
from wirelessfm.baselines.wiener import fit_wiener
from wirelessfm.errors import unknown_name

_TIME = ("time-prediction",)
_PREDICTION = (*_TIME, "frequency-prediction")

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
    "KINDS",
    "LLM4CPConfig",
    "LSTMConfig",
    "Predictor",
    "ResNet3dConfig",
    "System",
    "TransformerConfig",
    "angle_spectrum_features",
    "autocorrelation_features",
    "autoregression",
    "best_same_sweep_beam",
    "delay_from_phase_slope",
    "fit_majority",
    "fit_wiener",
    "get_baseline",
    "kalman",
    "llm4cp_system",
    "log_power",
    "los_from_power_and_delay",
    "prony_angle_delay",
    "raw_features",
    "remembering",
    "sample_and_hold",
    "train_cnn",
    "train_llm4cp",
    "train_lstm",
    "train_resnet3d",
    "train_transformer",
]
