"""Downstream tasks: frozen specifications, and the result row."""

from wirelessfm.errors import unknown_name
from wirelessfm.tasks.base import Task, TaskData
from wirelessfm.tasks.cases import CASES, case_data
from wirelessfm.tasks.crossband_beam import CrossBandBeamTask
from wirelessfm.tasks.los import LosTask
from wirelessfm.tasks.measured_uwb import UwbLosTask
from wirelessfm.tasks.measured_wifi import WifiLocationTask
from wirelessfm.tasks.row import Row, append_rows, read_rows
from wirelessfm.tasks.sites import SitePaths
from wirelessfm.tasks.splitters import SpatialBlocks, Splitter, TimeOrder, WholeGroups
from wirelessfm.tasks.truth import Truth

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        LosTask(),
        CrossBandBeamTask("beam-64-antennas-32", n_antennas_sub6=32),
        CrossBandBeamTask("beam-64-antennas-8", n_antennas_sub6=8),
    )
}
# Built from a recording the user has, not from cities.
MEASURED: dict[str, Task] = {
    task.name: task
    for task in (
        WifiLocationTask(),
        WifiLocationTask("wifi-location-day-out", split="day-out"),
        WifiLocationTask("wifi-location-random-leaky", split="random-leaky"),
        UwbLosTask(),
        UwbLosTask("uwb-los-random-leaky", split="random-leaky"),
    )
}


def get_task(name: str) -> Task:
    """A task of either registry by name."""
    known = TASKS | MEASURED
    if name not in known:
        raise unknown_name("task", name, known)
    return known[name]


__all__ = [
    "MEASURED",
    "CASES",
    "TASKS",
    "CrossBandBeamTask",
    "LosTask",
    "Row",
    "SitePaths",
    "SpatialBlocks",
    "Splitter",
    "Task",
    "TaskData",
    "TimeOrder",
    "Truth",
    "UwbLosTask",
    "WholeGroups",
    "WifiLocationTask",
    "append_rows",
    "case_data",
    "get_task",
    "read_rows",
]
