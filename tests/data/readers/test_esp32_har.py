import numpy as np
import pytest
import torch

from tests.data.readers.reader_layouts import esp32_har
from wirelessfm.data.readers.esp32_har import read_esp32_har
from wirelessfm.errors import WirelessFMError


def test_runs_are_joined_and_counted(tmp_path):
    path = esp32_har(tmp_path)
    csi, stored = read_esp32_har(path), np.load(path)
    assert csi.values.shape == (12, 56) and csi.meta.extra["values"] == "amplitude"
    assert csi.labels["run"].tolist() == [0] * 5 + [1] * 4 + [2] * 3
    assert csi.labels["packet"].tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 0, 1, 2]
    np.testing.assert_allclose(csi.values[5].abs(), stored["D1_e01_tx_rx_x"][:, 0])
    classes = csi.meta.extra["classes"]
    assert [classes["session"][i] for i in csi.labels["session"]] == ["D1"] * 9 + ["D2"] * 3
    assert classes["activity"][csi.labels["activity"][10]] == stored["D2_e01_rx_tx_y"][1]


def test_run_without_matching_labels_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", D1_e01_rx_tx_x=np.ones((56, 4)), D1_e01_rx_tx_y=np.array(["A"] * 3))
    with pytest.raises(WirelessFMError, match="with T labels"):
        read_esp32_har(tmp_path / "a.npz")


def test_published_neighbouring_tones_fade_together(sample):
    csi = read_esp32_har(sample("esp32-csi-har-geotec") / "esp32_csi_har.npz")
    amplitude = csi.values.abs()
    near = [torch.corrcoef(amplitude[:, [k, k + 1]].T)[0, 1].item() for k in (5, 15, 35, 45)]
    assert min(near) > 0.9 > torch.corrcoef(amplitude[:, [0, 40]].T)[0, 1].item()
