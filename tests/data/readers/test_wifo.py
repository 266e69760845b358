import numpy as np
import pytest

from tests.data.readers.reader_layouts import random_complex, wifo
from wirelessfm.data.readers.wifo import read_wifo
from wirelessfm.errors import WirelessFMError


@pytest.mark.parametrize("v73", [True, False])
def test_both_kinds_of_mat_file_give_the_same(tmp_path, v73):
    csi = read_wifo(wifo(tmp_path, v73), subcarrier_spacing_hz=90e3, time_step_s=1e-3, carrier_hz=1.5e9)
    np.testing.assert_array_equal(csi.tensor("sample time antenna subcarrier"), random_complex(5, 4, 3, 6))
    assert csi.coords["time"].tolist() == [0, 1e-3, 2e-3, 3e-3]
    assert csi.coords["subcarrier"][3] == 0 and csi.coords["subcarrier"][0] == -3 * 90e3
    assert csi.meta.carrier_hz == 1.5e9


def test_unknown_variable_lists_those_there(tmp_path):
    with pytest.raises(WirelessFMError, match=r"no array 'X_train'.*X_val \[5, 4, 3, 6\]"):
        read_wifo(wifo(tmp_path), array="X_train")
