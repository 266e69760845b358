import numpy as np
import pytest

from tests.data.readers.reader_layouts import Scene, nist_qd
from wirelessfm.data.readers.geometry import los_geometry
from wirelessfm.data.readers.nist_qd import read_nist_qd
from wirelessfm.errors import WirelessFMError


@pytest.mark.parametrize("packed", [True, False])
def test_synthetic_output_returns_the_scene_in_the_global_frame(tmp_path, packed):
    paths = read_nist_qd(nist_qd(tmp_path / "room", packed=packed))
    assert paths.n_paths.tolist() == [2, 0, 1, 2] and paths.los.tolist() == [1, -1, 0, 1]
    truth = np.concatenate(Scene().paths(), axis=1)
    mask = paths.path_mask()
    np.testing.assert_allclose(paths.arrival_azimuth_rad[mask].rad2deg(), truth[4], atol=1e-3)
    np.testing.assert_allclose(paths.arrival_elevation_rad[mask].rad2deg(), truth[5], atol=1e-3)
    assert paths.meta.extra == {"rx": [1], "n_times": 4}
    geometry = los_geometry(paths)
    assert geometry["arrival_error_rad"] < 1e-5 and geometry["carrier_phase"] > 0.999


def test_moving_transmitter_is_refused(tmp_path):
    folder = nist_qd(tmp_path / "room")
    nodes = (folder / "NodePositions.json").read_text().replace("[[4.0, -3.0, 10.0]]", "[[4, -3, 10], [5, -3, 10]]")
    (folder / "NodePositions.json").write_text(nodes)
    with pytest.raises(WirelessFMError, match="transmitter 0 moves"):
        read_nist_qd(folder)


def test_unknown_transmitter_and_array(tmp_path):
    folder = nist_qd(tmp_path / "room")
    with pytest.raises(WirelessFMError, match=r"'5'.*Known: 0"):
        read_nist_qd(folder, tx=5)
    with pytest.raises(WirelessFMError, match="antenna arrays 0 and 3"):
        read_nist_qd(folder, paa_rx=3)


@pytest.mark.parametrize("scene, users, los", [("DenserScenario", 10, 10), ("L-Room-rotation", 200, 130)])
def test_published_output_agrees_with_its_geometry(sample, scene, users, los):
    paths = read_nist_qd(sample("nist-qd-60ghz-raytrace") / scene)
    geometry = los_geometry(paths)
    assert paths.n_users == users and geometry["users"] == los
    assert geometry["departure_error_rad"] < 1e-5 and geometry["arrival_error_rad"] < 1e-5
    assert abs(geometry["delay_error_m"]) < 0.01
    assert abs(geometry["gain_over_free_space_db"]) < 0.01
    assert geometry["carrier_phase"] > 0.999
