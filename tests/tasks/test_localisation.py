import dataclasses
import math

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.errors import WirelessFMError
from wirelessfm.tasks import LocalisationTask, SitePaths, get_task
from wirelessfm.tasks.localisation import relative_position_m

SITE = make_site(150, bs=(30.0, -20.0, 25.0))


def turned(site, angle_rad):
    """The scene and the base station turned about the vertical axis of the base station."""

    def turn(paths):
        centre = torch.tensor(paths.meta.bs_position_m[:2])
        cos, sin = math.cos(angle_rad), math.sin(angle_rad)
        offset = paths.position_m[:, :2] - centre
        ground = offset @ torch.tensor([[cos, sin], [-sin, cos]]) + centre
        yaw, *rest = paths.meta.bs_orientation_rad
        return dataclasses.replace(
            paths,
            position_m=torch.cat([ground, paths.position_m[:, 2:]], dim=1),
            departure_azimuth_rad=paths.departure_azimuth_rad + angle_rad,
            meta=dataclasses.replace(paths.meta, bs_orientation_rad=(yaw + angle_rad, *rest)),
        )

    return SitePaths(turn(site.sub6), turn(site.mmwave))


def test_with_no_yaw_the_position_is_east_and_north():
    expected = SITE.sub6.position_m[:, :2] - torch.tensor([30.0, -20.0])
    torch.testing.assert_close(relative_position_m(SITE.sub6), expected)


@pytest.mark.parametrize("angle_rad", [0.7, -2.5])
def test_turning_the_scene_with_the_base_station_changes_nothing(angle_rad):
    before = LocalisationTask().build([SITE])
    after = LocalisationTask().build([turned(SITE, angle_rad)])
    torch.testing.assert_close(after.truth.labels, before.truth.labels, rtol=0, atol=1e-3)
    torch.testing.assert_close(after.inputs.values, before.inputs.values, rtol=0, atol=1e-8)
    assert not torch.equal(after.truth.position_m, before.truth.position_m)


def test_users_behind_the_array_take_part_only_if_asked():
    front = LocalisationTask().build([SITE])
    everyone = get_task("localisation-all-round").build([SITE])
    assert bool((front.truth.labels[:, 0] > 0).all()) and len(front) < len(everyone) == 150
    assert bool((everyone.truth.labels[:, 0] < 0).any())


def test_the_bands_are_those_of_the_names():
    wide, narrow = (get_task(name).build([SITE]) for name in ("localisation", "localisation-narrow"))
    assert wide.notes["bandwidth_mhz"] == 19.2 and narrow.notes["bandwidth_mhz"] == 0.96
    steps = [float(data.inputs.coords["subcarrier"].diff()[0]) for data in (wide, narrow)]
    assert steps == [600e3, 30e3]


def test_scores_by_hand():
    data = LocalisationTask().build([SITE])
    index = torch.arange(11)
    error = torch.stack([torch.arange(11.0) * 0.6, torch.arange(11.0) * 0.8], dim=1)
    result = data.score(data.truth.labels[index] + error, index)
    expected = {"error_m": 5.0, "error_p50_m": 5.0, "error_p67_m": 6.7, "error_p80_m": 8.0, "error_p90_m": 9.0}
    assert result == pytest.approx(expected, rel=1e-4)


def test_bad_input_is_explained():
    behind = (relative_position_m(SITE.sub6)[:, 0] < 0).nonzero().squeeze(1)
    with pytest.raises(WirelessFMError, match="front_only=False"):
        LocalisationTask().build([SitePaths(SITE.sub6[behind])])
    data = LocalisationTask().build([SITE])
    with pytest.raises(WirelessFMError, match=r"real values of shape \[5, 2\]"):
        data.score(torch.zeros(5, 3), torch.arange(5))
