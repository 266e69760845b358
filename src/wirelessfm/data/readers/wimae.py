"""WiMAE / ContraWiMAE channel files: npz with ``channels`` (N, 1, rows, columns).

Source: B. Guler, G. Geraci, H. Jafarkhani, arXiv:2505.09160, and its release.
"""

from __future__ import annotations

import os

from wirelessfm.csi import CSI
from wirelessfm.data.card import Card
from wirelessfm.data.card_values import read_with_card
from wirelessfm.errors import unknown_name

ROWS_ANTENNA = Card(array="channels", axes=("sample", "rx", "antenna", "subcarrier"), source="WiMAE channels npz")
_BY_ROWS = {
    "antenna": ROWS_ANTENNA,
    "subcarrier": ROWS_ANTENNA.model_copy(update={"axes": ("sample", "rx", "subcarrier", "antenna")}),
}


def wimae_card(path: str | os.PathLike[str], rows: str = "antenna") -> Card:
    """The card :func:`read_wimae` reads with."""
    if rows not in _BY_ROWS:
        raise unknown_name("meaning of the rows", rows, _BY_ROWS)
    return _BY_ROWS[rows]


def read_wimae(path: str | os.PathLike[str], rows: str = "antenna") -> CSI:
    """Read ``channels`` as CSI [sample, rx, antenna, subcarrier].

    The release stores (antenna, subcarrier) but its comments call the row axis subcarriers; say
    ``rows="subcarrier"`` for files made the other way round. The numbers are as stored: the published ones come
    multiplied by 1e6.

    Raises:
        WirelessFMError: missing or damaged file, no ``channels``, not four dimensions, not complex.
    """
    return read_with_card(path, wimae_card(path, rows))
