import numpy as np
import pytest

from tests.data.readers.reader_layouts import random_complex, wimae
from wirelessfm.data.readers.wimae import read_wimae
from wirelessfm.errors import WirelessFMError


def test_axes_and_values(tmp_path):
    csi = read_wimae(wimae(tmp_path))
    np.testing.assert_array_equal(csi.tensor("sample antenna subcarrier"), random_complex(5, 1, 4, 6)[:, 0])
    swapped = read_wimae(wimae(tmp_path), rows="subcarrier")
    np.testing.assert_array_equal(swapped.tensor("sample antenna subcarrier"), csi.tensor("sample subcarrier antenna"))


def test_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", h=random_complex(2, 3))
    with pytest.raises(WirelessFMError, match=r"no array 'channels'; it has: h \[2, 3\]"):
        read_wimae(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", channels=np.array([None]))
    with pytest.raises(WirelessFMError, match=r"numpy\.savez"):
        read_wimae(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", channels=np.zeros((2, 1, 3, 4)))
    with pytest.raises(WirelessFMError, match="values are real"):
        read_wimae(tmp_path / "c.npz")
