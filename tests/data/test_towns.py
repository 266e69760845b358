"""Made-up towns: repeatable, different, of known materials, and such that users can stand in their streets."""

from __future__ import annotations

import re
from importlib import util

import numpy as np
import pytest

from wirelessfm.data.simulate.places import Outdoors
from wirelessfm.data.simulate.towns import SIDE_M, WALLS, town_number, town_xml
from wirelessfm.errors import WirelessFMError

NUMBER = r"(-?[\d.]+)"
BOX = re.compile(
    rf'id="mesh-building-\d+">.*?<scale x="{NUMBER}" y="{NUMBER}" z="{NUMBER}"/><rotate z="1" angle="{NUMBER}"/>'
    rf'<translate x="{NUMBER}" y="{NUMBER}" z="{NUMBER}"/></transform><ref id="(\w+)"'
)


def _boxes(number: int) -> list[tuple[np.ndarray, str]]:
    found = BOX.findall(town_xml(number))
    return [(np.array([float(value) for value in box[:7]]), box[7]) for box in found]


def test_a_number_is_a_town() -> None:
    assert town_xml(3) == town_xml(3)
    assert len({town_xml(number) for number in range(20)}) == 20
    with pytest.raises(WirelessFMError, match="at least 0, found -1"):
        town_xml(-1)


@pytest.mark.parametrize(("scene", "number"), [("town-7", 7), ("town-", None), ("town--1", None), ("munich", None)])
def test_which_names_are_towns(scene: str, number: int | None) -> None:
    assert town_number(scene) == number


@pytest.mark.parametrize("number", range(8))
def test_buildings_stand_on_the_ground_inside_the_town(number: int) -> None:
    boxes = _boxes(number)
    assert len(boxes) >= 10
    assert {material for _, material in boxes} <= set(WALLS)
    for (_, _, half_height, _, x, y, z), _ in boxes:
        assert z == pytest.approx(half_height, abs=1e-3)
        assert 3 <= 2 * half_height <= 90
        assert max(abs(x), abs(y)) < SIDE_M / 2


def test_towns_differ_in_height_density_and_materials() -> None:
    towns = [_boxes(number) for number in range(30)]
    heights = [np.median([2 * size[2] for size, _ in town]) for town in towns]
    assert min(heights) < 10 and max(heights) > 25
    assert max(map(len, towns)) > 3 * min(map(len, towns))
    common = [max(set(names), key=names.count) for names in ([name for _, name in town] for town in towns)]
    assert len(set(common)) >= 4


@pytest.mark.skipif(not (util.find_spec("sionna") and util.find_spec("mitsuba")), reason="needs the extra 'rt'")
def test_roofs_are_no_ground() -> None:
    town = Outdoors("town-4")
    assert town.extent_m == pytest.approx(SIDE_M, abs=60)
    (_, _, _, _, x, y, _), _ = _boxes(4)[0]
    inside, outside = town.ground_height_m(np.array([[x, y], [3 * SIDE_M, 0]]))
    assert np.isnan(inside) and np.isnan(outside)
    points = np.random.default_rng(0).uniform(-SIDE_M / 2, SIDE_M / 2, (500, 2))
    street = np.isfinite(heights := town.ground_height_m(points))
    assert 0.2 < street.mean() < 0.98
    np.testing.assert_allclose(heights[street], 0, atol=1e-3)
    with pytest.raises(WirelessFMError, match=r"unknown scene.*town-0.*munich"):
        Outdoors("town")
