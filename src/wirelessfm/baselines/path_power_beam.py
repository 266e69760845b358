"""The bound of cross-band beams: a sweep over the true directions and powers of the paths, which no receiver has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from wirelessfm.baselines.system import System
from wirelessfm.baselines.true_covariance import path_signatures
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths
from wirelessfm.signal import OFDM, PlanarArray, dft_codebook

_BATCH = 512


def path_power_system(paths: Sequence[Paths], n_antennas: int) -> System:
    """What could be said of the other carrier by knowing every path at this one but for its phase.

    The expected power of a beam is the sum over paths of their power times the gain of the beam in their direction.
    What is left to get wrong is interference, which differs from carrier to carrier, and reflection.

    Args:
        paths: of the users of the task, in its order, at the carrier of the inputs.
        n_antennas: of the array that sweeps at the other carrier.
    """
    run = partial(_run, tuple(paths), n_antennas)
    return System("path-power-genie", "rule", run, ("beam",), ("class",), notes={"genie": True})


def _run(paths: Sequence[Paths], n_antennas: int, csi: CSI, n_classes: int) -> Tensor:
    """Expected beam powers relative to the mean, float32 [sample, beam]."""
    n_users = sum(map(len, paths))
    if n_users != len(csi):
        raise WirelessFMError(f"the true paths are known for {n_users} users, found {len(csi)} samples")
    codebook = dft_codebook(n_antennas, n_classes).to(torch.complex128)
    parts = [part[i : i + _BATCH] for part in paths for i in range(0, len(part), _BATCH)]
    powers = []
    for part in parts:
        waves = path_signatures(part, PlanarArray(n_antennas), OFDM(1, 1.0)).to(torch.complex128)
        powers.append((codebook.conj() @ waves).abs().square().sum(dim=2))
    found = torch.cat(powers)
    return (found / found.mean(dim=1, keepdim=True).clamp_min(1e-300)).float()
