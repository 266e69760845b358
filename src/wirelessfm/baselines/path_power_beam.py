"""The bound of cross-band beams for who knows no phases: a sweep over the true directions and powers of the paths.

:mod:`.path_phase_beam` is that for who does. In noise directions are not to be had exactly with any number of labels;
:class:`DirectionNoise` says how exactly those of a single path are, which for several is an approximation, and no bound
on beams in the strict sense.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class DirectionNoise:
    """How well a linear array of half a wavelength can know a direction: the Cramér–Rao bound of a single path.

    The phase from antenna to antenna has the variance 6 / (SNR · K · N · (N² − 1)) or more with N antennas and K
    subcarriers, if the estimate is unbiased (D. Rife and R. Boorstyn, IEEE Trans. Inf. Theory 20(5), 1974, for K = 1).

    Attributes:
        n_antennas, n_subcarriers, snr_db: of what the receiver sees; the SNR is that of an entry.
        seed: of the errors, which are Gaussian; another realisation than that in the inputs, and as large.
    """

    n_antennas: int
    n_subcarriers: int
    snr_db: float
    seed: int = 0

    @property
    def deviation_rad(self) -> float:
        """Standard deviation of the phase from antenna to antenna, 0 without noise; no direction from one antenna."""
        if self.n_antennas < 2:
            return math.pi
        entries = self.n_subcarriers * self.n_antennas * (self.n_antennas**2 - 1)
        return min(math.pi, math.sqrt(6 / (10 ** (self.snr_db / 10) * entries)))


def path_power_system(paths: Sequence[Paths], n_antennas: int, noise: DirectionNoise | None = None) -> System:
    """What could be said of the other carrier by knowing every path at this one but for its phase.

    The expected power of a beam is the sum over paths of their power times the gain of the beam in their direction.
    What is left to get wrong is interference, which differs from carrier to carrier, and reflection.

    Args:
        paths: of the users of the task, in its order, at the carrier of the inputs.
        n_antennas: of the array that sweeps at the other carrier.
        noise: turns the world of each user by an error that noise would leave of a single path; None without noise.
            Then the name is another one.
    """
    run = partial(_run, tuple(paths), n_antennas, noise)
    name = "path-power-genie" if noise is None else "path-power-genie-in-noise"
    return System(name, "rule", run, ("beam",), ("class",), notes={"genie": True})


def _run(paths: Sequence[Paths], n_antennas: int, noise: DirectionNoise | None, csi: CSI, n_classes: int) -> Tensor:
    """Expected beam powers relative to the mean, float32 [sample, beam]."""
    n_users = sum(map(len, paths))
    if n_users != len(csi):
        raise WirelessFMError(f"the true paths are known for {n_users} users, found {len(csi)} samples")
    codebook = dft_codebook(n_antennas, n_classes).to(torch.complex128)
    parts = [part[i : i + _BATCH] for part in paths for i in range(0, len(part), _BATCH)]
    turns = _turns(n_users, n_antennas, noise).split([len(part) for part in parts])
    powers = []
    for part, turn in zip(parts, turns, strict=True):
        waves = path_signatures(part, PlanarArray(n_antennas), OFDM(1, 1.0)).to(torch.complex128)
        powers.append((codebook.conj() @ (turn[..., None] * waves)).abs().square().sum(dim=2))
    found = torch.cat(powers)
    return (found / found.mean(dim=1, keepdim=True).clamp_min(1e-300)).float()


def _turns(n_users: int, n_antennas: int, noise: DirectionNoise | None) -> Tensor:
    """One error of direction a user, as phases over the antennas: complex128 [user, antenna]."""
    errors = torch.zeros(n_users, dtype=torch.float64)
    if noise is not None:
        drawn = torch.randn(n_users, dtype=torch.float64, generator=torch.Generator().manual_seed(noise.seed))
        errors = noise.deviation_rad * drawn
    return torch.exp(1j * errors[:, None] * torch.arange(n_antennas))
