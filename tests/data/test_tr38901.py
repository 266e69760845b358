"""Simulated channels: what was asked for, the physics of TR 38.901, seeds, streaming and resuming."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from scipy.special import j0

from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.data.simulate import channels
from wirelessfm.data.simulate.channel_request import LAYOUTS, PROFILES, SimulationRequest
from wirelessfm.data.simulate.channels import BLOCK_SAMPLES, simulate, simulate_to
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import SPEED_OF_LIGHT_M_PER_S

sionna = pytest.mark.skipif(
    find_spec("sionna") is None or find_spec("sionna.phy") is None, reason="needs the extra 'phy' (sionna-no-rt)"
)
SMALL = SimulationRequest(n_samples=20, n_subcarriers=4, n_times=2, n_horizontal=2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scenario": "uni"}, "Did you mean 'umi'.*cdl-a.*wifi-f"),
        ({"n_samples": 0}, "n_samples must be at least 1, found 0"),
        ({"n_times": 0}, "n_times"),
        ({"n_vertical": 0}, "n_vertical"),
        ({"n_subcarriers": -1}, "n_subcarriers"),
        ({"interval_s": 0.0}, "interval_s must be positive"),
        ({"subcarrier_spacing_hz": math.nan}, "subcarrier_spacing_hz"),
        ({"carrier_hz": 3.5}, "0.5e9 and 100e9"),
        ({"min_speed_m_per_s": -1.0}, "speeds"),
        ({"min_speed_m_per_s": 5.0, "max_speed_m_per_s": 1.0}, "found 5.0 and 1.0"),
        ({"seed": -1}, "seed"),
        ({"delay_spread_s": 1e-7}, "own delay spread"),
        ({"scenario": "cdl-a", "delay_spread_s": 0.0}, "positive"),
        ({"scenario": "tdl-a", "los": True}, "NLoS by definition"),
        ({"scenario": "cdl-d", "los": False}, "LoS by definition"),
        ({"element_pattern": "dish"}, "Known: 38.901, omni"),
        ({"scenario": "tdl-a", "element_pattern": "38.901"}, "omnidirectional"),
    ],
)
def test_requests_are_checked(wrong: dict, message: str) -> None:
    with pytest.raises(WirelessFMError, match=message):
        SimulationRequest(**wrong)


def _fake(request: SimulationRequest, n: int, seed: int, device: str) -> CSI:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(n, request.n_times, 2, 4, dtype=torch.complex64, generator=generator)
    return CSI(values, ("sample", "time", "antenna", "subcarrier"), meta=_card(request))


def _card(request: SimulationRequest) -> CSIMeta:
    return CSIMeta(request.carrier_hz, extra={"seed": request.seed, "n_samples": request.n_samples})


@pytest.fixture
def faked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(channels.SIMULATORS, "umi", _fake)
    monkeypatch.setattr(channels, "describe", _card)


@pytest.mark.usefixtures("faked")
def test_streamed_in_memory_and_resumed_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = replace(SMALL, n_samples=2 * BLOCK_SAMPLES + 7)
    whole = simulate(request)
    assert len(whole) == request.n_samples
    simulate_to(request, tmp_path / "once", progress=False)

    def killed(request: SimulationRequest, number: int, device: str = "cpu") -> CSI:
        if number == 1:
            raise KeyboardInterrupt
        return made(request, number, device)

    made = channels.simulate_block
    with monkeypatch.context() as patch:
        patch.setattr(channels, "simulate_block", killed)
        with pytest.raises(KeyboardInterrupt):
            simulate_to(request, tmp_path / "twice", progress=False)
    assert not (tmp_path / "twice").exists()
    with monkeypatch.context() as patch:
        patch.setattr(channels, "simulate_block", lambda r, k, d: made(r, k, d) if k else pytest.fail("block 0 again"))
        simulate_to(request, tmp_path / "twice", progress=False)
    for name in ("once", "twice"):
        assert CSI.load(tmp_path / name).fingerprint() == whole.fingerprint()


@pytest.mark.usefixtures("faked")
def test_a_finished_folder_is_left_alone_and_another_refused(tmp_path: Path) -> None:
    folder = simulate_to(SMALL, tmp_path / "csi", progress=False)
    before = (folder / "card.json").stat().st_mtime_ns
    assert simulate_to(SMALL, folder, progress=False) == folder
    assert (folder / "card.json").stat().st_mtime_ns == before
    with pytest.raises(WirelessFMError, match="another request"):
        simulate_to(replace(SMALL, seed=1), folder, progress=False)


@pytest.mark.usefixtures("faked")
def test_fewer_samples_are_the_first_of_more() -> None:
    more = simulate(replace(SMALL, n_samples=BLOCK_SAMPLES + 9))
    fewer = simulate(replace(SMALL, n_samples=BLOCK_SAMPLES + 2))
    assert torch.equal(more.values[: len(fewer)], fewer.values)
    assert not torch.equal(more.values[:9], more.values[BLOCK_SAMPLES:])


def test_a_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sionna.phy.channel", None)
    with pytest.raises(WirelessFMError, match=r"wirelessfm\[phy\]"):
        simulate(SMALL)


@sionna
@pytest.mark.parametrize("scenario", LAYOUTS + PROFILES)
def test_axes_coordinates_and_labels(scenario: str) -> None:
    request = SimulationRequest(
        scenario, 3, n_times=2, n_subcarriers=4, n_horizontal=2, n_vertical=3, min_speed_m_per_s=4.0
    )
    csi = simulate(request)
    assert csi.axes == ("sample", "time", "antenna", "subcarrier") and list(csi.values.shape) == [3, 2, 6, 4]
    assert csi.values.dtype == torch.complex64
    assert torch.equal(csi.coords["antenna"], request.array.positions_wavelengths())
    assert torch.equal(csi.coords["subcarrier"], request.ofdm.frequencies_hz())
    assert csi.coords["time"].tolist() == [0.0, 1e-3]
    assert set(csi.labels) >= {"los", "speed_m_per_s", "delay_spread_s"}
    assert ((csi.labels["speed_m_per_s"] >= 4) & (csi.labels["speed_m_per_s"] <= 10)).all()
    assert csi.meta.extra["scenario"] == scenario and csi.meta.carrier_hz == 3.5e9


@sionna
@pytest.mark.parametrize("scenario", ["rma", "cdl-c", "tdl-e"])
def test_a_seed_decides_everything_and_nothing_leaks(scenario: str) -> None:
    from sionna.phy import config

    request = replace(SMALL, scenario=scenario)
    torch.manual_seed(3)
    states = [torch.get_rng_state(), config.torch_rng("cpu").get_state()]
    first = simulate(request)
    config.torch_rng("cpu").manual_seed(99)
    assert simulate(request).fingerprint() == first.fingerprint()
    assert simulate(replace(request, seed=1)).fingerprint() != first.fingerprint()
    assert torch.equal(torch.get_rng_state(), states[0])
    config.torch_rng("cpu").set_state(states[1])
    simulate(request)
    assert torch.equal(config.torch_rng("cpu").get_state(), states[1])


@sionna
def test_importing_the_simulator_leaves_the_callers_random_numbers_alone() -> None:
    # In a fresh interpreter: Sionna seeds torch anew when it is first imported.
    program = (
        "import torch; from wirelessfm.data.simulate.sionna_phy import load_tr38901; "
        "torch.manual_seed(0); load_tr38901(); a = torch.rand(3); torch.manual_seed(0); assert a.equal(torch.rand(3))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@sionna
def test_unknown_device() -> None:
    with pytest.raises(WirelessFMError, match="Known: cpu"):
        simulate(SMALL, device="abacus")


@sionna
def test_tdl_doppler_follows_jakes() -> None:
    speed = 30.0
    request = SimulationRequest(
        "tdl-a", 200, n_times=16, interval_s=2.5e-4, min_speed_m_per_s=speed, max_speed_m_per_s=speed, n_subcarriers=1
    )
    h = simulate(request).values
    found = (h * h[:, :1].conj()).mean(dim=(0, 2, 3)) / h.abs().square().mean()
    doppler_hz = speed * request.carrier_hz / SPEED_OF_LIGHT_M_PER_S
    expected = torch.from_numpy(j0(2 * math.pi * doppler_hz * 2.5e-4 * torch.arange(16).numpy()))
    assert (found.real - expected).abs().max() < 0.08 and found.imag.abs().max() < 0.08


@sionna
@pytest.mark.parametrize("scenario", ["umi", "cdl-a", "tdl-d"])
def test_who_stands_still_sees_a_constant_channel(scenario: str) -> None:
    csi = simulate(replace(SMALL, scenario=scenario, max_speed_m_per_s=0.0, interval_s=0.1, path_loss=True))
    assert torch.allclose(csi.values[:, 0], csi.values[:, 1], rtol=1e-3)


@sionna
@pytest.mark.parametrize("delay_spread_s", [30e-9, 300e-9])
@pytest.mark.parametrize("scenario", ["tdl-a", "cdl-c"])
def test_profiles_have_the_delay_spread_asked_for_and_unit_power(scenario: str, delay_spread_s: float) -> None:
    csi = simulate(replace(SMALL, scenario=scenario, n_samples=100, n_horizontal=8, delay_spread_s=delay_spread_s))
    assert float(csi.labels["delay_spread_s"].mean()) == pytest.approx(delay_spread_s, rel=0.1)
    assert float(csi.values.abs().square().mean()) == pytest.approx(1, rel=0.15)


@sionna
@pytest.mark.parametrize("scenario", ["umi", "tdl-a"])
def test_delays_are_positive(scenario: str) -> None:
    request = replace(SMALL, scenario=scenario, n_samples=50, n_subcarriers=64, path_loss=False)
    power = torch.fft.ifft(simulate(request).values, dim=-1).abs().square().mean(dim=(0, 1, 2))
    assert float(power[:24].sum() / power.sum()) > 0.9


@sionna
def test_line_of_sight_is_steadier_across_frequency() -> None:
    request = replace(SMALL, n_samples=100, n_subcarriers=64, path_loss=False, subcarrier_spacing_hz=1e6)

    def fading(scenario: str, los: bool | None) -> float:
        csi = simulate(replace(request, scenario=scenario, los=los))
        if los is not None:
            assert (csi.labels["los"] == int(los)).all()
        power = csi.values[:, 0, 0].abs().square()
        return float((power.std(dim=1) / power.mean(dim=1)).mean())

    assert fading("umi", True) < 0.8 * fading("umi", False)
    assert fading("tdl-d", None) < 0.5 * fading("tdl-a", None)


@sionna
@pytest.mark.parametrize("element_pattern", ["omni", "38.901"])
def test_array_order_and_signs_follow_the_known_direction(element_pattern: str) -> None:
    # The LoS cluster of CDL-D leaves at azimuth 0 and zenith 98.5 degrees (TR 38.901, Table 7.7.1-4).
    request = replace(SMALL, scenario="cdl-d", n_samples=50, n_horizontal=3, n_vertical=2)
    h = simulate(replace(request, element_pattern=element_pattern)).tensor("sample time antenna subcarrier")
    grid = h.unflatten(2, (2, 3))
    up = (grid[:, :, 1] * grid[:, :, 0].conj()).sum().angle()
    across = (grid[..., 1:, :] * grid[..., :-1, :].conj()).sum().angle()
    assert float(up) == pytest.approx(math.pi * math.cos(math.radians(98.5)), abs=0.1)
    assert float(across) == pytest.approx(0, abs=0.1)


@sionna
def test_array_phase_follows_the_users_position() -> None:
    csi = simulate(replace(SMALL, scenario="rma", los=True, n_samples=100, n_horizontal=4, path_loss=False))
    h, position = csi.values, csi.labels["position_m"]
    found = (h[:, :, 1:] * h[:, :, :-1].conj()).sum(dim=(1, 2, 3)).angle()
    offset = position - torch.tensor([0.0, 0.0, 35.0])
    expected = math.pi * offset[:, 1] / offset.norm(dim=1)
    error = torch.remainder(found - expected + math.pi, 2 * math.pi) - math.pi
    assert float(error.abs().median()) < 0.15


@sionna
def test_antennas_of_a_tdl_are_independent_and_those_of_a_cdl_are_not() -> None:
    def correlation(scenario: str) -> float:
        h = simulate(replace(SMALL, scenario=scenario, n_samples=200, n_subcarriers=1)).values[:, 0]
        return float((h[:, 0] * h[:, 1].conj()).mean().abs() / h.abs().square().mean())

    assert correlation("tdl-a") < 0.2
    assert correlation("cdl-a") > 0.3


@sionna
@pytest.mark.parametrize("carrier_hz", [2e9, 28e9])
def test_street_canyon_path_loss(carrier_hz: float) -> None:
    # TR 38.901, Table 7.4.1-1, UMi LoS before the breakpoint; shadow fading has 4 dB.
    csi = simulate(replace(SMALL, scenario="umi", los=True, n_samples=150, carrier_hz=carrier_hz))
    distance_m = (csi.labels["position_m"] - torch.tensor([0.0, 0.0, 10.0])).norm(dim=1)
    expected_db = -(32.4 + 21 * distance_m.log10() + 20 * math.log10(carrier_hz / 1e9))
    found_db = 10 * csi.values.abs().square().mean(dim=(1, 2, 3)).log10()
    assert float((found_db - expected_db).median()) == pytest.approx(0, abs=1.5)
    nlos = simulate(replace(SMALL, scenario="umi", los=False, n_samples=150, carrier_hz=carrier_hz))
    assert float(nlos.values.abs().square().mean(dim=(1, 2, 3)).median()) < 0.2 * float(10 ** (found_db.median() / 10))


@sionna
def test_a_small_street_canyon_streams_to_disk(tmp_path: Path) -> None:
    folder = simulate_to(SMALL, tmp_path / "umi", progress=False)
    assert CSI.load(folder).fingerprint() == simulate(SMALL).fingerprint()
