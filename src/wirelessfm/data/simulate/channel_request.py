"""What statistical channels to draw: the one object that describes a simulated CSI data set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.signal import OFDM, PlanarArray

LAYOUTS = ("umi", "uma", "rma", "inh")
PROFILES = tuple(f"{family}-{letter}" for family in ("cdl", "tdl") for letter in "abcde")
WIFI = tuple(f"wifi-{letter}" for letter in "abcdef")
SCENARIOS = LAYOUTS + PROFILES + WIFI
LOS_PROFILES = ("cdl-d", "cdl-e", "tdl-d", "tdl-e")
NOMINAL_DELAY_SPREAD_S = 100e-9


@dataclass(frozen=True)
class SimulationRequest:
    """What to simulate. The same request always gives the same CSI, and fewer samples are the first of more.

    Attributes:
        scenario: a layout of 3GPP TR 38.901 (``umi`` street canyon, ``uma``, ``rma``, ``inh`` open office), one
            of its profiles ``cdl-a`` … ``cdl-e``, ``tdl-a`` … ``tdl-e``, or an IEEE 802.11 indoor channel
            ``wifi-a`` (flat) … ``wifi-f`` (large hall).
        n_samples: number of independent users.
        carrier_hz: 0.5 to 100 GHz, the range of TR 38.901.
        n_subcarriers, subcarrier_spacing_hz: frequency grid, centred on the carrier.
        n_times, interval_s: time grid, from 0.
        n_horizontal, n_vertical: base-station array at half a wavelength; the user has one antenna.
        element_pattern: of the base station's antennas: ``omni``, or the 8 dBi sector element ``38.901``.
        min_speed_m_per_s, max_speed_m_per_s: each user's speed is uniform between them, its direction horizontal
            and uniform.
        los: all users in line of sight (True), none (False), or as they come (None): by the layout's
            probability, by the distance in Wi-Fi channels. A profile is one or the other.
        delay_spread_s: RMS delay spread of a profile, None for 100 ns; only profiles have this choice.
        path_loss: False takes path loss and shadow fading off a layout, so that its mean power is 1, as that of
            profiles always is.
        seed: of everything random.

    Raises:
        WirelessFMError: an unknown scenario, a value out of range or one the scenario cannot follow.
    """

    scenario: str = "umi"
    n_samples: int = 1000
    carrier_hz: float = 3.5e9
    n_subcarriers: int = 64
    subcarrier_spacing_hz: float = 180e3
    n_times: int = 16
    interval_s: float = 1e-3
    n_horizontal: int = 8
    n_vertical: int = 1
    element_pattern: Literal["omni", "38.901"] = "omni"
    min_speed_m_per_s: float = 0.0
    max_speed_m_per_s: float = 10.0
    los: bool | None = None
    delay_spread_s: float | None = None
    path_loss: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.scenario not in SCENARIOS:
            raise unknown_name("scenario", self.scenario, SCENARIOS)
        if self.element_pattern not in ("omni", "38.901"):
            raise unknown_name("element pattern", self.element_pattern, ("omni", "38.901"))
        _check_numbers(self)
        _check_scenario(self)

    @property
    def array(self) -> PlanarArray:
        """The base station's array."""
        return PlanarArray(self.n_horizontal, self.n_vertical)

    @property
    def ofdm(self) -> OFDM:
        """The frequency grid."""
        return OFDM(self.n_subcarriers, self.subcarrier_spacing_hz)


def _check_numbers(request: SimulationRequest) -> None:
    for name in ("n_samples", "n_subcarriers", "n_times", "n_horizontal", "n_vertical"):
        if getattr(request, name) < 1:
            raise WirelessFMError(f"{name} must be at least 1, found {getattr(request, name)}")
    for name in ("subcarrier_spacing_hz", "interval_s"):
        if not 0 < getattr(request, name) < math.inf:
            raise WirelessFMError(f"{name} must be positive, found {getattr(request, name)}")
    if not 0.5e9 <= request.carrier_hz <= 100e9:
        raise WirelessFMError(f"carrier_hz must lie between 0.5e9 and 100e9 (TR 38.901), found {request.carrier_hz}")
    if not 0 <= request.min_speed_m_per_s <= request.max_speed_m_per_s < math.inf:
        raise WirelessFMError(
            "speeds must satisfy 0 <= min_speed_m_per_s <= max_speed_m_per_s, found "
            f"{request.min_speed_m_per_s} and {request.max_speed_m_per_s}"
        )
    if request.seed < 0:
        raise WirelessFMError(f"seed must not be negative, found {request.seed}")


def _check_scenario(request: SimulationRequest) -> None:
    name = request.scenario
    if request.delay_spread_s is not None and name not in PROFILES:
        raise WirelessFMError(f"scenario '{name}' has its own delay spread; leave delay_spread_s out or take a profile")
    if request.delay_spread_s is not None and not 0 < request.delay_spread_s < math.inf:
        raise WirelessFMError(f"delay_spread_s must be positive, found {request.delay_spread_s}")
    if request.element_pattern != "omni" and (name in WIFI or name.startswith("tdl")):
        raise WirelessFMError(f"scenario '{name}' has omnidirectional antennas only; leave element_pattern at 'omni'")
    if name in WIFI and not request.path_loss:
        raise WirelessFMError(f"scenario '{name}' includes its path loss; call normalise() on the CSI instead")
    is_los = name in LOS_PROFILES
    if name in PROFILES and request.los not in (None, is_los):
        raise WirelessFMError(
            f"profile '{name}' is {'LoS' if is_los else 'NLoS'} by definition, found los={request.los}; "
            f"the LoS profiles are {', '.join(LOS_PROFILES)}"
        )
