from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.baselines import (
    best_beam_of_resolved_paths,
    los_from_resolved_paths,
    path_loss_as_in_free_space,
    path_loss_of_resolved_paths,
    position_from_first_path,
    resolved_estimate,
)
from wirelessfm.baselines.resolved_paths import ResolvedPaths, paths_of, resolve_paths
from wirelessfm.baselines.same_sweep_beam import best_same_sweep_beam
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths
from wirelessfm.signal import OFDM, PlanarArray, add_noise, dft_codebook, direction_cosines, synthesize
from wirelessfm.signal.wave_fit import Waves

NARROW = OFDM(32, 30e3)


@pytest.fixture(scope="module")
def paths() -> Paths:
    return make_site(60).sub6.connected()


@pytest.fixture(scope="module")
def csi(paths) -> CSI:
    return synthesize(paths, PlanarArray(32), NARROW)


def test_the_strongest_path_is_found_within_a_band_a_hundred_times_too_narrow(paths, csi) -> None:
    found = paths_of(csi)
    strong, said = paths.gain.abs().argmax(dim=1, keepdim=True), found.power.argmax(dim=1, keepdim=True)
    cosine, _ = direction_cosines(paths.departure_azimuth_rad, paths.departure_elevation_rad, 0.0, 0.0)
    right = (found.cosine.gather(1, said) - cosine.gather(1, strong)).abs() < 1e-3
    assert float(right.double().mean()) > 0.9
    off_s = (found.delay_s.gather(1, said) - paths.delay_s.gather(1, strong)).abs()[right]
    off_db = 10 * (found.power.gather(1, said) / paths.gain.abs().square().gather(1, strong)).log10().abs()[right]
    assert float(off_s.median()) < 1e-10 and float(off_db.median()) < 0.01  # 0.96 MHz resolve 1 µs
    assert float(found.rest_db.median()) < -115


def test_a_line_of_sight_loses_what_free_space_does(paths, csi) -> None:
    found = los_from_resolved_paths(csi).argmax(dim=1)
    assert float((found == paths.los).double().mean()) > 0.95
    excess = paths_of(csi)
    assert float(excess.of_first(excess.excess_db)[paths.los == 1].abs().median()) < 0.05


def test_in_noise_the_line_of_sight_rule_is_more_lenient(csi) -> None:
    noisy = replace(csi, values=add_noise(csi.values, 10.0, torch.Generator().manual_seed(0)))
    scores = los_from_resolved_paths(noisy)[:, 1] * 2  # the threshold less the excess loss
    assert float(scores.max()) > 3 and float((los_from_resolved_paths(csi)[:, 1] * 2).max()) < 0.6


def test_few_antennas_that_resolve_paths_see_the_beam_of_many(paths) -> None:
    """Which one the powers of all paths make the best of 32 antennas."""
    few = synthesize(paths, PlanarArray(4), NARROW)
    cosine, _ = direction_cosines(paths.departure_azimuth_rad, paths.departure_elevation_rad, 0.0, 0.0)
    power = paths.gain.abs().square().double()
    none = torch.zeros_like(power[:, 0])
    best = ResolvedPaths(cosine.double(), paths.delay_s.double(), power, none, 3.5e9).beam_shares(64, 32).argmax(dim=1)
    right = [float((rule(few, 64).argmax(dim=1) == best).double().mean()) for rule in (best_beam, best_same_sweep_beam)]
    assert right[0] > 0.85 > 0.75 > right[1]


def turned(paths: Paths, carrier_hz: float) -> Paths:
    """The same paths at another carrier: as strong, and turned by their delays."""
    turns = ((carrier_hz - paths.meta.carrier_hz) * paths.delay_s.double()).remainder(1)
    gain = paths.gain * torch.polar(torch.ones_like(turns), -2 * math.pi * turns).to(torch.complex64)
    return replace(paths, gain=gain, meta=replace(paths.meta, carrier_hz=carrier_hz))


