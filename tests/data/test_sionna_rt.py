"""Ray tracing: geometry, resuming, placing, walking, and clear errors. Traces the small street canyon only."""

from __future__ import annotations

import ctypes.util
import math
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from wirelessfm.data.simulate import llvm, request, sionna_rt
from wirelessfm.data.simulate.path_arrays import path_arrays
from wirelessfm.data.simulate.places import Outdoors
from wirelessfm.data.simulate.plan import draw_users, site_positions
from wirelessfm.data.simulate.request import TraceRequest
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import LOS, SPEED_OF_LIGHT_M_PER_S, Paths

SCENE = "simple_street_canyon"
SMALL = TraceRequest(
    scene=SCENE, carriers_hz=(3.5e9, 28e9), spacing_m=6.0, radius_m=60.0, rays=2000, depth=2, deterministic=True
)


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


traced = pytest.mark.skipif(
    not (_installed("sionna-rt") and _installed("karellen-llvm-core")), reason="needs the extra 'rt'"
)


@pytest.fixture(scope="module")
def canyon() -> Outdoors:
    return Outdoors(SCENE)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return sionna_rt.trace_scene(SMALL, tmp_path_factory.mktemp("traced"), progress=False)


@traced
def test_one_folder_per_carrier_with_the_same_users(folders: list[Path]) -> None:
    assert [folder.name for folder in folders] == [f"{SCENE}-bs0-3.5GHz", f"{SCENE}-bs0-28GHz"]
    low, high = map(Paths.load, folders)
    assert torch.equal(low.position_m, high.position_m)
    assert 0 < int((low.los == LOS).sum()) < len(low.connected()) < len(low)
    assert low.doppler_hz is None
    assert not (folders[0].parent / ".partial").exists()


@traced
def test_line_of_sight_is_geometry_and_free_space(folders: list[Path]) -> None:
    for paths in map(Paths.load, folders):
        seen = paths[paths.los == LOS]
        offset = seen.position_m - torch.tensor(paths.meta.bs_position_m)
        distance = offset.norm(dim=1)
        torch.testing.assert_close(seen.delay_s[:, 0] * SPEED_OF_LIGHT_M_PER_S, distance, rtol=0, atol=1e-3)
        expected = SPEED_OF_LIGHT_M_PER_S / paths.meta.carrier_hz / (4 * math.pi * distance)
        torch.testing.assert_close(seen.gain[:, 0].abs(), expected, rtol=1e-3, atol=0)
        elevation = torch.asin(offset[:, 2] / distance)
        torch.testing.assert_close(seen.departure_elevation_rad[:, 0], elevation, rtol=0, atol=1e-4)
        torch.testing.assert_close(seen.arrival_elevation_rad[:, 0], -elevation, rtol=0, atol=1e-4)
        azimuth = torch.atan2(offset[:, 1], offset[:, 0])
        # A user right below the base station has no meaningful azimuth.
        aside = offset[:, :2].norm(dim=1) > 0.1
        for found, expected in (
            (seen.departure_azimuth_rad[:, 0], azimuth),
            (seen.arrival_azimuth_rad[:, 0], azimuth + math.pi),
        ):
            turned = (found - expected)[aside]
            torch.testing.assert_close(turned.cos(), torch.ones_like(turned), rtol=0, atol=1e-6)


