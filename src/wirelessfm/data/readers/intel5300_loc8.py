"""Indoor fingerprints measured with Intel 5300 cards at 8 places over months (PolyU).

Source: J. M. Rocamora Reyes, I. W.-H. Ho, M.-W. Mak, Expert Systems with Applications 2024,
doi:10.1016/j.eswa.2024.125802; npz with ``csi`` int8 (packet, subcarrier, rx, tx, re/im).
"""

from __future__ import annotations

import os

from wirelessfm.csi import CSI
from wirelessfm.data.card import Card
from wirelessfm.data.card_values import read_with_card

LOC8 = Card(
    array="csi",
    axes=("sample", "subcarrier", "rx", "antenna", "re_im"),
    unit="card counts, gain control not undone",
    labels={
        "location": "loc",
        "day": "day",
        "period": "period",
        "timestamp_us": "timestamp_us",
        "rssi_abc_noise_agc": "rssi_abc_noise_agc",
    },
    groups=("day", "period"),
    licence="MIT",
    source="PolyU CSI_IPS_2020-21 (Intel 5300)",
)


def intel5300_loc8_card(path: str | os.PathLike[str]) -> Card:
    """The card :func:`read_intel5300_loc8` reads with."""
    return LOC8


def read_intel5300_loc8(path: str | os.PathLike[str]) -> CSI:
    """Read CSI [sample, subcarrier=30, rx=3, antenna=2] with labels location (1 to 8), day, period.

    Split by ``day``, never at random: packets of one day look alike. The transmitter's antennas are ``antenna``.
    The file does not say carrier or bandwidth, so there are no subcarrier coordinates.

    Raises:
        WirelessFMError: missing or damaged file, or another layout.
    """
    return read_with_card(path, intel5300_loc8_card(path))
