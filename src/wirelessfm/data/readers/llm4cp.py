"""LLM4CP data sets: MATLAB files H_U_his_train.mat, H_U_pre_train.mat, H_D_pre_train.mat and the same for test.

Source: B. Liu et al., "LLM4CP", arXiv:2406.14440, and its release: one complex variable named like the file,
(velocity, sample, time, subcarrier, horizontal antenna, vertical antenna, polarisation).
"""

from __future__ import annotations

import os

from wirelessfm.csi import CSI
from wirelessfm.data.card import Card
from wirelessfm.data.card_values import read_with_card

LLM4CP = Card(
    axes=("sample", "sample", "time", "subcarrier", "antenna", "antenna", "antenna"),
    carrier_hz=2.4e9,
    subcarrier_spacing_hz=17.28e6 / 96,
    time_step_s=0.5e-3,
    sample_labels=("speed_index", "drop"),
    groups=("speed_index",),
    source="LLM4CP data set (QuaDRiGa UMa NLOS)",
)


def llm4cp_card(path: str | os.PathLike[str], array: str | None = None) -> Card:
    """The card :func:`read_llm4cp` reads with."""
    return LLM4CP.model_copy(update={"array": array})


def read_llm4cp(path: str | os.PathLike[str], array: str | None = None) -> CSI:
    """Read CSI [sample, time, subcarrier, antenna] with the labels ``speed_index`` and ``drop``.

    Velocity and sample are merged into ``sample`` (velocity slowest), the two panel axes and the polarisation into
    ``antenna`` (horizontal slowest). ``speed_index`` counts velocities, 10.1 to 100 km/h in steps of 0.1 in the
    training files, 10 to 100 in steps of 10 in the test files; ``drop`` counts the samples of one velocity. A file
    holds 48 of the 96 subcarriers, here centred on 2.4 GHz: uplink is really the lower and downlink the upper half.

    Raises:
        WirelessFMError: missing or damaged file, no such variable, not seven dimensions, not complex.
    """
    return read_with_card(path, llm4cp_card(path, array))
