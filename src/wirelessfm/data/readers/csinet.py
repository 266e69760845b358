"""CsiNet / COST 2100 files: DATA_Htrainin.mat, DATA_Htestout.mat, ... with ``HT`` (N, 2048) in [0, 1].

Source: C.-K. Wen, W.-T. Shih, S. Jin, "Deep Learning for Massive MIMO CSI Feedback", arXiv:1712.08919: angle-delay
images of 32 angles and the first 32 of 1024 delays, real and imaginary plane, scaled to [0, 1] with zero at 0.5.
"""

from __future__ import annotations

import os

from wirelessfm.csi import CSI
from wirelessfm.data.card import Card
from wirelessfm.data.card_values import read_with_card

CSINET = Card(
    array="HT",
    shape=(-1, 2, 32, 32),
    axes=("sample", "re_im", "antenna", "subcarrier"),
    centre=0.5,
    domain="angle-delay",
    source="COST 2100 (CsiNet data set)",
)


def csinet_card(path: str | os.PathLike[str], outdoor: bool | None = None) -> Card:
    """The card :func:`read_csinet` reads with."""
    stem = os.fspath(path).removesuffix(".mat").removesuffix("_all")
    if outdoor is None and stem.endswith(("in", "out")):
        outdoor = stem.endswith("out")
    carrier_hz = None if outdoor is None else (300e6 if outdoor else 5.3e9)
    return CSINET.model_copy(update={"carrier_hz": carrier_hz})


def read_csinet(path: str | os.PathLike[str], outdoor: bool | None = None) -> CSI:
    """Read CSI [sample, antenna, subcarrier] in the angle-delay domain (``meta.extra["domain"]`` says so).

    The 0.5 is taken off: NMSE must be computed on centred values. Along ``antenna`` are 32 angles, along
    ``subcarrier`` 32 delays; zero-padding the delays to 257 and an FFT give the frequency response the paper's
    rho is computed on.

    Args:
        path: the ``.mat`` file.
        outdoor: True rural 300 MHz, False picocell 5.3 GHz; None goes by the ``out``/``in`` ending of the name.

    Raises:
        WirelessFMError: missing or damaged file, no ``HT``, rows that are not 2048 numbers.
    """
    return read_with_card(path, csinet_card(path, outdoor))
