import numpy as np
import pytest
import torch

from tests.data.readers.reader_layouts import raw_iq
from wirelessfm.data.readers.raw_iq import KINDS, read_raw_iq
from wirelessfm.errors import WirelessFMError


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_scaled_to_full_scale(tmp_path, kind):
    numbers = np.random.default_rng(0).integers(0, 127, 400).astype(np.float32).reshape(-1, 2)
    expected = {"cu8": (numbers - 127.5) / 128, "cs8": numbers / 128, "cs16": numbers / 2**15, "cf32": numbers}[kind]
    iq = read_raw_iq(raw_iq(tmp_path, kind), sample_rate_hz=2e6)
    np.testing.assert_allclose(torch.view_as_real(iq.samples), expected, rtol=1e-6)
    assert iq.duration_s == 1e-4
    part = read_raw_iq(raw_iq(tmp_path, kind), start=10, count=5)
    assert torch.equal(part.samples, iq.samples[10:15])


def test_errors(tmp_path):
    path = raw_iq(tmp_path)
    with pytest.raises(WirelessFMError, match="it has 200"):
        read_raw_iq(path, start=190, count=20)
    (tmp_path / "odd.cs16").write_bytes(b"12345")
    with pytest.raises(WirelessFMError, match="not a whole number of 4-byte samples"):
        read_raw_iq(tmp_path / "odd.cs16")
    with pytest.raises(WirelessFMError, match=r"'cu9'.*Did you mean 'cu8'"):
        read_raw_iq(path, kind="cu9")


def test_published_recording_holds_ads_b_messages(sample):
    """Pulses at 0, 1, 3.5 and 4.5 us, then 112 bits of 1 us whose 24-bit CRC (polynomial FFF409) is zero."""
    iq = read_raw_iq(sample("mode-s-iq") / "modes1.bin", kind="cu8", sample_rate_hz=2e6, centre_hz=1090e6)
    power = iq.samples.abs().numpy()
    window = np.lib.stride_tricks.sliding_window_view(power, 16 + 224)
    pulses, gaps = window[:, [0, 2, 7, 9]].min(1), window[:, [1, 3, 4, 5, 6, 8, 10, 11, 12, 13, 14, 15]].max(1)
    bits = (window[pulses > gaps][:, 16::2] > window[pulses > gaps][:, 17::2]).astype(np.uint8)
    for place in range(88):
        bits[:, place : place + 25] ^= np.outer(bits[:, place], [int(b) for b in f"{0x1FFF409:b}"]).astype(np.uint8)
    assert int((bits[:, 88:].sum(1) == 0).sum()) >= 100
