"""Zero-label rule for path loss: free space loses 20·log10 of the ratio of carriers more."""

from __future__ import annotations

import math

from torch import Tensor

from wirelessfm.baselines.raw import log_power
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError


def path_loss_as_in_free_space(csi: CSI, n_outputs: int = 1, target_hz: float = 28e9) -> Tensor:
    """Loss at ``target_hz`` from the loss at the carrier of ``csi``, dB: float32 [sample, 1].

    Friis between isotropic antennas: every path of the same geometry loses 20·log10(target/carrier) more; what
    reflections and blockage lose depends little on the carrier in ray-traced cities. The power of ``csi`` must be
    physical, the mean over antennas and subcarriers standing for the mean over fading.

    Raises:
        WirelessFMError: CSI without a carrier, other than 1 output.
    """
    return more_at_db(csi, n_outputs, target_hz) - log_power(csi.tensor("sample antenna subcarrier"))


def more_at_db(csi: CSI, n_outputs: int, target_hz: float) -> float:
    """What free space loses more at ``target_hz`` than at the carrier of ``csi``.

    Raises:
        WirelessFMError: CSI without a carrier, other than 1 output.
    """
    if n_outputs != 1:
        raise WirelessFMError(f"the path-loss rule gives 1 value in dB, found {n_outputs} outputs")
    if csi.meta.carrier_hz is None:
        raise WirelessFMError("the path-loss rule needs the carrier; set CSIMeta.carrier_hz")
    return 20 * math.log10(target_hz / csi.meta.carrier_hz)
