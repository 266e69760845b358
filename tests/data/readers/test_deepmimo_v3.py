from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.data.readers.reader_layouts import Scene, deepmimo_v3
from wirelessfm.data.readers.deepmimo_v3 import deepmimo_v3_base_stations, read_deepmimo_v3
from wirelessfm.data.readers.geometry import los_geometry
from wirelessfm.errors import WirelessFMError


def test_synthetic_scenario_returns_the_scene(tmp_path):
    paths = read_deepmimo_v3(deepmimo_v3(tmp_path / "city"))
    assert paths.n_paths.tolist() == [2, 0, 1, 2]
    assert paths.los.tolist() == [1, -1, 0, 1]
    truth = np.concatenate(Scene().paths(), axis=1)
    mask = paths.path_mask()
    np.testing.assert_allclose(paths.delay_s[mask], truth[0], rtol=1e-6)
    np.testing.assert_allclose(20 * torch.log10(paths.gain[mask].abs()), truth[1], atol=1e-4)
    np.testing.assert_allclose(paths.departure_azimuth_rad[mask].rad2deg(), truth[2], atol=1e-3)
    np.testing.assert_allclose(paths.arrival_elevation_rad[mask].rad2deg(), truth[5], atol=1e-3)
    assert paths.meta.carrier_hz == 3.5e9 and paths.meta.scene == "city" and paths.meta.site == "bs1"
    geometry = los_geometry(paths)
    assert geometry["users"] == 2
    assert geometry["departure_error_rad"] < 1e-5 and geometry["arrival_error_rad"] < 1e-5
    assert abs(geometry["gain_over_free_space_db"]) < 1e-3 and geometry["carrier_phase"] > 0.999


def test_swapped_angle_rows_would_be_noticed(tmp_path):
    paths = read_deepmimo_v3(deepmimo_v3(tmp_path / "city"))

    swapped = replace(paths, departure_azimuth_rad=paths.arrival_azimuth_rad)
    assert los_geometry(swapped)["departure_error_rad"] > 1


def test_unknown_base_station_lists_the_known(tmp_path):
    folder = deepmimo_v3(tmp_path / "city")
    assert deepmimo_v3_base_stations(folder) == [1]
    with pytest.raises(WirelessFMError, match=r"'4'.*Known: 1"):
        read_deepmimo_v3(folder, bs=4)


def test_missing_user_file_is_an_error(tmp_path):
    folder = deepmimo_v3(tmp_path / "city")
    (folder / "BS1_UE_0-3.mat").unlink()
    with pytest.raises(WirelessFMError, match="users 0 to 3 of BS1"):
        read_deepmimo_v3(folder)


def test_missing_folder_and_missing_params(tmp_path):
    with pytest.raises(WirelessFMError, match="found nothing"):
        read_deepmimo_v3(tmp_path / "nowhere")
    folder = deepmimo_v3(tmp_path / "city")
    (folder / "params.mat").unlink()
    with pytest.raises(WirelessFMError, match="not readable as a DeepMIMO v3"):
        read_deepmimo_v3(folder)


@pytest.mark.parametrize("scene, carrier_hz", [("city_12_fortworth", 3.5e9), ("fortworth_28ghz", 28e9)])
def test_published_scenario_agrees_with_its_geometry(sample, scene, carrier_hz):
    paths = read_deepmimo_v3(sample("deepmimo-v3-fortworth") / scene)
    assert paths.n_users == 6192 and int((paths.n_paths > 0).sum()) == 1902
    assert paths.meta.carrier_hz == carrier_hz
    geometry = los_geometry(paths)
    assert geometry["users"] == 1016
    assert geometry["departure_error_rad"] < 2e-5 and geometry["arrival_error_rad"] < 2e-5
    assert abs(geometry["delay_error_m"]) < 0.05
    assert abs(geometry["gain_over_free_space_db"]) < 0.02
    assert geometry["carrier_phase"] > 0.99