@traced
def test_interrupted_trace_goes_on_and_gives_the_same(
    folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Three batches at the first carrier.
    monkeypatch.setattr(request, "BATCH_USER_RAYS", SMALL.rays * math.ceil(len(Paths.load(folders[0])) / 3))
    solved = []

    def interrupted(*args):
        if len(solved) == 2:
            raise KeyboardInterrupt
        solved.append(1)
        return path_arrays(*args)

    monkeypatch.setattr(sionna_rt, "path_arrays", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sionna_rt.trace_scene(SMALL, tmp_path, progress=False)
    assert [entry.name for entry in tmp_path.iterdir()] == [".partial"]
    assert len(list((tmp_path / ".partial").rglob("batch-*.npz"))) == 2

    solved.extend([1] * 8)
    again = sionna_rt.trace_scene(SMALL, tmp_path, progress=False)
    # One batch was missing at the first carrier; only connected users are traced at the second.
    assert 11 < len(solved) <= 11 + 2
    total = len(solved)
    for new, old in zip(again, folders, strict=True):
        assert Paths.load(new).fingerprint() == Paths.load(old).fingerprint()
    sionna_rt.trace_scene(SMALL, tmp_path, progress=False)
    assert len(solved) == total


@traced
def test_folder_of_another_request_is_refused(folders: list[Path]) -> None:
    other = TraceRequest(scene=SCENE, spacing_m=6.0, radius_m=60.0, rays=1000, depth=2)
    with pytest.raises(WirelessFMError, match="another request"):
        sionna_rt.trace_scene(other, folders[0].parent, progress=False)


@traced
def test_n_connected_is_decided_by_the_first_carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "BATCH_USER_RAYS", 2000 * 40)
    wish = TraceRequest(**{**vars(SMALL), "n_connected": 10})
    low, high = map(Paths.load, sionna_rt.trace_scene(wish, tmp_path, progress=False))
    assert len(low.connected()) >= 10
    assert len(low) == 40
    assert torch.equal(low.position_m, high.position_m)
    with pytest.raises(WirelessFMError, match="n_connected asks for 100000"):
        sionna_rt.trace_scene(TraceRequest(**{**vars(SMALL), "n_connected": 100_000}), tmp_path / "b", progress=False)


@traced
def test_walkers_keep_their_speed_and_have_doppler(tmp_path: Path) -> None:
    walk = TraceRequest(
        scene=SCENE, layout="walk", n_walks=6, n_steps=10, speed_m_per_s=2.0, interval_s=0.5, rays=2000, depth=2
    )
    paths = Paths.load(sionna_rt.trace_scene(walk, tmp_path, progress=False)[0])
    assert len(paths) == 60
    track = paths.position_m.double().reshape(6, 10, 3)
    moved = track.diff(dim=1)[..., :2].norm(dim=-1)
    assert bool((((moved - 1.0).abs() < 1e-3) | (moved == 0)).all()) and bool((moved > 0).any())

    # Line of sight: the Doppler shift is minus the rate at which the distance grows, in wavelengths.
    away = track - torch.tensor(paths.meta.bs_position_m, dtype=torch.float64)
    away = away / away.norm(dim=-1, keepdim=True)
    rate = (track.diff(dim=1) / walk.interval_s * away[:, :-1]).sum(dim=-1)
    doppler_hz = paths.doppler_hz[:, 0].double().reshape(6, 10)[:, :-1]
    seen = (paths.los == LOS).reshape(6, 10)[:, :-1]
    expected = -rate * paths.meta.carrier_hz / SPEED_OF_LIGHT_M_PER_S
    assert bool(seen.any())
    torch.testing.assert_close(doppler_hz[seen], expected[seen], rtol=0, atol=0.01)


@traced
def test_only_open_ground_counts(canyon: Outdoors) -> None:
    building = canyon.scene.objects["building_6"].mi_mesh.bbox()
    roof = (np.array(building.min) + np.array(building.max))[:2] / 2
    inside, street, nowhere = canyon.ground_height_m(np.array([roof, canyon.centre_m, [1e4, 1e4]]))
    assert np.isnan(inside) and np.isnan(nowhere)
    assert abs(street) < 0.1


@traced
def test_sites_are_high_apart_and_repeatable(canyon: Outdoors) -> None:
    wish = TraceRequest(scene=SCENE, n_sites=3, seed=4)
    sites = site_positions(wish, canyon)
    height = sites[:, 2] - canyon.ground_height_m(sites[:, :2])
    assert height.min() >= 9.99 and height.max() <= 25.01
    gaps = np.linalg.norm(sites[:, None, :2] - sites[None, :, :2], axis=-1)[np.triu_indices(3, 1)]
    assert gaps.min() >= 10
    np.testing.assert_array_equal(sites, site_positions(wish, canyon))
    users = draw_users(wish, canyon, sites[0])
    np.testing.assert_array_equal(users.position_m, draw_users(wish, canyon, sites[0]).position_m)


@traced
def test_clear_errors_for_scenes_and_places(canyon: Outdoors, tmp_path: Path) -> None:
    with pytest.raises(WirelessFMError, match=r"unknown scene 'munch'.*munich"):
        Outdoors("munch")
    with pytest.raises(WirelessFMError, match="no ground mesh"):
        Outdoors("box")
    with pytest.raises(WirelessFMError, match="no outdoor user"):
        draw_users(SMALL, canyon, np.array([5000.0, 0.0, 20.0]))
    far = TraceRequest(scene=SCENE, carriers_hz=(60e9,), spacing_m=20.0, rays=100)
    with pytest.raises(WirelessFMError, match="60 GHz"):
        sionna_rt.trace_scene(far, tmp_path, progress=False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_sites": 0},
        {"spacing_m": 0.0},
        {"carriers_hz": ()},
        {"carriers_hz": (-1.0,)},
        {"layout": "line"},
        {"layout": "walk", "max_users": 5},
        {"speed_m_per_s": float("nan")},
    ],
)
def test_bad_requests_are_refused(wrong: dict) -> None:
    with pytest.raises(WirelessFMError):
        TraceRequest(**wrong)


