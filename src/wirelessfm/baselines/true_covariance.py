"""The bound: linear minimum mean squared error with the true covariance of every user, which no receiver has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from wirelessfm.baselines.observed import observed_part
from wirelessfm.baselines.system import System
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import LOS, NO_PATH, Paths
from wirelessfm.signal import OFDM, PlanarArray, channel_response

_BATCH = 256
# Noise of the noiseless, relative to the signal: rounding of float32.
_LEAST_NOISE = 1e-12


def true_covariance_system(paths: Sequence[Paths], array: PlanarArray, ofdm: OFDM) -> System:
    """A line of the table that is a bound and not a competitor: it knows delays, angles and powers of every user.

    Args:
        paths: behind the samples of the task, in their order.
        array, ofdm: what the task synthesises them with.

    Raises (when run):
        WirelessFMError: another number of samples than users.
    """
    return System(
        "lmmse-genie", "rule", partial(_run, tuple(paths), array, ofdm), outputs=("csi",), notes={"genie": True}
    )


def _run(paths: Sequence[Paths], array: PlanarArray, ofdm: OFDM, csi: CSI, n_outputs: int = 0) -> Tensor:
    parts = [part[i : i + _BATCH] for part in paths for i in range(0, len(part), _BATCH)]
    if sum(map(len, parts)) != len(csi):
        raise WirelessFMError(
            f"the true covariance is known for {sum(map(len, parts))} users, found {len(csi)} samples; give the paths "
            "the task was built from, in their order"
        )
    found, start = [], 0
    for part in parts:
        here = csi[start : start + len(part)]
        found.append(low_rank_lmmse(here, path_signatures(part, array, ofdm)))
        start += len(part)
    return torch.cat(found)


def path_signatures(paths: Paths, array: PlanarArray, ofdm: OFDM) -> Tensor:
    """What each path adds to the channel: complex64 [user, antenna · subcarrier, path]; their sum is the channel.

    With phases of the paths that are random and independent, A·Aᴴ is the covariance of the channel.
    """
    n, width = paths.gain.shape
    single = {name: value.reshape(n * width, 1) for name, value in paths.tensors().items() if value.shape == (n, width)}
    exists = paths.path_mask().flatten()
    alone = replace(
        paths,
        **single,
        position_m=paths.position_m.repeat_interleave(width, dim=0),
        los=torch.where(exists, LOS, NO_PATH).to(paths.los.dtype),
        n_paths=exists.long(),
    )
    return channel_response(alone, array, ofdm).reshape(n, width, -1).transpose(1, 2)


def low_rank_lmmse(csi: CSI, signatures: Tensor) -> Tensor:
    """Ĥ = A (A_oᴴA_o + σ²I)⁻¹ A_oᴴ y, the LMMSE estimate for the covariance A·Aᴴ, through systems of one row a path.

    Args:
        csi: with labels ``observed`` and ``noise_power``.
        signatures: A, complex [sample, antenna · subcarrier, path].

    Returns:
        complex64 [sample, antenna, subcarrier].
    """
    seen = observed_part(csi)
    # At the scale of the observation, where double precision has room for squares of weak channels.
    waves = signatures.to(torch.complex128) / seen.scale
    part = waves[:, seen.flat]
    strongest = part.abs().square().sum(dim=1).amax(dim=1).clamp(min=1e-30)
    noise = torch.maximum(seen.noise.double(), _LEAST_NOISE * strongest)
    gram = part.mH @ part + torch.diag_embed(noise[:, None].expand(-1, part.shape[2])).to(part.dtype)
    amounts = torch.linalg.solve(gram, part.mH @ seen.values.flatten(1)[..., None].to(part.dtype))
    return (waves @ amounts).reshape(-1, *seen.shape).to(torch.complex64) * seen.scale