@pytest.mark.parametrize("carrier_hz", [3.5e9, 3.6e9, 28e9])
@pytest.mark.parametrize("observed", [slice(0, 32), slice(0, 12)])
def test_paths_interfere_at_another_carrier_as_their_delays_say(paths, carrier_hz, observed) -> None:
    """The sweep of 32 antennas there, from all or the first 12 here, not all of whose beams a power says."""
    csi = synthesize(paths, PlanarArray(32), NARROW).isel(antenna=observed)
    there = synthesize(turned(paths, carrier_hz), PlanarArray(32), NARROW)
    best = best_same_sweep_beam(there, 64).argmax(dim=1)
    asked = csi.asked_at(carrier_hz)
    phases, powers = (float((best_beam(each, 64).argmax(dim=1) == best).double().mean()) for each in (asked, csi))
    assert phases > max(0.9, powers)


def test_antennas_of_no_stated_place_are_about_their_middle(csi) -> None:
    bare = replace(csi, coords={"subcarrier": csi.coords["subcarrier"]}).asked_at(28e9)
    assert torch.equal(best_beam(bare, 64).argmax(dim=1), best_beam(csi.asked_at(28e9), 64).argmax(dim=1))


def best_beam(csi: CSI, n: int) -> torch.Tensor:
    return best_beam_of_resolved_paths(csi, n)


def test_shares_of_beams_are_gains_of_a_sweep() -> None:
    one = torch.ones(1, 1, dtype=torch.float64)
    paths = ResolvedPaths(one * 0.25, one * 1e-7, one, one[:, 0], None)
    shares = paths.beam_shares(64, 16)
    wave = torch.exp(1j * torch.pi * 0.25 * torch.arange(16)).to(torch.complex64)
    expected = (dft_codebook(16, 64).conj() @ wave).abs().square()
    assert torch.allclose(shares[0].float(), expected / expected.sum(), atol=1e-6)


def test_position_is_exact_in_line_of_sight_at_the_height_of_the_array() -> None:
    site = make_site(200, bs=(10.0, 5.0, 1.5)).sub6
    direct = site[site.los == 1]
    found = position_from_first_path(synthesize(direct, PlanarArray(32), OFDM(32, 6e5)))
    place = direct.position_m - torch.tensor([10.0, 5.0, 1.5])
    inside = place[:, 0] > 0.3 * place.norm(dim=1)  # elsewhere behind the array, or towards end-fire
    error = (found - place[:, :2]).norm(dim=1)[inside]
    assert int(inside.sum()) > 20 and float(error.median()) < 0.05


def test_path_loss_of_paths_does_not_fade(paths, csi) -> None:
    """Of the sum of their powers, which is what loss without fading means, in one narrow band."""
    true = -paths.power_db() + 20 * math.log10(8)
    resolved, fading = path_loss_of_resolved_paths(csi)[:, 0], path_loss_as_in_free_space(csi)[:, 0]
    assert float((resolved - true).abs().median()) < 0.01 < 0.1 < float((fading - true).abs().median())


def test_impossibly_strong_paths_and_faint_ones_do_not_count() -> None:
    delay_s = torch.tensor([[1e-7, 1e-7, 2e-7]], dtype=torch.float64)
    power = (4 * torch.pi * 3.5e9 * delay_s) ** -2 * torch.tensor([1e3, 1e-4, 0.5])
    paths = ResolvedPaths(torch.zeros_like(delay_s), delay_s, power, torch.zeros(1).double(), 3.5e9)
    assert paths.possible.tolist() == [[False, True, True]] and paths.clear.tolist() == [[False, False, True]]
    assert paths.first.tolist() == [2] and float(paths.of_first(paths.excess_db)) == pytest.approx(3.01, abs=0.01)
    assert replace(paths, carrier_hz=None).possible.all()
    assert paths.beam_shares(8, 4).sum() == pytest.approx(1)


@pytest.mark.parametrize("which", ["planar", "wide", "irregular", "tones"])
def test_other_grids_are_not_resolved(paths, which) -> None:
    array = {"planar": PlanarArray(4, 2), "wide": PlanarArray(8, spacing_wavelengths=1.0)}.get(which, PlanarArray(8))
    csi = synthesize(paths[:3], array, NARROW)
    keep = torch.tensor([0, 1, 2, 3, 5, 7])
    if which == "irregular":
        csi = replace(csi, values=csi.values[:, keep], coords={**csi.coords, "antenna": csi.coords["antenna"][keep]})
    if which == "tones":
        tones = {**csi.coords, "subcarrier": csi.coords["subcarrier"][keep]}
        csi = replace(csi, values=csi.values[..., keep], coords=tones)
    grid = csi.coords["antenna"], csi.coords["subcarrier"]
    assert resolve_paths(csi.values, *grid, 3.5e9) is None
    with pytest.raises(WirelessFMError, match="regular"):
        best_beam_of_resolved_paths(csi, 64)


