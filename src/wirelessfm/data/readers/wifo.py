"""WiFo data sets: MATLAB v7.3 (or older) files with one complex variable X_train, X_val or X_test.

Source: B. Liu et al., "WiFo: Wireless Foundation Model for Channel Prediction", arXiv:2412.08908, and its release:
(sample, time, antenna, subcarrier) in MATLAB, therefore (subcarrier, antenna, time, sample) in the HDF5 file.
"""

from __future__ import annotations

import os

from wirelessfm.csi import CSI
from wirelessfm.data.card import Card, make_card
from wirelessfm.data.card_values import read_with_card

WIFO = Card(axes=("sample", "time", "antenna", "subcarrier"), source="WiFo data set (QuaDRiGa)")


def wifo_card(
    path: str | os.PathLike[str],
    array: str | None = None,
    carrier_hz: float | None = None,
    subcarrier_spacing_hz: float | None = None,
    time_step_s: float | None = None,
) -> Card:
    """The card :func:`read_wifo` reads with."""
    told = {
        "array": array,
        "carrier_hz": carrier_hz,
        "subcarrier_spacing_hz": subcarrier_spacing_hz,
        "time_step_s": time_step_s,
    }
    return make_card({**WIFO.model_dump(), **told}, str(path))


def read_wifo(
    path: str | os.PathLike[str],
    array: str | None = None,
    carrier_hz: float | None = None,
    subcarrier_spacing_hz: float | None = None,
    time_step_s: float | None = None,
) -> CSI:
    """Read CSI [sample, time, antenna, subcarrier].

    Args:
        path: the ``.mat`` file.
        array: variable name; None takes the largest (the release names it ``X_val`` whatever the file is called).
        carrier_hz, subcarrier_spacing_hz, time_step_s: not in the file; D1 to D19 are tabulated in the paper.

    Raises:
        WirelessFMError: missing or damaged file, no such variable, not four dimensions, not complex.
    """
    return read_with_card(path, wifo_card(path, array, carrier_hz, subcarrier_spacing_hz, time_step_s))
