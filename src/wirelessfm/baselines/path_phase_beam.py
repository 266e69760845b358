"""The bound of cross-band beams that knows the phases of paths, too: they turn on to the other carrier by their delays.

A bound for simulation only: 24.5 GHz away a picosecond is 9°, and no measurement knows delays like that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from wirelessfm.baselines.system import System
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths
from wirelessfm.signal import OFDM, PlanarArray, beam_powers, channel_response, dft_codebook

_BATCH = 2048


def path_phase_system(paths: Sequence[Paths], n_antennas: int) -> System:
    """What could be said of the other carrier by knowing every path at this one exactly.

    What is left to get wrong is how reflections differ between the carriers. The other one is that of
    ``csi.asked_at``.

    Args:
        paths: of the users of the task, in its order, at the carrier of the inputs.
        n_antennas: of the array that sweeps at the other carrier.

    Raises (when run):
        WirelessFMError: another number of samples than users, CSI that does not say at which carrier.
    """
    run = partial(_run, tuple(paths), n_antennas)
    return System("path-phase-genie", "rule", run, ("beam",), ("class",), notes={"genie": True})


def _run(paths: Sequence[Paths], n_antennas: int, csi: CSI, n_classes: int) -> Tensor:
    """Beam powers relative to the mean, float32 [sample, beam]."""
    if sum(map(len, paths)) != len(csi):
        raise WirelessFMError(f"the true paths are known for {sum(map(len, paths))} users, found {len(csi)} samples")
    if csi.target_carrier_hz is None:
        raise WirelessFMError("the true phases need the carrier of the answer; use csi.asked_at(carrier_hz)")
    parts = [part[i : i + _BATCH] for part in paths for i in range(0, len(part), _BATCH)]
    codebook = dft_codebook(n_antennas, n_classes).to(torch.complex128)
    powers = torch.cat([_powers(part, n_antennas, codebook, csi.target_carrier_hz) for part in parts])
    return (powers / powers.mean(dim=1, keepdim=True).clamp_min(1e-300)).float()


def _powers(paths: Paths, n_antennas: int, codebook: Tensor, carrier_hz: float) -> Tensor:
    turns = ((carrier_hz - paths.meta.carrier_hz) * paths.delay_s.double()).remainder(1)
    turned = paths.gain * torch.polar(torch.ones_like(turns), -2 * math.pi * turns)
    there = replace(paths, gain=turned.to(torch.complex64))
    channel = channel_response(there, PlanarArray(n_antennas), OFDM(1, 1.0))[:, 0, 0]
    return beam_powers(channel.to(torch.complex128), codebook)