def test_strongest_paths_are_kept_in_order_of_delay() -> None:
    class Stored:
        def __init__(self, values):
            self.values = np.asarray(values)

        def numpy(self):
            return self.values

    delay_s = np.array([[3e-6, 1e-6, 2e-6, 4e-6], [1e-6, -1, -1, -1], [-1, -1, -1, -1]])[:, None]
    gain = np.array([[0.3, 0.1, 0.2, 0.4], [0.5, 0, 0, 0], [0, 0, 0, 0]])[:, None, None, None]
    angle = Stored(np.zeros_like(delay_s))
    bounces = np.array([[[1, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]]])[:, :, None]
    found = SimpleNamespace(
        tau=Stored(delay_s), a=(Stored(gain), Stored(0 * gain)), valid=Stored(delay_s > 0), doppler=angle,
        phi_t=angle, theta_t=angle, phi_r=angle, theta_r=angle, interactions=Stored(bounces),
    )  # fmt: skip
    arrays = path_arrays(found, 1e6, 3)
    np.testing.assert_allclose(arrays["delay_s"], [[2e-6, 3e-6, 4e-6], [1e-6, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(arrays["gain"], [[0.2, 0.3, 0.4], [0.5, 0, 0], [0, 0, 0]], atol=1e-6)
    assert arrays["n_paths"].tolist() == [3, 1, 0]
    # The direct path of the first user was its weakest and is cut.
    assert arrays["los"].tolist() == [0, 1, -1]
    assert path_arrays(found, 1e6, 25)["gain"].shape == (3, 25)


def test_unsuitable_llvm_is_an_error_and_not_an_abort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "libLLVM.so"
    text.write_text("not a library")
    with pytest.raises(WirelessFMError, match="cannot load"):
        llvm.check_version(str(text))
    other = ctypes.util.find_library("m")
    if other is not None and sys.platform == "linux":
        with pytest.raises(WirelessFMError, match="no LLVM library"):
            llvm.check_version(other)
    for version in (14, 15, 16):
        old = ctypes.util.find_library(f"LLVM-{version}")
        if old is not None:
            with pytest.raises(WirelessFMError, match="LLVM"):
                llvm.check_version(old)


@traced
def test_packaged_llvm_is_new_enough_and_the_variable_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    llvm.check_version(llvm.packaged_library())
    monkeypatch.setenv(llvm.VARIABLE, "/nowhere/libLLVM.so")
    with pytest.raises(WirelessFMError, match=llvm.VARIABLE):
        llvm.sionna_rt()


@traced
def test_drjit_imported_too_early_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(llvm.VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "drjit", SimpleNamespace())
    with pytest.raises(WirelessFMError, match="imported before"):
        llvm.sionna_rt()


def test_missing_packages_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(llvm.metadata, "version", absent)
    monkeypatch.setattr(llvm.metadata, "files", absent)
    for call in (llvm.sionna_rt, llvm.packaged_library):
        with pytest.raises(WirelessFMError, match=r"wirelessfm\[rt\]"):
            call()
