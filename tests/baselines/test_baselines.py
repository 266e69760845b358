import dataclasses
import math

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.baselines import (
    BASELINES,
    System,
    angle_spectrum_features,
    autocorrelation_features,
    best_same_sweep_beam,
    delay_from_phase_slope,
    fit_majority,
    get_baseline,
    log_power,
    los_from_power_and_delay,
    raw_features,
    train_cnn,
)
from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import OFDM, PlanarArray, synthesize
from wirelessfm.tasks import LosTask

SITE = make_site(300)
CHANNELS = LosTask().build([SITE]).inputs


def plane_wave(cosine, n=8, gain=1e-6, n_subcarriers=4):
    """One path from direction cosine ``cosine``."""
    steering = torch.polar(torch.ones(n), math.pi * cosine * torch.arange(n))
    return CSI(gain * steering[None, :, None].expand(1, n, n_subcarriers), ("sample", "antenna", "subcarrier"))


@pytest.mark.parametrize("name", [n for n, s in BASELINES.items() if s.kind == "features"])
def test_features_depend_on_their_own_sample_only(name):
    some = CHANNELS[:40]
    whole, part = get_baseline(name).run(CHANNELS), get_baseline(name).run(some)
    assert whole.dtype == torch.float32 and torch.isfinite(whole).all()
    scale = float(part[0].norm() / whole[0].norm()) if name == "raw" else 1.0
    torch.testing.assert_close(part, whole[:40] * scale, rtol=1e-4, atol=1e-4)


def test_raw_features_keep_every_number():
    features = raw_features(CHANNELS)
    back = torch.view_as_complex(features.reshape(len(CHANNELS), 32, 32, 2))
    ratio = back / CHANNELS.values
    torch.testing.assert_close(ratio, ratio[0, 0, 0].expand_as(ratio), rtol=1e-3, atol=0)
    assert float(features.square().sum() / features.numel()) == pytest.approx(0.5, rel=1e-3)


def test_log_power_by_hand():
    assert float(log_power(torch.full((1, 2, 2), 1e-6 + 0j))) == pytest.approx(-120.0, abs=1e-3)


@pytest.mark.parametrize("bin_", [0, 3, 8, 15])
def test_angle_spectrum_peaks_where_the_wave_comes_from(bin_):
    features = angle_spectrum_features(plane_wave(-1 + 2 * bin_ / 16))
    decibel, linear = features[0, :16], features[0, 16:32]
    assert int(linear.argmax()) == bin_ and float(linear.max()) == pytest.approx(1) and float(decibel.max()) == 0
    assert float(features[0, -1]) == pytest.approx(-120, abs=1e-3) and features.shape == (1, 33)


def test_autocorrelation_of_a_plane_wave_is_its_phasor():
    features = autocorrelation_features(plane_wave(0.3))
    lags = torch.arange(1, 8)
    torch.testing.assert_close(features[0, :7], torch.cos(math.pi * 0.3 * lags), rtol=0, atol=1e-5)
    torch.testing.assert_close(features[0, 7:14], torch.sin(math.pi * 0.3 * lags), rtol=0, atol=1e-5)


def test_autocorrelation_is_the_mean_over_pairs():
    h = CHANNELS.values[5].to(torch.complex128)
    expected = torch.stack([(h[lag:] * h[: 32 - lag].conj()).sum() / (32 - lag) for lag in range(32)])
    expected = (expected / expected[0])[1:]
    features = autocorrelation_features(CHANNELS)[5, :-1].double()
    torch.testing.assert_close(features, torch.cat([expected.real, expected.imag]), rtol=0, atol=1e-4)


@pytest.mark.parametrize("n_antennas", [8, 32])
@pytest.mark.parametrize("beam", [0, 17, 63])
def test_the_sweep_finds_the_beam_of_a_single_path(n_antennas, beam):
    scores = best_same_sweep_beam(plane_wave(-1 + 2 * beam / 64, n_antennas), 64)
    assert scores.shape == (1, 64) and int(scores.argmax()) == beam


def test_delay_is_read_from_the_phase_slope():
    alone = SITE.sub6.strongest(1)
    csi = synthesize(alone, PlanarArray(4), OFDM(8, 30e3))
    torch.testing.assert_close(delay_from_phase_slope(csi), alone.delay_s[:, 0], rtol=1e-3, atol=0)


def test_line_of_sight_rule_needs_no_label():
    scores = los_from_power_and_delay(CHANNELS)
    assert float((scores.argmax(dim=1) == SITE.sub6.los).double().mean()) > 0.9
    # A single free-space path loses nothing, so the margin is the threshold itself.
    direct = SITE.sub6[(SITE.sub6.los == 1) & (SITE.sub6.n_paths == 1)]
    margin = los_from_power_and_delay(synthesize(direct, PlanarArray(4), OFDM(8, 30e3)))
    torch.testing.assert_close(margin[:, 1] * 2, torch.full((len(direct),), 4.0), rtol=0, atol=0.02)


def test_rules_say_what_they_need():
    with pytest.raises(WirelessFMError, match="carrier"):
        los_from_power_and_delay(dataclasses.replace(CHANNELS, meta=CSIMeta()))
    with pytest.raises(WirelessFMError, match="subcarrier"):
        los_from_power_and_delay(plane_wave(0.1))
    with pytest.raises(WirelessFMError, match="2 classes"):
        los_from_power_and_delay(CHANNELS, 3)


def test_majority_is_the_most_frequent_label():
    predictor = fit_majority(CHANNELS[:4], torch.tensor([2, 0, 2, 1]), 4, seed=0)
    assert predictor(CHANNELS[:3]).tolist() == [[0.25, 0.25, 0.5, 0.0]] * 3


def test_cnn_learns_repeats_and_leaves_the_global_generator_alone():
    labels = SITE.sub6.los.long()
    state = torch.get_rng_state()
    first, again = (train_cnn(CHANNELS[:200], labels[:200], 2, seed=0)(CHANNELS[200:]) for _ in range(2))
    assert torch.equal(first, again) and torch.equal(state, torch.get_rng_state())
    assert float((first.argmax(dim=1) == labels[200:]).double().mean()) > 0.7


def test_cnn_copes_with_one_sample_and_small_grids():
    tiny = CHANNELS.isel(antenna=slice(0, 3), subcarrier=slice(0, 2))
    predictor = train_cnn(tiny[:1], torch.tensor([1]), 2, seed=0)
    scores = predictor(tiny[:5])
    assert scores.shape == (5, 2) and torch.isfinite(scores).all() and predictor.n_parameters > 0


def test_lookups_list_the_names():
    with pytest.raises(WirelessFMError, match="Did you mean 'angle-spectrum'"):
        get_baseline("angle_spectrum")
    with pytest.raises(WirelessFMError, match="kind of system"):
        System("mine", "encodr", raw_features)
    with pytest.raises(WirelessFMError, match="name"):
        System("", "features", raw_features)
