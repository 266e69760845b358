"""IEEE indoor channels: delay spreads and breakpoints of the standard, path loss, directions, seeds."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch

from wirelessfm.data.simulate.channel_request import WIFI, SimulationRequest
from wirelessfm.data.simulate.channels import simulate
from wirelessfm.data.simulate.indoor import load_quadriga
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import SPEED_OF_LIGHT_M_PER_S

quadriga = pytest.mark.skipif(find_spec("quadriga_lib") is None, reason="needs the extra 'indoor' (quadriga-lib)")
SMALL = SimulationRequest(
    "wifi-b", 20, 5.25e9, n_subcarriers=8, subcarrier_spacing_hz=312.5e3, n_times=3, n_horizontal=2, max_speed_m_per_s=1
)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scenario": "wifi-g"}, "Did you mean 'wifi-"),
        ({"path_loss": False}, "normalise"),
        ({"delay_spread_s": 1e-8}, "own delay spread"),
        ({"element_pattern": "38.901"}, "omnidirectional"),
    ],
)
def test_requests_are_checked(wrong: dict, message: str) -> None:
    with pytest.raises(WirelessFMError, match=message):
        replace(SMALL, **wrong)


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "quadriga_lib", None)
    with pytest.raises(WirelessFMError, match=r"wirelessfm\[indoor\]"):
        load_quadriga()


@quadriga
@pytest.mark.parametrize(
    ("scenario", "delay_spread_s"), list(zip(WIFI, (0, 15e-9, 30e-9, 50e-9, 100e-9, 150e-9), strict=True))
)
def test_delay_spreads_of_the_standard(scenario: str, delay_spread_s: float) -> None:
    csi = simulate(replace(SMALL, scenario=scenario, los=False, n_samples=50, n_horizontal=4))
    assert float(csi.labels["delay_spread_s"].median()) == pytest.approx(delay_spread_s, rel=0.2, abs=1e-12)
    assert list(csi.values.shape) == [50, 3, 4, 8] and (csi.labels["los"] == 0).all()


@quadriga
def test_seeds() -> None:
    assert simulate(SMALL).fingerprint() == simulate(SMALL).fingerprint()
    assert simulate(SMALL).fingerprint() != simulate(replace(SMALL, seed=1)).fingerprint()
    assert list(simulate(replace(SMALL, n_times=1)).values.shape) == [20, 1, 2, 8]


@quadriga
def test_near_stations_lose_what_free_space_takes() -> None:
    csi = simulate(replace(SMALL, scenario="wifi-e", los=True, n_samples=100))
    assert (csi.labels["los"] == 1).all()
    distance_m = csi.labels["position_m"].norm(dim=1)
    assert distance_m.max() < 20
    free_db = 20 * torch.log10(SPEED_OF_LIGHT_M_PER_S / SMALL.carrier_hz / (4 * math.pi * distance_m))
    found_db = 10 * csi.values.abs().square().mean(dim=(1, 2, 3)).log10()
    assert float((found_db - free_db).median()) == pytest.approx(0, abs=2)


@quadriga
def test_array_phase_follows_the_stations_position() -> None:
    csi = simulate(replace(SMALL, scenario="wifi-a", los=True, n_samples=100, n_horizontal=4, n_times=2))
    position = csi.labels["position_m"]
    h = csi.values[:, 0, :, 0]
    found = (h[:, 1:] * h[:, :-1].conj()).sum(dim=1).angle()
    error = torch.remainder(found - math.pi * position[:, 1] / position.norm(dim=1) + math.pi, 2 * math.pi) - math.pi
    # Half the power is scattered (K = 0 dB).
    assert float(error.abs().median()) < 0.5
