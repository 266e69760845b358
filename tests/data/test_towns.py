"""Made-up towns: repeatable, different, of known materials, and such that users can stand in their streets."""

from __future__ import annotations

import hashlib
import re
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from wirelessfm.data.simulate import sionna_rt
from wirelessfm.data.simulate.places import Outdoors
from wirelessfm.data.simulate.request import TraceRequest
from wirelessfm.data.simulate.towns import SIDE_M, WALLS, town_number, town_xml
from wirelessfm.errors import WirelessFMError

traced = pytest.mark.skipif(not (util.find_spec("sionna") and util.find_spec("mitsuba")), reason="needs the extra 'rt'")
NUMBER = r"(-?[\d.]+)"
BOX = re.compile(
    rf'id="mesh-building-\d+">.*?<scale x="{NUMBER}" y="{NUMBER}" z="{NUMBER}"/><rotate z="1" angle="{NUMBER}"/>'
    rf'<translate x="{NUMBER}" y="{NUMBER}" z="{NUMBER}"/></transform><ref id="(\w+)"'
)


def _boxes(number: int) -> list[tuple[np.ndarray, str]]:
    found = BOX.findall(town_xml(number))
    return [(np.array([float(value) for value in box[:7]]), box[7]) for box in found]


def test_a_number_is_a_town() -> None:
    # Paths that were traced in them belong to these very towns.
    digests = [hashlib.sha256(town_xml(number).encode()).hexdigest()[:12] for number in (0, 1, 51)]
    assert digests == ["fa4c2050c60c", "3a4e5e8f9fe4", "ae0669b5e3a3"]
    assert len({town_xml(number) for number in range(20)}) == 20
    with pytest.raises(WirelessFMError, match="at least 0, found -1"):
        town_xml(-1)


@pytest.mark.parametrize(
    ("scene", "number"),
    [("town-7", 7), ("town-007", None), ("town-٣", None), ("town-", None), ("town--1", None), ("munich", None)],
)
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


@traced
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


@traced
def test_a_scene_that_cannot_be_traced_does_not_keep_others_from_it(tmp_path: Path, monkeypatch) -> None:
    done = []

    def fake(request: TraceRequest, out: Path, progress: bool) -> list[Path]:
        done.append(request.scene)
        if request.scene == "town-1":
            raise WirelessFMError("too few users")
        return [out / request.scene]

    monkeypatch.setattr(sionna_rt, "trace_scene", fake)
    requests = [TraceRequest(scene=f"town-{number}") for number in range(3)]
    made = []
    with pytest.raises(WirelessFMError, match="town-1: too few users"):
        made.extend(sionna_rt.trace_scenes(requests, tmp_path))
    assert done == ["town-0", "town-1", "town-2"]
    with pytest.raises(WirelessFMError, match=r"unknown scene.*'muncih'"):
        list(sionna_rt.trace_scenes([*requests, TraceRequest(scene="muncih")], tmp_path))
    assert len(done) == 3
