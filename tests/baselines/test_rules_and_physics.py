import dataclasses
import math

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.baselines import (
    angle_delay_db_features,
    angle_delay_features,
    path_loss_as_in_free_space,
    physics_features,
    position_from_delay_and_angle,
    probe_power_features,
    probed_beam_match,
    strongest_direction_cosine,
    strongest_probed_beam,
)
from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import OFDM, PlanarArray, dft_codebook, synthesize
from wirelessfm.tasks import LocalisationTask, PathLossTask, SameBandBeamTask, SitePaths


def line_of_sight_only(**options):
    site = make_site(400, **options)
    direct = site.sub6.los == 1
    low, high = (paths[direct].strongest(1) for paths in (site.sub6, site.mmwave))
    return SitePaths(low, high)


def test_position_rule_is_exact_in_line_of_sight_at_the_height_of_the_array():
    data = LocalisationTask().build([line_of_sight_only(bs=(10.0, 5.0, 1.5))])
    truth = data.truth.labels
    inside = truth[:, 0] > 0.3 * truth.norm(dim=1)  # the square root blows up small errors towards end-fire
    error = (position_from_delay_and_angle(data.inputs) - truth).norm(dim=1)
    assert int(inside.sum()) > 50 and float(error[inside].max()) < 0.5


def test_height_makes_the_position_rule_overshoot():
    data = LocalisationTask().build([line_of_sight_only(bs=(0.0, 0.0, 31.5))])
    found, truth = position_from_delay_and_angle(data.inputs), data.truth.labels
    torch.testing.assert_close(found.norm(dim=1), (truth.square().sum(dim=1) + 900).sqrt(), rtol=1e-3, atol=0)


@pytest.mark.parametrize("n_antennas", [2, 8, 32])
def test_strongest_direction_of_a_plane_wave(n_antennas):
    cosine = torch.tensor([-0.9, -0.31, 0.0, 0.5, 0.97])
    phase = math.pi * cosine[:, None] * torch.arange(n_antennas)
    values = 1e-6 * torch.polar(torch.ones_like(phase), phase)[..., None].repeat(1, 1, 3)
    torch.testing.assert_close(strongest_direction_cosine(values), cosine, rtol=0, atol=2e-3)


def test_path_loss_rule_is_exact_on_a_single_path():
    data = PathLossTask().build([line_of_sight_only()])
    torch.testing.assert_close(path_loss_as_in_free_space(data.inputs), data.truth.labels, rtol=0, atol=0.01)


def test_probe_rules_on_a_single_path():
    site = line_of_sight_only()
    data = SameBandBeamTask("probed", kind="beam-probed").build([site])
    index = torch.arange(len(data))
    match = data.score(probed_beam_match(data.inputs, 64), index)
    strongest = data.score(strongest_probed_beam(data.inputs, 64), index)
    # One beam in eight is probed, and some waves arrive where every probe has a null.
    assert match["accuracy"] > 0.9 > 0.3 > strongest["accuracy"] > 0.05
    probed = data.truth.labels % 8 == 0
    found = strongest_probed_beam(data.inputs, 64).argmax(dim=1)
    assert bool((found % 8 == 0).all()) and torch.equal(found[probed], data.truth.labels[probed])


def test_match_of_a_wave_is_one_at_its_beam():
    waves = dft_codebook(32, 512)[[3, 100, 333]]
    probes = dft_codebook(32, 64)[::8]
    csi = CSI((1e-6 * waves @ probes.mH)[..., None].repeat(1, 1, 2), ("sample", "antenna", "subcarrier"))
    scores = probed_beam_match(csi, 64)
    assert scores.argmax(dim=1).tolist() == [0, 13, 42]
    torch.testing.assert_close(scores.amax(dim=1), torch.ones(3), rtol=1e-3, atol=0)


def test_angle_delay_features_peak_at_angle_and_delay():
    angle, delay = 11, 3
    a, k = torch.arange(16), torch.arange(8)
    phase = math.pi * (-1 + 2 * angle / 16) * a[:, None] - 2 * math.pi * delay * k / 8
    csi = CSI(1e-6 * torch.polar(torch.ones(16, 8), phase)[None], ("sample", "antenna", "subcarrier"))
    for features, top in ((angle_delay_features(csi), 1.0), (angle_delay_db_features(csi), 0.0)):
        assert features.shape == (1, 16 * 8 + 1) and int(features[0, :-1].argmax()) == angle * 8 + delay
        assert float(features[0, :-1].max()) == top and float(features[0, -1]) == pytest.approx(-120, abs=1e-3)
    assert float(angle_delay_db_features(csi)[0, :-1].min()) >= -60.001


def test_physics_has_delay_and_position_only_where_the_grid_is_known():
    site = line_of_sight_only()
    csi = synthesize(site.sub6, PlanarArray(8), OFDM(8, 600e3))
    features = physics_features(csi)
    assert features.shape == (len(csi), 6 * 8 + 3)
    torch.testing.assert_close(features[:, -4], site.sub6.delay_s[:, 0] * 1e6, rtol=1e-3, atol=0)
    torch.testing.assert_close(features[:, -2:], position_from_delay_and_angle(csi))
    assert torch.equal(physics_features(dataclasses.replace(csi, coords={})), features[:, :-4])
    assert physics_features(csi.isel(subcarrier=[0])).shape == (len(csi), 6 * 8 - 1)


def test_probe_powers_by_hand():
    values = torch.tensor([[[1.0 + 0j], [10j], [0.1]]])
    features = probe_power_features(CSI(values, ("sample", "antenna", "subcarrier")))
    assert features[0].tolist() == pytest.approx([-20, 0, -40, 10 * math.log10(101.01 / 3)], abs=1e-3)


def test_rules_say_what_they_need():
    csi = synthesize(line_of_sight_only().sub6, PlanarArray(6), OFDM(4, 30e3))
    with pytest.raises(WirelessFMError, match="carrier"):
        path_loss_as_in_free_space(dataclasses.replace(csi, meta=CSIMeta()))
    with pytest.raises(WirelessFMError, match="1 value in dB, found 2"):
        path_loss_as_in_free_space(csi, 2)
    with pytest.raises(WirelessFMError, match="2 coordinates"):
        position_from_delay_and_angle(csi, 3)
    with pytest.raises(WirelessFMError, match="subcarrier"):
        position_from_delay_and_angle(dataclasses.replace(csi, coords={}))
    with pytest.raises(WirelessFMError, match="6 probed beams are not evenly spread over a sweep of 64"):
        strongest_probed_beam(csi, 64)
