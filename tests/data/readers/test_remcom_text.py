import numpy as np
import pytest

from tests.data.readers.reader_layouts import Scene, remcom_text
from wirelessfm.data.readers.geometry import los_geometry
from wirelessfm.data.readers.remcom_text import read_remcom_text
from wirelessfm.errors import WirelessFMError


def test_synthetic_text_returns_the_scene(tmp_path):
    paths = read_remcom_text(remcom_text(tmp_path / "hall", level_db=10), level_db=10, half_wave_dipoles=False)
    assert paths.n_paths.tolist() == [2, 0, 1, 2] and paths.los.tolist() == [1, -1, 0, 1]
    truth = np.concatenate(Scene().paths(), axis=1)
    mask = paths.path_mask()
    np.testing.assert_allclose(paths.arrival_azimuth_rad[mask].rad2deg(), truth[4], atol=1e-3)
    geometry = los_geometry(paths)
    assert geometry["departure_error_rad"] < 1e-5 and abs(geometry["gain_over_free_space_db"]) < 1e-3


def test_dipole_pattern_only_raises_the_isotropic_gain(tmp_path):
    folder = remcom_text(tmp_path / "hall")
    plain, corrected = (read_remcom_text(folder, half_wave_dipoles=d).power_db() for d in (False, True))
    connected = plain.isfinite()
    assert bool((corrected[connected] > plain[connected]).all())


def test_unknown_link_and_missing_user(tmp_path):
    folder = remcom_text(tmp_path / "hall")
    with pytest.raises(WirelessFMError, match=r"'MB'.*Known: BM, BR, RM"):
        read_remcom_text(folder, link="MB")
    text = (folder / "Info_BM.txt").read_text()
    (folder / "Info_BM.txt").write_text(text.partition("<ue>")[2])
    with pytest.raises(WirelessFMError, match="3 users"):
        read_remcom_text(folder)


@pytest.mark.parametrize("link, users", [("BM", 280), ("RM", 280), ("BR", 1)])
def test_published_factory_agrees_with_its_geometry(sample, link, users):
    paths = read_remcom_text(sample("ris-factory-60ghz-raytrace"), link)
    geometry = los_geometry(paths)
    assert paths.gain.shape == (users, 10) and geometry["users"] == users
    assert geometry["departure_error_rad"] < 2e-5 and geometry["arrival_error_rad"] < 2e-5
    assert abs(geometry["delay_error_m"]) < 1e-4 and abs(geometry["gain_over_free_space_db"]) < 0.001
