"""The five tasks of the challenge: what is given, what is asked.

After the five-task challenge built on LWM 1.1 (ITU, 2025): line of sight, 64 beams, interpolation, estimation and
localisation of the users of one area. Its hidden sets and pilot patterns are not public; those here are our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.signal import add_noise
from wirelessfm.tasks import CrossBandBeamTask, LosTask, SitePaths
from wirelessfm.tasks.localisation import relative_position_m

N_ANTENNAS, N_BEAMS, PILOT_STEP = 32, 64, 4
SNR_DB = (0.0, 20.0)


@dataclass(frozen=True)
class Question:
    """One of the five.

    Attributes:
        name: also of the arrays in every folder.
        inputs: folder of CSI it is answered from: ``channels``, ``interpolation`` or ``estimation``.
        output: ``class``, ``csi`` or ``value``.
        n_outputs: classes or numbers; 0 for csi.
    """

    name: str
    inputs: str
    output: str
    n_outputs: int


QUESTIONS = {
    question.name: question
    for question in (
        Question("los", "channels", "class", 2),
        Question("beam", "channels", "class", N_BEAMS),
        Question("interpolation", "interpolation", "csi", 0),
        Question("estimation", "estimation", "csi", 0),
        Question("localisation", "channels", "value", 2),
    )
}
INPUTS = ("channels", "interpolation", "estimation")


@dataclass(frozen=True)
class Users:
    """Everything about the users, before it is parted into public and private.

    ``channels`` complex64 [sample, antenna, subcarrier], noiseless; ``answers`` for los, beam (int64 [sample]) and
    localisation (float32 [sample, 2]); ``position_m`` in the scene, for the split; ``scenes`` by name.
    """

    channels: CSI
    answers: dict[str, Tensor]
    position_m: Tensor
    scenes: tuple[str, ...]


def collect_users(sites: Sequence[SitePaths]) -> Users:
    """The users connected at both carriers of every base station.

    Raises:
        WirelessFMError: no such user, or a base station without a millimetre-wave carrier.
    """
    los = LosTask(n_antennas=N_ANTENNAS).build(sites)
    beam = CrossBandBeamTask("beam", N_ANTENNAS, N_BEAMS).build(sites)
    places = [relative_position_m(site.connected().sub6) for site in sites]
    answers = {"los": los.truth.labels, "beam": beam.truth.labels, "localisation": torch.cat(places)}
    assert los.truth.position_m is not None
    return Users(los.inputs, answers, los.truth.position_m, los.scenes)


def interpolation_inputs(channels: CSI, generator: torch.Generator) -> CSI:
    """Without noise: every fourth subcarrier of a random half of the antennas, another half for every sample."""
    n, antennas, _ = channels.values.shape
    rank = torch.rand(n, antennas, generator=generator).argsort(dim=1)
    seen = (rank < antennas // 2)[:, :, None] & _pilots(channels)
    return _observed(channels, channels.values, seen, torch.zeros(n))


def estimation_inputs(channels: CSI, generator: torch.Generator) -> CSI:
    """With noise: every fourth subcarrier of all antennas, at an SNR drawn uniformly in dB for every sample."""
    n = len(channels)
    low, high = SNR_DB
    snr_db = low + (high - low) * torch.rand(n, generator=generator)
    power = channels.values.abs().square().mean(dim=(1, 2))
    noisy = add_noise(channels.values, snr_db, generator)
    return _observed(channels, noisy, _pilots(channels).expand(noisy.shape), power * 10 ** (-snr_db / 10))


def _pilots(channels: CSI) -> Tensor:
    return torch.arange(channels.size("subcarrier")) % PILOT_STEP == 0


def _observed(channels: CSI, values: Tensor, seen: Tensor, noise_power: Tensor) -> CSI:
    labels = {"observed": seen.contiguous(), "noise_power": noise_power}
    return replace(channels, values=torch.where(seen, values, torch.zeros_like(values)), labels=labels)
