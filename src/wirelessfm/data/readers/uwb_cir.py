"""UWB channel impulse responses measured with Decawave DW1000 radios in an apartment.

Source: M. Kolakowski, J. Modelski, "Detection of Direct Path Component Absence in NLOS UWB Channel", MIKON 2018,
doi:10.23919/MIKON.2018.8405190; npz with ``cir`` int16 (measurement, 260 taps, re/im), channel 2.
"""

from __future__ import annotations

import os
from dataclasses import replace

import torch

from wirelessfm.csi import CSI
from wirelessfm.data.card import Card
from wirelessfm.data.card_values import read_with_card

TAP_S = 1.0 / (2 * 499.2e6)
# The window of every response begins this many taps before the first path.
FIRST_PATH_TAP = 20
_MEASURED = ("rx_level_dbm", "fp_level_dbm", "anchor_xy", "tag_xy")
UWB = Card(
    array="cir",
    axes=("sample", "subcarrier", "re_im"),
    carrier_hz=3993.6e6,
    unit="accumulator counts",
    labels={name: name for name in (*_MEASURED, "label", "file_id", "first_path", "preamble_count", "range_median_m")},
    groups=("file_id",),
    licence="CC BY 4.0",
    source="uwb-cirs-2018 (DW1000 channel 2, apartment)",
)


def read_uwb_cir(path: str | os.PathLike[str]) -> CSI:
    """Read CSI [sample, subcarrier=260], the FFT of the 260 taps, centred on the carrier.

    An inverse FFT of ``ifftshift(values)`` along ``subcarrier`` gives the taps back; they are 1.0016 ns apart and
    begin 20 taps before the first path. ``label`` is a code into ``meta.extra["classes"]["label"]``: LOS, NLOS,
    or NDP NLOS (direct path not detectable). ``file_id`` is the position: split by it, never at random.

    Raises:
        WirelessFMError: missing or damaged file, or another layout.
    """
    taps = read_with_card(path, UWB)
    n = taps.size("subcarrier")
    response = torch.fft.fftshift(torch.fft.fft(taps.values, dim=-1), dim=-1)
    frequency = torch.fft.fftshift(torch.fft.fftfreq(n, TAP_S, dtype=torch.float64))
    return replace(taps, values=response, coords={"subcarrier": frequency})
