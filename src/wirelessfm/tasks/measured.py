"""What tasks on recordings share: one file the user supplies, and task data without positions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.tasks.base import Task, TaskData
from wirelessfm.tasks.splitters import Splitter
from wirelessfm.tasks.truth import Truth

Files = Sequence[str | os.PathLike[str]]


def the_recording(files: Files, task: str) -> Path:
    """The one npz file that ``files`` names, itself or as the only one of a folder.

    Raises:
        WirelessFMError: none, or more than one.
    """
    paths = [Path(file) for file in files]
    found = [p for path in paths for p in (sorted(path.glob("*.npz")) if path.is_dir() else [path])]
    found = [path for path in found if path.is_file()]
    if len(found) != 1:
        raise WirelessFMError(
            f"task '{task}' is built from one npz file, or a folder with one; found {len(found) or 'none'} in "
            f"{[str(p) for p in paths]}; 'wfm data list' says where to obtain the recording"
        )
    return found[0]


def measured_data(
    task: Task, csi: CSI, labels: Tensor, group: Tensor, splitter: Splitter, scene: str, notes: Mapping[str, object]
) -> TaskData:
    """Task data of one recording; labels of the file are taken off the inputs.

    Args:
        task: the specification.
        csi: [sample, antenna, subcarrier].
        labels: int64 [sample].
        group: int64 [sample], what a split keeps together.
        splitter: how to part the samples.
        scene: name of the place.
        notes: for the rows.
    """
    return TaskData(
        task=task,
        inputs=replace(csi, labels={}),
        truth=Truth(labels, None, torch.zeros(len(csi), dtype=torch.int64), group=group),
        scenes=(scene,),
        sites=(f"{scene}/receiver",),
        content=(repr(task), csi.fingerprint()),
        notes={**notes, "measured": True, "licence": csi.meta.licence},
        splitter=splitter,
    )
