"""Downstream tasks: frozen specifications, and the result row."""

from wirelessfm.errors import unknown_name
from wirelessfm.tasks.base import NARROW_BAND, Task, TaskData
from wirelessfm.tasks.cases import CASES, case_data
from wirelessfm.tasks.crossband_beam import CrossBandBeamTask
from wirelessfm.tasks.estimation import EstimationTask
from wirelessfm.tasks.localisation import LocalisationTask
from wirelessfm.tasks.los import LosTask
from wirelessfm.tasks.measured_uwb import UwbLosTask
from wirelessfm.tasks.measured_wifi import WifiLocationTask
from wirelessfm.tasks.path_loss import PathLossTask
from wirelessfm.tasks.prediction import PredictionTask
from wirelessfm.tasks.row import Row, append_rows, read_rows
from wirelessfm.tasks.same_band_beam import SameBandBeamTask
from wirelessfm.tasks.sites import SitePaths
from wirelessfm.tasks.splitters import SpatialBlocks, Splitter, TimeOrder, WholeGroups
from wirelessfm.tasks.truth import Truth

_ALL: tuple[Task, ...] = (
    LosTask(),
    LosTask("los-10db", snr_db=10.0),
    CrossBandBeamTask("beam-64-antennas-32", n_antennas_sub6=32),
    CrossBandBeamTask("beam-64-antennas-8", n_antennas_sub6=8),
    CrossBandBeamTask("beam-64-antennas-4", n_antennas_sub6=4),
    CrossBandBeamTask("beam-64-antennas-32-10db", n_antennas_sub6=32, snr_db=10.0),
    CrossBandBeamTask("beam-64-antennas-8-10db", n_antennas_sub6=8, snr_db=10.0),
    CrossBandBeamTask("beam-64-antennas-4-10db", n_antennas_sub6=4, snr_db=10.0),
    *(CrossBandBeamTask(f"beam-{n}-antennas-32", n_antennas_sub6=32, n_beams=n) for n in (16, 32, 128, 256)),
    SameBandBeamTask("partial-beam-8"),
    SameBandBeamTask("partial-beam-8-0db", snr_db=0.0),
    SameBandBeamTask("probed-beams-8", kind="beam-probed", snr_db=10.0),
    SameBandBeamTask("full-beam-32", n_observed=32),
    LocalisationTask(),
    LocalisationTask("localisation-narrow", ofdm=NARROW_BAND),
    LocalisationTask("localisation-all-round", front_only=False),
    PathLossTask(),
    EstimationTask(),
    EstimationTask("denoise", observed_subcarriers=range(32)),
    EstimationTask("interpolate-subcarriers", snrs_db=(), kind="interpolation"),
    EstimationTask("interpolate-antennas", range(32), range(0, 32, 4), snrs_db=(), kind="interpolation"),
    EstimationTask("extrapolate-antennas", range(32), range(24), snrs_db=(), kind="interpolation"),
    PredictionTask("predict-time", along="time"),
    PredictionTask("predict-frequency", along="subcarrier"),
    # From recordings the user has.
    WifiLocationTask(),
    WifiLocationTask("wifi-location-day-out", split="day-out"),
    WifiLocationTask("wifi-location-random-leaky", split="random-leaky"),
    UwbLosTask(),
    UwbLosTask("uwb-los-random-leaky", split="random-leaky"),
)

TASKS: dict[str, Task] = {task.name: task for task in _ALL}

# What is usually evaluated together. ``channels`` is the standard set of static channels.
SUITES: dict[str, tuple[str, ...]] = {
    "quick": ("los", "beam-64-antennas-32", "beam-64-antennas-8"),
    "channels": (
        "los",
        "beam-64-antennas-32",
        "beam-64-antennas-8",
        "beam-64-antennas-4",
        "beam-64-antennas-32-10db",
        "partial-beam-8",
        "localisation",
        "path-loss-28ghz",
    ),
    "estimation": (
        "estimate-pilots",
        "denoise",
        "interpolate-subcarriers",
        "interpolate-antennas",
        "extrapolate-antennas",
    ),
    "prediction": ("predict-time", "predict-frequency"),
    "beams": tuple(f"beam-{n}-antennas-32" for n in (16, 32, 64, 128, 256)),
}


def get_task(name: str) -> Task:
    """A task of the registry by name."""
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    return TASKS[name]


__all__ = [
    "UwbLosTask",
    "WifiLocationTask",
    "CASES",
    "SUITES",
    "TASKS",
    "CrossBandBeamTask",
    "LocalisationTask",
    "EstimationTask",
    "LosTask",
    "PathLossTask",
    "PredictionTask",
    "Row",
    "SameBandBeamTask",
    "SitePaths",
    "SpatialBlocks",
    "Splitter",
    "Task",
    "TaskData",
    "TimeOrder",
    "Truth",
    "WholeGroups",
    "append_rows",
    "case_data",
    "get_task",
    "read_rows",
]