def test_what_the_rules_refuse(csi) -> None:
    with pytest.raises(WirelessFMError, match="2 classes, found 3"):
        los_from_resolved_paths(csi[:2], 3)
    with pytest.raises(WirelessFMError, match="2 coordinates"):
        position_from_first_path(csi[:2], 3)
    with pytest.raises(WirelessFMError, match="1 value in dB"):
        path_loss_of_resolved_paths(csi[:2], 2)
    with pytest.raises(WirelessFMError, match="carrier"):
        los_from_resolved_paths(replace(csi[:2], meta=replace(csi.meta, carrier_hz=None)))
    with pytest.raises(WirelessFMError, match="regular"):
        paths_of(replace(csi[:2], coords={}))


@pytest.mark.parametrize("tones", [slice(None), slice(1, None, 3)])
def test_waves_fill_in_what_was_not_observed(paths, tones) -> None:
    clean = synthesize(paths[:40], PlanarArray(16), OFDM(24, 60e3))
    seen = torch.zeros(clean.values.shape, dtype=torch.bool)
    seen[:, 2:13, tones] = True
    labels = {"observed": seen, "noise_power": torch.zeros(len(clean))}
    found = resolved_estimate(replace(clean, values=torch.where(seen, clean.values, 0), labels=labels))
    error = (found - clean.values).abs().square().sum(dim=(1, 2)) / clean.values.abs().square().sum(dim=(1, 2))
    assert found.dtype == torch.complex64 and float(error.median()) < 1e-6


@pytest.mark.parametrize("turns", [-0.03, 0.0, 0.5, 0.93])
def test_delays_between_pilots_are_nearly_a_period_late_rather_than_early(turns) -> None:
    """``turns`` of the period that every fourth subcarrier can tell."""
    waves = Waves(*(torch.tensor([[x]]).double() for x in (0.1, -turns / 4)), torch.ones(1, 1) + 0j, torch.zeros(1))
    clean = CSI(waves.on_grid(8, 24).to(torch.complex64), ("sample", "antenna", "subcarrier"))
    seen = torch.zeros(clean.values.shape, dtype=torch.bool)
    seen[..., ::4] = True
    labels = {"observed": seen, "noise_power": torch.zeros(1)}
    found = resolved_estimate(replace(clean, values=torch.where(seen, clean.values, 0), labels=labels))
    assert torch.allclose(found, clean.values, atol=1e-3)


def test_irregular_pilots_are_refused(csi) -> None:
    seen = torch.zeros(csi.values[:3].shape, dtype=torch.bool)
    seen[:, :, torch.tensor([0, 1, 5])] = True
    labels = {"observed": seen, "noise_power": torch.zeros(3)}
    with pytest.raises(WirelessFMError, match=r"regular distances.*subcarriers \[0, 1, 5\].*use 'omp'"):
        resolved_estimate(replace(csi[:3], labels=labels))


def test_one_row_of_a_planar_array_says_nothing_of_the_other(paths) -> None:
    clean = synthesize(paths[:3], PlanarArray(8, 2), OFDM(16, 60e3))
    seen = torch.zeros(clean.values.shape, dtype=torch.bool)
    seen[:, :8] = True
    with pytest.raises(WirelessFMError, match="antennas on a regular line"):
        resolved_estimate(replace(clean, labels={"observed": seen, "noise_power": torch.zeros(3)}))


def test_silent_users_get_finite_scores_and_a_path_at_once_is_not_a_period_late(csi) -> None:
    silent = replace(csi[:4], values=csi.values[:4].clone())
    silent.values[1] = 0
    scores = los_from_resolved_paths(silent)
    assert bool(torch.isfinite(scores).all()) and scores[1].argmax() == 0
    assert float(paths_of(silent).rest_db[1]) == 0
    near = torch.ones(64, 8, 32, dtype=torch.complex64) * 1e-3
    grid = {"antenna": csi.coords["antenna"][:8], "subcarrier": csi.coords["subcarrier"]}
    noisy = add_noise(near, 20.0, torch.Generator().manual_seed(0))
    found = paths_of(CSI(noisy, csi.axes, grid, meta=csi.meta))
    assert float(found.of_first(found.delay_s).max()) < 0.1 / 30e3
