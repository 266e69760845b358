"""Downstream tasks: frozen specifications, and the result row."""

from wirelessfm.errors import unknown_name
from wirelessfm.tasks.base import Task, TaskData
from wirelessfm.tasks.crossband_beam import CrossBandBeamTask
from wirelessfm.tasks.los import LosTask
from wirelessfm.tasks.prediction import PredictionTask
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
        PredictionTask("predict-time", along="time"),
        PredictionTask("predict-frequency", along="subcarrier"),
    )
}


def get_task(name: str) -> Task:
    """A task of the registry by name."""
    if name not in TASKS:
        raise unknown_name("task", name, TASKS)
    return TASKS[name]


__all__ = [
    "TASKS",
    "CrossBandBeamTask",
    "LosTask",
    "PredictionTask",
    "Row",
    "SitePaths",
    "SpatialBlocks",
    "Splitter",
    "Task",
    "TaskData",
    "TimeOrder",
    "Truth",
    "WholeGroups",
    "append_rows",
    "get_task",
    "read_rows",
]
