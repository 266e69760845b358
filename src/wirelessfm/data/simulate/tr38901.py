"""Users of one sector in the layouts of 3GPP TR 38.901 V19.2: street canyon, urban and rural macro, indoor office.

Every sample is a user of its own drop: position, speed, large-scale parameters and rays are independent of the
other samples. Within a sample the rays keep their angles, delays and powers and turn by their Doppler shifts
(TR 38.901, 7.5), which holds for as long as the user moves no more than a few metres. There is no wall or
car around a user, except that those of ``inh`` are in the hall of the base station. The first path arrives at delay 0.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.data.simulate.channel_request import SimulationRequest
from wirelessfm.data.simulate.drop import Sector, draw_motion, draw_positions
from wirelessfm.data.simulate.responses import to_csi
from wirelessfm.data.simulate.sionna_phy import antenna_order, load_tr38901, panel, seeded_from, user_antenna

# Heights and least distances of TR 38.901, Tables 7.2-1 to 7.2-3; half the inter-site distance (rural: 1732 m;
# office: half the width of its hall) as the radius.
SECTORS = {
    "umi": Sector(10.0, 1.5, 10.0, 100.0),
    "uma": Sector(25.0, 1.5, 35.0, 250.0),
    "rma": Sector(35.0, 1.5, 35.0, 866.0),
    "inh": Sector(3.0, 1.0, 1.0, 25.0),
}


def simulate_layout(request: SimulationRequest, n: int, seed: int, device: str) -> CSI:
    """``n`` users of a layout.

    Returns:
        CSI (sample, time, antenna, subcarrier), complex64. With ``path_loss`` |h|² is the channel gain between the
        antenna ports (free space would be (λ/4πd)²), without it 1 on average for omnidirectional elements.
        Labels ``los`` (1 or 0), ``speed_m_per_s``, ``position_m`` (of the user; the base station is at
        (0, 0, its height)), ``delay_spread_s``.

    Raises:
        WirelessFMError: Sionna PHY is not installed.
    """
    tr38901 = load_tr38901()
    generator = torch.Generator().manual_seed(seed)
    position_m = draw_positions(SECTORS[request.scenario], n, generator)
    speed, velocity = draw_motion(request, n, generator)
    with seeded_from(generator, device):
        bs_array = panel(request, device)
        scenario = _scenario(request, bs_array, device)
        channel = tr38901.SystemLevelChannel(scenario, precision="single", device=device)
        channel.set_topology(**_topology(request, position_m, velocity, device))
        gains, delay_s = channel(request.n_times, 1 / request.interval_s)
    labels = {
        "los": scenario.los.reshape(n).to("cpu", torch.int8),
        "speed_m_per_s": speed,
        "position_m": position_m,
    }
    ordered = gains[:, 0, 0, 0][:, antenna_order(bs_array, request).to(device)]
    return to_csi(request, ordered, delay_s[:, 0, 0], labels)


def _scenario(request: SimulationRequest, bs_array: Any, device: str) -> Any:
    tr38901 = load_tr38901()
    common = {
        "carrier_frequency": request.carrier_hz,
        "ut_array": user_antenna(request, device),
        "bs_array": bs_array,
        "direction": "downlink",
        "enable_pathloss": request.path_loss,
        "enable_shadow_fading": request.path_loss,
        "precision": "single",
        "device": device,
    }
    if request.scenario == "rma":
        return tr38901.RMaScenario(**common)
    if request.scenario == "inh":
        return tr38901.InHScenario(indoor_scenario="open", **common)
    kind = {"umi": tr38901.UMiScenario, "uma": tr38901.UMaScenario}[request.scenario]
    return kind(o2i_model="low", **common)


def _topology(request: SimulationRequest, position_m: Tensor, velocity: Tensor, device: str) -> dict[str, Any]:
    n = len(position_m)
    bs_position = torch.tensor([0.0, 0.0, SECTORS[request.scenario].bs_height_m])
    topology = {
        "ut_loc": position_m[:, None],
        "bs_loc": bs_position.expand(n, 1, 3),
        "ut_orientations": torch.zeros(n, 1, 3),
        "bs_orientations": torch.zeros(n, 1, 3),
        "ut_velocities": velocity[:, None],
        "in_state": torch.full((n, 1), request.scenario == "inh"),
    }
    if request.scenario == "rma":
        topology["in_car"] = torch.zeros(n, 1, dtype=torch.bool)
    moved = {name: value.to(device) for name, value in topology.items()}
    return {**moved, "los": "random" if request.los is None else request.los}
