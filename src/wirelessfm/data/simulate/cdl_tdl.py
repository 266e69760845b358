"""The link-level profiles of 3GPP TR 38.901: clustered (CDL-A to E, 7.7.1) and tapped delay lines (TDL-A to E, 7.7.2).

A CDL has fixed cluster angles, delays and powers; ray phases, couplings and the user's motion are drawn per
sample. A TDL has no directions: its antennas fade independently (only a LoS component is common to all), each tap
with the classical Doppler spectrum. Mean power is 1 for omnidirectional elements.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.data.simulate.channel_request import LOS_PROFILES, NOMINAL_DELAY_SPREAD_S, SimulationRequest
from wirelessfm.data.simulate.drop import draw_motion
from wirelessfm.data.simulate.responses import to_csi
from wirelessfm.data.simulate.sionna_phy import antenna_order, load_tr38901, panel, seeded_from, user_antenna


def simulate_profile(request: SimulationRequest, n: int, seed: int, device: str) -> CSI:
    """``n`` users of a profile.

    Returns:
        CSI (sample, time, antenna, subcarrier), complex64; labels ``los`` (1 or 0), ``speed_m_per_s``,
        ``delay_spread_s``.

    Raises:
        WirelessFMError: Sionna PHY is not installed.
    """
    generator = torch.Generator().manual_seed(seed)
    speed, velocity = draw_motion(request, n, generator)
    with seeded_from(generator, device):
        if request.scenario.startswith("cdl"):
            bs_array = panel(request, device)
            channel = _cdl(request, bs_array, velocity, device)
            order = antenna_order(bs_array, request).to(device)
        else:
            channel = _tdl(request, speed, device)
            order = torch.arange(request.array.size, device=device)
        gains, delay_s = channel(n, request.n_times, 1 / request.interval_s)
    los = torch.full((n,), int(request.scenario in LOS_PROFILES), dtype=torch.int8)
    return to_csi(request, gains[:, 0, 0, 0][:, order], delay_s[:, 0, 0], {"los": los, "speed_m_per_s": speed})


def _cdl(request: SimulationRequest, bs_array: Any, velocity: Tensor, device: str) -> Any:
    return load_tr38901().CDL(
        model=request.scenario[-1].upper(),
        delay_spread=request.delay_spread_s or NOMINAL_DELAY_SPREAD_S,
        carrier_frequency=request.carrier_hz,
        ut_array=user_antenna(request, device),
        bs_array=bs_array,
        direction="downlink",
        ut_velocity=velocity,
        precision="single",
        device=device,
    )


def _tdl(request: SimulationRequest, speed: Tensor, device: str) -> Any:
    return load_tr38901().TDL(
        model=request.scenario[-1].upper(),
        delay_spread=request.delay_spread_s or NOMINAL_DELAY_SPREAD_S,
        carrier_frequency=request.carrier_hz,
        # One speed per sample, in the shape in which Sionna draws them, so that each is known.
        min_speed=speed.reshape(-1, 1, 1, 1, 1, 1, 1, 1).tolist(),
        num_tx_ant=request.array.size,
        precision="single",
        device=device,
    )
