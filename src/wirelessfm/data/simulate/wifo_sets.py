"""The nineteen data-set configurations of WiFo (Liu et al., Sci. China Inf. Sci. 68(6):162302, 2025, Table 2).

D1 to D16 are its pretraining sets, D17 to D19 its zero-shot sets; 12,000 samples each, split 9000/1000/2000.
Carrier, subcarriers, time grid, array (rows × columns), scenario, line of sight and speeds are the paper's. The
channels are not: the paper draws them with QuaDRiGa, here they are 3GPP TR 38.901 V19.2 by Sionna PHY, so that

- "Indoor" is the open office InH of TR 38.901, as in QuaDRiGa's 3GPP_38.901_Indoor, with a user within 25 m;
- a sample's rays keep their delays and angles while the user moves (QuaDRiGa lets them drift);
- users are drawn one by one over a 120° sector (the paper does not state its layout), outdoors, with omnidirectional
  vertical antennas and the gains in their natural scale: standardise as the paper does before training;
- noise (20 dB in the paper, in training and in evaluation) is not part of the data.

Numbers on these sets are therefore comparable with each other, not with the tables of the paper.
"""

from __future__ import annotations

from wirelessfm.data.simulate.channel_request import SimulationRequest


def _wifo(
    number: int,
    carrier_ghz: float,
    n_subcarriers: int,
    spacing_khz: float,
    n_times: int,
    interval_ms: float,
    array: tuple[int, int],
    scenario: str,
    los: bool,
    speed_km_per_h: tuple[float, float],
) -> SimulationRequest:
    return SimulationRequest(
        scenario=scenario,
        n_samples=12_000,
        carrier_hz=carrier_ghz * 1e9,
        n_subcarriers=n_subcarriers,
        subcarrier_spacing_hz=spacing_khz * 1e3,
        n_times=n_times,
        interval_s=interval_ms / 1e3,
        n_vertical=array[0],
        n_horizontal=array[1],
        min_speed_m_per_s=speed_km_per_h[0] / 3.6,
        max_speed_m_per_s=speed_km_per_h[1] / 3.6,
        los=los,
        seed=number,
    )


STREET, CAR, TRAIN, FOOT = (3, 50), (30, 100), (120, 300), (0, 10)

WIFO_SETS: dict[str, SimulationRequest] = {
    "D1": _wifo(1, 1.5, 128, 90, 24, 1, (1, 4), "umi", False, STREET),
    "D2": _wifo(2, 1.5, 128, 180, 24, 0.5, (2, 4), "rma", False, TRAIN),
    "D3": _wifo(3, 1.5, 64, 90, 16, 1, (1, 8), "inh", True, FOOT),
    "D4": _wifo(4, 1.5, 32, 180, 16, 0.5, (4, 8), "uma", True, CAR),
    "D5": _wifo(5, 2.5, 64, 180, 24, 0.5, (2, 2), "rma", False, TRAIN),
    "D6": _wifo(6, 2.5, 128, 90, 24, 1, (2, 4), "umi", True, STREET),
    "D7": _wifo(7, 2.5, 32, 360, 16, 0.5, (4, 8), "uma", True, CAR),
    "D8": _wifo(8, 2.5, 64, 90, 16, 1, (4, 4), "inh", False, FOOT),
    "D9": _wifo(9, 4.9, 128, 180, 24, 1, (1, 4), "umi", False, STREET),
    "D10": _wifo(10, 4.9, 64, 180, 24, 0.5, (2, 4), "rma", True, TRAIN),
    "D11": _wifo(11, 4.9, 64, 90, 16, 0.5, (4, 4), "uma", False, CAR),
    "D12": _wifo(12, 4.9, 32, 180, 16, 1, (4, 8), "inh", True, FOOT),
    "D13": _wifo(13, 5.9, 64, 90, 24, 0.5, (2, 8), "rma", True, TRAIN),
    "D14": _wifo(14, 5.9, 128, 180, 24, 1, (2, 4), "umi", False, STREET),
    "D15": _wifo(15, 5.9, 64, 90, 16, 1, (4, 4), "inh", True, FOOT),
    "D16": _wifo(16, 5.9, 32, 360, 16, 0.5, (4, 8), "uma", False, CAR),
    "D17": _wifo(17, 3.5, 32, 180, 16, 0.5, (4, 8), "uma", False, CAR),
    "D18": _wifo(18, 6.7, 64, 180, 24, 1, (4, 4), "umi", True, STREET),
    "D19": _wifo(19, 28.0, 32, 360, 16, 0.25, (4, 8), "uma", True, CAR),
}
