"""Baselines: features, rules and networks that a learned representation must beat."""

from wirelessfm.baselines.angle_spectrum import angle_spectrum
from wirelessfm.baselines.autocorrelation import autocorrelation
from wirelessfm.baselines.cnn import cnn
from wirelessfm.baselines.majority import majority
from wirelessfm.baselines.power_delay_los import delay_from_phase_slope, power_delay_los
from wirelessfm.baselines.raw import log_power, raw
from wirelessfm.baselines.same_sweep_beam import same_sweep_beam
from wirelessfm.baselines.system import KINDS, Predictor, System
from wirelessfm.errors import unknown_name

BASELINES: dict[str, System] = {
    system.name: system
    for system in (
        System("majority", "constant", majority),
        System("same-sweep-beam", "rule", same_sweep_beam, task_kinds=("beam",)),
        System("power-delay", "rule", power_delay_los, task_kinds=("los",)),
        System("raw", "features", raw),
        System("angle-spectrum", "features", angle_spectrum),
        System("autocorrelation", "features", autocorrelation),
        System("cnn", "network", cnn),
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
    "angle_spectrum",
    "autocorrelation",
    "cnn",
    "delay_from_phase_slope",
    "get_baseline",
    "log_power",
    "majority",
    "power_delay_los",
    "raw",
    "same_sweep_beam",
]
