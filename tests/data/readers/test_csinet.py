import numpy as np
import pytest
import scipy.io

from tests.data.readers.reader_layouts import csinet
from wirelessfm.data.readers.csinet import read_csinet
from wirelessfm.errors import WirelessFMError


def test_planes_are_centred(tmp_path):
    path = csinet(tmp_path)
    stored = scipy.io.loadmat(path)["HT"].reshape(-1, 2, 32, 32)
    csi = read_csinet(path)
    np.testing.assert_allclose(csi.values.real, stored[:, 0] - 0.5, atol=1e-7)
    np.testing.assert_allclose(csi.values.imag, stored[:, 1] - 0.5, atol=1e-7)
    assert csi.meta.carrier_hz == 5.3e9 and csi.meta.extra["domain"] == "angle-delay"
    assert read_csinet(path, outdoor=True).meta.carrier_hz == 300e6


def test_empty_taps_are_zero_power_after_centring(tmp_path):
    image = np.full((1, 2048), 0.5)
    image[0, 5 * 32 + 3] = 0.9
    scipy.io.savemat(tmp_path / "DATA_Htestout.mat", {"HT": image})
    csi = read_csinet(tmp_path / "DATA_Htestout.mat")
    assert csi.values.abs().count_nonzero() == 1 and csi.values[0, 5, 3] == pytest.approx(0.4)


def test_wrong_width_is_refused(tmp_path):
    scipy.io.savemat(tmp_path / "x.mat", {"HT": np.zeros((3, 2000))})
    with pytest.raises(WirelessFMError, match=r"does not reshape to \[-1, 2, 32, 32\]"):
        read_csinet(tmp_path / "x.mat")
