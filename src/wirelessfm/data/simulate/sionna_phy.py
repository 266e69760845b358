"""What the TR 38.901 simulators share: Sionna PHY with a seed of its own, and its arrays.

Sionna: Hoydis et al., "Sionna: An Open-Source Library for Next-Generation Physical Layer Research" (2022), and
https://nvlabs.github.io/sionna. The package sionna-no-rt is the part needed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from wirelessfm.data.simulate.channel_request import SimulationRequest
from wirelessfm.errors import missing_extra, unknown_name
from wirelessfm.paths import SPEED_OF_LIGHT_M_PER_S


def load_tr38901() -> ModuleType:
    """Sionna's module ``tr38901``.

    Raises:
        WirelessFMError: Sionna PHY is not installed.
    """
    try:
        # Sionna seeds torch's own generator when it is imported; the caller's random numbers shall not change.
        with torch.random.fork_rng():
            from sionna.phy.channel import tr38901
    except ImportError as error:
        raise missing_extra("sionna-no-rt", "phy") from error
    return tr38901


@contextmanager
def seeded_from(generator: torch.Generator, device: str) -> Iterator[None]:
    """Let Sionna draw from a seed that ``generator`` gives; its own generator is put back afterwards.

    Raises:
        WirelessFMError: no such device.
    """
    load_tr38901()
    from sionna.phy import config

    if device not in config.available_devices:
        raise unknown_name("device", device, config.available_devices)
    # Not config.seed, which would seed torch's own generators too.
    sionna = config.torch_rng(device)
    before = sionna.get_state()
    sionna.manual_seed(int(torch.randint(2**62, (), generator=generator)))
    try:
        yield
    finally:
        sionna.set_state(before)


def panel(request: SimulationRequest, device: str) -> Any:
    """The base station's array for Sionna, at half a wavelength."""
    return _array(request, request.n_vertical, request.n_horizontal, request.element_pattern, device)


def user_antenna(request: SimulationRequest, device: str) -> Any:
    """The user's single omnidirectional antenna."""
    return _array(request, 1, 1, "omni", device)


def _array(request: SimulationRequest, rows: int, columns: int, pattern: str, device: str) -> Any:
    return load_tr38901().PanelArray(
        rows,
        columns,
        polarization="single",
        polarization_type="V",
        antenna_pattern=pattern,
        carrier_frequency=request.carrier_hz,
        precision="single",
        device=device,
    )


def antenna_order(bs_array: Any, request: SimulationRequest) -> Tensor:
    """Index into Sionna's antennas (columns first, from the top) for each of ours (rows first, from below)."""
    wavelength_m = SPEED_OF_LIGHT_M_PER_S / request.carrier_hz
    theirs = bs_array.ant_pos.cpu().double() / wavelength_m
    return torch.cdist(request.array.positions_wavelengths().double(), theirs).argmin(dim=1)
