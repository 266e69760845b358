import builtins
import struct

import numpy as np
import pytest

from tests.data.readers.reader_layouts import esp32_log, intel5300_log, nexmon_log
from wirelessfm.data.readers.wifi_logs import read_wifi_log
from wirelessfm.errors import WirelessFMError


def test_intel_5300_log_comes_back(tmp_path):
    pytest.importorskip("csiread", reason="the extra 'wifi' is not installed")
    path, truth = intel5300_log(tmp_path)
    csi = read_wifi_log(path)
    np.testing.assert_array_equal(csi.tensor("sample subcarrier rx antenna"), truth)
    assert csi.labels["timestamp_us"].tolist() == [0, 1000, 2000]
    assert csi.labels["rssi_agc"][0].tolist() == [40, 41, 42, 30]


def test_esp32_log_comes_back(tmp_path):
    pytest.importorskip("csiread", reason="the extra 'wifi' is not installed")
    path, truth = esp32_log(tmp_path)
    csi = read_wifi_log(path)
    np.testing.assert_array_equal(csi.tensor("sample subcarrier"), truth)
    assert csi.labels["rssi_dbm"].tolist() == [-40, -41, -42, -43]


def test_nexmon_log_comes_back(tmp_path):
    pytest.importorskip("csiread", reason="the extra 'wifi' is not installed")
    path, truth = nexmon_log(tmp_path)
    csi = read_wifi_log(path, nexmon_bandwidth_mhz=20)
    np.testing.assert_array_equal(csi.tensor("sample subcarrier"), truth)
    assert csi.labels["timestamp_us"].tolist() == [500, 1_000_500]
    with pytest.raises(WirelessFMError, match="pass the nexmon_bandwidth_mhz"):
        read_wifi_log(path, nexmon_bandwidth_mhz=80)


def test_truncated_log_is_refused(tmp_path):
    pytest.importorskip("csiread", reason="the extra 'wifi' is not installed")
    path, _ = intel5300_log(tmp_path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(WirelessFMError, match="is damaged: frame at byte"):
        read_wifi_log(path)


def test_oversized_nexmon_packet_is_refused_before_the_parser_sees_it(tmp_path):
    pytest.importorskip("csiread", reason="the extra 'wifi' is not installed")
    frame = bytes(6) + b"NEXMON" + bytes(9000)
    packet = struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame
    (tmp_path / "log.pcap").write_bytes(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + packet)
    with pytest.raises(WirelessFMError, match="claims 9012 bytes"):
        read_wifi_log(tmp_path / "log.pcap", nexmon_bandwidth_mhz=20)


def test_missing_package_names_the_extra(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "csiread":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(WirelessFMError, match=r"wirelessfm\[wifi\]"):
        read_wifi_log(tmp_path / "log.dat")
