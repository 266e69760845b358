"""Zero-label rule for beams: whatever the best beam is at this carrier, use it at the other."""

from __future__ import annotations

from torch import Tensor

from wirelessfm.baselines.raw import log_power
from wirelessfm.csi import CSI
from wirelessfm.signal import beam_powers, dft_codebook


def best_same_sweep_beam(csi: CSI, n_classes: int) -> Tensor:
    """Beam powers of the same sweep with the antennas there are, relative to the mean: float32 [sample, beam].

    Right where both bands share the dominant path. Ali, González-Prelcic and Heath 2018 use the same congruence.
    """
    values = csi.tensor("sample antenna subcarrier")
    # Dividing first keeps squares of weak channels off the edge of float32.
    scaled = values / 10 ** (log_power(values)[..., None] / 20)
    return beam_powers(scaled, dft_codebook(values.shape[1], n_classes))
