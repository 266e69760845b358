"""From a request to CSI, in memory or streamed to a folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from wirelessfm.arraystore import read_card
from wirelessfm.csi import CSI, concatenate_csi
from wirelessfm.csi_files import KIND
from wirelessfm.data.csi_writer import CsiWriter
from wirelessfm.data.simulate.cdl_tdl import simulate_profile
from wirelessfm.data.simulate.channel_request import LAYOUTS, PROFILES, WIFI, SimulationRequest
from wirelessfm.data.simulate.indoor import simulate_wifi
from wirelessfm.data.simulate.responses import describe
from wirelessfm.data.simulate.tr38901 import simulate_layout
from wirelessfm.errors import WirelessFMError

SIMULATORS: dict[str, Callable[[SimulationRequest, int, int, str], CSI]] = {
    **dict.fromkeys(LAYOUTS, simulate_layout),
    **dict.fromkeys(PROFILES, simulate_profile),
    **dict.fromkeys(WIFI, simulate_wifi),
}

# Drawn together from one seed whatever the number of samples asked for, so that fewer are the first of more.
BLOCK_SAMPLES = 50


def simulate(request: SimulationRequest, device: str = "cpu", progress: bool = False) -> CSI:
    """Time-evolving CSI of independent users, in memory.

    Returns:
        CSI (sample, time, antenna, subcarrier), complex64 on the CPU, with coordinates; labels ``los``,
        ``speed_m_per_s``, ``delay_spread_s`` and, except for profiles, ``position_m``. The physics is in
        :mod:`~wirelessfm.data.simulate.tr38901`, :mod:`~wirelessfm.data.simulate.cdl_tdl` and
        :mod:`~wirelessfm.data.simulate.indoor`.

    Raises:
        WirelessFMError: the simulator (extra ``phy`` or, for Wi-Fi, ``indoor``) is not installed.
    """
    blocks = tqdm(range(_n_blocks(request)), desc=request.scenario, unit="block", disable=not progress)
    return concatenate_csi([simulate_block(request, number, device) for number in blocks])


def simulate_to(
    request: SimulationRequest, folder: str | os.PathLike[str], device: str = "cpu", progress: bool = True
) -> Path:
    """As :func:`simulate`, into a CSI folder, a block of users at a time.

    An interrupted call goes on where it stopped; a folder made by the same request is left as it is.

    Raises:
        WirelessFMError: the folder holds something else, or the simulator is not installed.
    """
    folder, meta = Path(folder), describe(request)
    if folder.exists():
        if read_card(folder, KIND)["meta"]["extra"] != meta.extra:
            raise WirelessFMError(f"'{folder}' was made by another request; choose another name or remove it")
        return folder
    writer = CsiWriter(folder, meta)
    with tqdm(total=request.n_samples, initial=writer.n_samples, desc=folder.name, disable=not progress) as bar:
        for number in range(writer.n_parts, _n_blocks(request)):
            block = simulate_block(request, number, device)
            writer.append(block)
            bar.update(len(block))
    writer.finish()
    return folder


def _n_blocks(request: SimulationRequest) -> int:
    return -(-request.n_samples // BLOCK_SAMPLES)


def simulate_block(request: SimulationRequest, number: int, device: str = "cpu") -> CSI:
    """Block ``number`` of a request: up to BLOCK_SAMPLES samples."""
    seed = int(np.random.SeedSequence([request.seed, number]).generate_state(1, np.uint64)[0])
    csi = SIMULATORS[request.scenario](request, BLOCK_SAMPLES, seed, device)
    return csi[: request.n_samples - number * BLOCK_SAMPLES]
