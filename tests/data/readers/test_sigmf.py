import json

import pytest
import torch

from tests.data.readers.reader_layouts import sigmf
from wirelessfm.data.readers.sigmf import read_sigmf
from wirelessfm.errors import WirelessFMError


def test_either_file_names_the_recording(tmp_path):
    path = sigmf(tmp_path)
    iq = read_sigmf(path)
    assert torch.equal(read_sigmf(path.with_suffix(".sigmf-data")).samples, iq.samples)
    assert (len(iq), iq.sample_rate_hz, iq.centre_hz, iq.licence) == (200, 1e6, 1e8, "CC0")
    mark = iq.annotations[0]
    assert (mark.start, mark.count, mark.label, mark.low_hz, mark.high_hz) == (20, 50, "burst", 99e6, None)
    assert float(iq.samples.abs().max()) < 2000 * 2**0.5 / 2**15


@pytest.mark.parametrize(
    "key, value, message",
    [
        ("core:datatype", "rf32_le", "not complex samples"),
        ("core:num_channels", 2, "one channel, found 2"),
        ("core:sha512", "00", "SHA-512 differs"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path, key, value, message):
    path = sigmf(tmp_path)
    meta = json.loads(path.read_text())
    meta["global"][key] = value
    path.write_text(json.dumps(meta))
    with pytest.raises(WirelessFMError, match=message):
        read_sigmf(path)


def test_annotation_outside_the_recording(tmp_path):
    path = sigmf(tmp_path)
    path.write_text(path.read_text().replace('"core:sample_count": 50', '"core:sample_count": 5000'))
    with pytest.raises(WirelessFMError, match=r"20\+5000 is outside 200"):
        read_sigmf(path)


def test_published_recording_has_its_power_where_it_is_annotated(sample):
    iq = read_sigmf(sample("nbiot-sigmf") / "V16-beacon-NB-IoT-uplink.sigmf-meta")
    assert len(iq.annotations) == 19 and iq.duration_s == pytest.approx(0.8)
    marked = torch.zeros(len(iq), dtype=torch.bool)
    for mark in iq.annotations:
        marked[mark.start : mark.start + mark.count] = True
    power = iq.samples.abs().square()
    assert float(marked.float().mean()) == pytest.approx(0.22, abs=0.005)
    assert float(10 * torch.log10(power[marked].mean() / power[~marked].mean())) == pytest.approx(8.2, abs=0.1)
