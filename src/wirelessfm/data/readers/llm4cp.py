"""LLM4CP data sets: MATLAB files H_U_his_train.mat, H_U_pre_train.mat, H_D_pre_train.mat and the same for test.

Source: B. Liu et al., "LLM4CP", arXiv:2406.14440, and its release: one complex variable named like the file,
(velocity, sample, time, subcarrier, horizontal antenna, vertical antenna, polarisation).
"""

from __future__ import annotations

import os

import torch

from wirelessfm.csi import CSI
from wirelessfm.data.arrayfiles import find_array
from wirelessfm.data.card import Card, read_with_card

LLM4CP = Card(
    axes=("sample", "sample", "time", "subcarrier", "antenna", "antenna", "antenna"),
    carrier_hz=2.4e9,
    subcarrier_spacing_hz=17.28e6 / 96,
    time_step_s=0.5e-3,
    source="LLM4CP data set (QuaDRiGa UMa NLOS)",
)


def read_llm4cp(path: str | os.PathLike[str], array: str | None = None) -> CSI:
    """Read CSI [sample, time, subcarrier, antenna] with the label ``speed_index``.

    Velocity and sample are merged into ``sample`` (velocity slowest), the two panel axes and the polarisation into
    ``antenna`` (horizontal slowest). ``speed_index`` counts velocities: 10.1 to 100 km/h in steps of 0.1 in the
    training files, 10 to 100 in steps of 10 in the test files; split by it. A file holds 48 of the 96 subcarriers,
    here centred on 2.4 GHz: uplink is really the lower and downlink the upper half.

    Raises:
        WirelessFMError: missing or damaged file, no such variable, not seven dimensions, not complex.
    """
    stored = find_array(path, array)
    csi = read_with_card(path, LLM4CP.model_copy(update={"array": stored.name}))
    speeds, per_speed = stored.shape[:2]
    return csi.with_labels(speed_index=torch.arange(speeds).repeat_interleave(per_speed))
