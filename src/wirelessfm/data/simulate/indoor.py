"""IEEE 802.11 indoor channels A to F (TGn, IEEE 802.11-03/940r4; TGac, 11-09/0308r12) by quadriga-lib.

A station is in line of sight when it is closer than the breakpoint distance of its channel. Stations are drawn over
a 120° sector up to twice that distance. The library moves every station along its line of sight and adds the
moving people of the standard (1.2 km/h) and, in channels D and E, the flicker of fluorescent lamps.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from wirelessfm.csi import CSI
from wirelessfm.data.simulate.channel_request import SimulationRequest
from wirelessfm.data.simulate.drop import Sector, draw_motion, draw_positions
from wirelessfm.data.simulate.responses import to_csi
from wirelessfm.errors import missing_extra
from wirelessfm.paths import SPEED_OF_LIGHT_M_PER_S

BREAKPOINT_M = {"wifi-a": 5.0, "wifi-b": 5.0, "wifi-c": 5.0, "wifi-d": 10.0, "wifi-e": 20.0, "wifi-f": 30.0}
MIN_DISTANCE_M = 1.0


def load_quadriga() -> ModuleType:
    """The module ``quadriga_lib``.

    Raises:
        WirelessFMError: it is not installed.
    """
    try:
        return import_module("quadriga_lib")
    except ImportError as error:
        raise missing_extra("quadriga-lib", "indoor") from error


def simulate_wifi(request: SimulationRequest, n: int, seed: int, device: str) -> CSI:
    """``n`` stations of an access point whose array looks along x, all at one height.

    Returns:
        CSI (sample, time, antenna, subcarrier), complex64; |h|² is the channel gain between isotropic antennas,
        shadow fading included, and the first path arrives at delay 0. Labels ``los``, ``speed_m_per_s``,
        ``position_m`` (the access point is at the origin), ``delay_spread_s``.

    Raises:
        WirelessFMError: quadriga-lib is not installed.
    """
    generator = torch.Generator().manual_seed(seed)
    position_m = draw_positions(_sector(request), n, generator)
    speed, _ = draw_motion(request, n, generator)
    seeds = torch.randint(2**31 - 1, (n,), generator=generator)
    stations = [_station(request, p, float(v), int(s)) for p, v, s in zip(position_m, speed, seeds, strict=True)]
    # The number of paths differs between stations within and beyond the breakpoint.
    gains, delay_s = (pad_sequence(list(x), batch_first=True) for x in zip(*stations, strict=True))
    near = position_m.norm(dim=1) < BREAKPOINT_M[request.scenario]
    labels = {"los": near.to(torch.int8), "speed_m_per_s": speed, "position_m": position_m}
    return to_csi(request, gains.permute(0, 3, 1, 2).to(device), delay_s.to(device), labels)


def _sector(request: SimulationRequest) -> Sector:
    breakpoint_m = BREAKPOINT_M[request.scenario]
    nearest = breakpoint_m if request.los is False else MIN_DISTANCE_M
    return Sector(0.0, 0.0, nearest, breakpoint_m if request.los else 2 * breakpoint_m)


def _station(request: SimulationRequest, position_m: Tensor, speed: float, seed: int) -> tuple[Tensor, Tensor]:
    """Gains, complex64 [path, time, antenna], and delays, float64 [path]."""
    quadriga = load_quadriga()
    omni = quadriga.arrayant.generate("omni")
    user = quadriga.channel.get_ieee_indoor(
        _array(request, omni, position_m),
        omni,
        request.scenario[-1].upper(),
        request.carrier_hz,
        tap_spacing_s=_tap_spacing_s(request.ofdm.bandwidth_hz),
        # A quarter step more, because the library counts whole steps.
        observation_time=(request.n_times - 0.75) * request.interval_s if request.n_times > 1 else 0.0,
        update_rate=request.interval_s,
        speed_station_kmh=speed * 3.6,
        Dist_m=np.array([float(position_m.norm())]),
        seed=seed,
    )[0]
    gains = torch.from_numpy(np.asarray(user["coeff"])[:, 0]).to(torch.complex64)
    delay_s = np.asarray(user["delay"])[0, 0].mean(axis=0)
    return gains.permute(2, 0, 1), torch.from_numpy(delay_s - delay_s.min())


def _array(request: SimulationRequest, omni: dict, position_m: Tensor) -> dict:
    """The access point's array, turned so that a station on the x axis appears where ``position_m`` is."""
    yaw = -torch.atan2(position_m[1], position_m[0])
    element = request.array.positions_wavelengths() * (SPEED_OF_LIGHT_M_PER_S / request.carrier_hz)
    turned = torch.stack([-yaw.sin() * element[:, 1], yaw.cos() * element[:, 1], element[:, 2]])
    n = request.array.size
    fields = ("e_theta_re", "e_theta_im", "e_phi_re", "e_phi_im")
    return {
        **{name: np.repeat(omni[name], n, axis=2) for name in fields},
        "azimuth_grid": omni["azimuth_grid"],
        "elevation_grid": omni["elevation_grid"],
        "element_pos": turned.double().numpy(),
        "coupling_re": np.eye(n),
        "coupling_im": np.zeros((n, n)),
        "center_freq": request.carrier_hz,
    }


def _tap_spacing_s(bandwidth_hz: float) -> float:
    """Of TGac: 10 ns up to 40 MHz, halved with every doubling of the bandwidth (interpolated taps)."""
    return 10e-9 / 2 ** max(0, int(np.ceil(np.log2(bandwidth_hz / 40e6))))
