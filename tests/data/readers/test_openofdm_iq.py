import pytest
import torch

from tests.data.readers.reader_layouts import openofdm_iq
from wirelessfm.data.readers.openofdm_iq import read_openofdm_iq
from wirelessfm.errors import WirelessFMError


def test_unknown_capture_lists_those_there(tmp_path):
    path = openofdm_iq(tmp_path)
    assert len(read_openofdm_iq(path, "conducted_11a_6")) == 300
    with pytest.raises(WirelessFMError, match=r"no array 'conducted_11a_7'.*conducted_11a_6"):
        read_openofdm_iq(path, "conducted_11a_7")


def test_published_capture_repeats_every_16_samples(sample):
    """The short training field repeats after 0.8 us; its phase step is the carrier offset, -34 kHz."""
    iq = read_openofdm_iq(sample("wifi-iq-openofdm") / "wifi_iq.npz", "conducted_11a_24")
    windows = iq.samples.unfold(0, 160, 1)
    step = (windows[:, 16:] * windows[:, :-16].conj()).mean(1)
    energy = windows.abs().square().mean(1)
    ratio = step.abs() / energy.clamp_min(energy.max() * 0.1)
    best = int(ratio.argmax())
    assert float(ratio[best]) > 0.85
    assert float(step[best].angle()) / (2 * torch.pi * 0.8e-6) == pytest.approx(-34e3, abs=2e3)
