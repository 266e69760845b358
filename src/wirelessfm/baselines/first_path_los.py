"""Line of sight of wideband links without labels: how much of the power arrives first.

Source: Decawave, DW1000 User Manual, section 4.7: the difference between the received and the first-path power level
is below 6 dB in line of sight and above 10 dB without.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError

_THRESHOLD_DB = 6.0
_FIRST_TAPS = 3


def los_from_first_path(csi: CSI, n_classes: int = 2) -> Tensor:
    """Scores float32 [sample, 2]; the difference of the two is how far below the threshold the power ratio lies, in dB.

    Args:
        csi: [sample, subcarrier] and axes of length 1, the centred Fourier transform of taps, whose
            ``meta.extra["first_path_tap"]`` says where the first path is; it takes the power of three taps.
        n_classes: must be 2.

    Raises:
        WirelessFMError: another number of classes, or a first path that is not known.
    """
    tap = csi.meta.extra.get("first_path_tap")
    if n_classes != 2 or tap is None:
        raise WirelessFMError(
            f"the first-path rule knows 2 classes, found {n_classes}, and needs meta.extra['first_path_tap'], "
            f"found {tap}"
        )
    response = csi.tensor("sample subcarrier")
    power = torch.fft.ifft(torch.fft.ifftshift(response, dim=-1), dim=-1).abs().square()
    first = power[:, tap : tap + _FIRST_TAPS].sum(dim=1)
    below_db = 10 * torch.log10((power.sum(dim=1) / first.clamp(min=1e-30)).clamp(min=1e-30))
    margin = _THRESHOLD_DB - below_db
    return torch.stack([-margin, margin], dim=1) / 2
