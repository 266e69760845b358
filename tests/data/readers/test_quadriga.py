import numpy as np
import pytest

from tests.data.readers.reader_layouts import quadriga, random_complex, save_v73
from wirelessfm.data.readers.quadriga import read_quadriga
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import OFDM


def test_response_at_the_carrier_and_delay_from_the_phase_slope(tmp_path):
    delay_s = 1.25e-7
    csi = read_quadriga(quadriga(tmp_path, delay_s), OFDM(64, 120e3), time_step_s=1e-3)
    assert csi.axes == ("sample", "time", "rx", "antenna", "subcarrier") and csi.values.shape == (1, 4, 2, 3, 64)
    coeff = random_complex(2, 3, 2, 4)
    np.testing.assert_allclose(csi.values[0, :, :, :, 32], coeff.sum(2).transpose(2, 0, 1), rtol=1e-5)
    # Two paths at d and 2d: (H[k+1] - a H[k]) removes the first when a = e^{-j 2 pi spacing d}.
    a = np.exp(-2j * np.pi * 120e3 * delay_s)
    rest = csi.values[..., 1:].numpy() - a * csi.values[..., :-1].numpy()
    np.testing.assert_allclose(rest[..., 1:] / rest[..., :-1], a**2, rtol=2e-2)
    assert csi.meta.carrier_hz == 2.4e9


def test_missing_or_disagreeing_variables(tmp_path):
    with pytest.raises(WirelessFMError, match="expected one variable 'delay', found 0"):
        read_quadriga(save_v73(tmp_path / "a.mat", coeff=random_complex(2, 3, 4)), OFDM(4, 1e3))
    wrong = save_v73(tmp_path / "b.mat", coeff=random_complex(2, 3, 4), delay=np.zeros((5, 1)))
    with pytest.raises(WirelessFMError, match="expected the same or"):
        read_quadriga(wrong, OFDM(4, 1e3))
