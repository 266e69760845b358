import json
import zipfile

import numpy as np
import pytest
import torch

from tests.data.readers.reader_layouts import Scene, deepmimo_v4, zipped
from wirelessfm.data.readers.deepmimo_v4 import read_deepmimo_v4
from wirelessfm.data.readers.geometry import los_geometry
from wirelessfm.errors import WirelessFMError


@pytest.mark.parametrize("kind", ["npz", "mat"])
@pytest.mark.parametrize("zenith", [True, False])
@pytest.mark.parametrize("inter", [True, False])
def test_synthetic_scenario_returns_the_scene(tmp_path, kind, zenith, inter):
    paths = read_deepmimo_v4(deepmimo_v4(tmp_path / "city", kind=kind, zenith=zenith, inter=inter))
    assert paths.n_paths.tolist() == [2, 0, 1, 2]
    assert paths.los.tolist() == [1, -1, 0, 1]
    truth = np.concatenate(Scene().paths(), axis=1)
    mask = paths.path_mask()
    for row, name in enumerate(("departure_azimuth", "departure_elevation", "arrival_azimuth", "arrival_elevation"), 2):
        np.testing.assert_allclose(getattr(paths, f"{name}_rad")[mask].rad2deg(), truth[row], atol=1e-3)
    assert los_geometry(paths)["departure_error_rad"] < 1e-5
    assert abs(los_geometry(paths)["gain_over_free_space_db"]) < 1e-3
    if inter:
        assert paths.n_interactions[mask].tolist() == [0, 2, 2, 0, 2]


def test_zip_is_read_in_place_and_equals_the_folder(tmp_path):
    folder = deepmimo_v4(tmp_path / "city")
    archive = zipped(folder, tmp_path / "city.zip")
    with zipfile.ZipFile(archive, "a") as content:
        content.writestr("../escaped.txt", "nothing may be written")
    before = sorted(tmp_path.iterdir())
    assert torch.equal(read_deepmimo_v4(archive).gain, read_deepmimo_v4(folder).gain)
    assert sorted(tmp_path.iterdir()) == before and not (tmp_path.parent / "escaped.txt").exists()


def test_unknown_set_lists_the_known(tmp_path):
    with pytest.raises(WirelessFMError, match=r"t7 tx0 r\*.*Known: t1 tx0 r0"):
        read_deepmimo_v4(deepmimo_v4(tmp_path / "city"), tx_set=7)


def test_pickled_matrix_is_refused_with_a_remedy(tmp_path):
    folder = deepmimo_v4(tmp_path / "city")
    np.savez(folder / "power_t001_tx000_r000.npz", power=np.array([{"a": 1}], dtype=object))
    with pytest.raises(WirelessFMError, match=r"never read here.*numpy.savez"):
        read_deepmimo_v4(folder)


def test_matrices_of_other_shape_are_an_error(tmp_path):
    folder = deepmimo_v4(tmp_path / "city")
    np.savez(folder / "delay_t001_tx000_r000.npz", delay=np.zeros((4, 2)))
    with pytest.raises(WirelessFMError, match=r"delay must be \[user, path\] like power"):
        read_deepmimo_v4(folder)


def test_missing_params(tmp_path):
    folder = deepmimo_v4(tmp_path / "city")
    (folder / "params.json").write_text(json.dumps({}))
    with pytest.raises(WirelessFMError, match="rt_params"):
        read_deepmimo_v4(folder)
    (folder / "params.json").unlink()
    with pytest.raises(WirelessFMError, match=r"no params\.json"):
        read_deepmimo_v4(folder)
