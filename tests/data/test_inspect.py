import numpy as np
import pytest

from tests.data.readers import reader_layouts as layouts
from wirelessfm.data.card import load_card
from wirelessfm.data.card_values import read_with_card
from wirelessfm.data.inspect import inspect_file, write_card_skeleton
from wirelessfm.data.readers import READERS
from wirelessfm.errors import WirelessFMError

KNOWN = {
    "csinet": layouts.csinet,
    "deepmimo-v3": layouts.deepmimo_v3,
    "deepmimo-v4": layouts.deepmimo_v4,
    "esp32-har": layouts.esp32_har,
    "intel5300-loc8": layouts.intel5300_loc8,
    "llm4cp": layouts.llm4cp,
    "nist-qd": layouts.nist_qd,
    "openofdm-iq": layouts.openofdm_iq,
    "quadriga": layouts.quadriga,
    "raw-iq": layouts.raw_iq,
    "remcom-text": layouts.remcom_text,
    "sigmf": layouts.sigmf,
    "uwb-cir": layouts.uwb_cir,
    "wifi-log": lambda folder: layouts.intel5300_log(folder)[0],
    "wifo": layouts.wifo,
    "wimae": layouts.wimae,
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_formats_are_recognised_with_a_reason(tmp_path, name):
    found = inspect_file(KNOWN[name](tmp_path / "x"))
    assert found.guess == name and name in READERS and name in str(found) and found.reason


def test_every_reader_but_the_card_is_recognised():
    assert set(KNOWN) == set(READERS) - {"card"}


def test_zip_of_deepmimo_v4(tmp_path):
    assert inspect_file(layouts.zipped(layouts.deepmimo_v4(tmp_path / "c"), tmp_path / "c.zip")).guess == "deepmimo-v4"


def test_figures_of_an_unknown_file(tmp_path):
    values = np.full((4, 3), 10.0)
    values[0, 0], values[1, 1] = np.nan, 0
    np.savez(tmp_path / "a.npz", values=values, words=np.array(["x", "y"]))
    found = inspect_file(tmp_path / "a.npz")
    array = {a.name: a for a in found.arrays}["values"]
    assert (array.not_finite, array.zeros, array.minimum, array.maximum) == (1, 1, 0, 10)
    assert array.mean_power_db == pytest.approx(10 * np.log10(1000 / 11))
    assert found.guess is None and "card" in found.reason and "1 not finite" in str(found)


def test_figures_are_the_same_in_blocks_and_stop_at_the_limit(tmp_path, monkeypatch):
    values = layouts.random_complex(40, 6, 3)
    for file in (layouts.save_v73(tmp_path / "a.mat", h=values), tmp_path / "a.npz"):
        if file.suffix == ".npz":
            np.savez(file, h=values)
        whole = inspect_file(file).arrays[0]
        monkeypatch.setattr("wirelessfm.data.inspect._BLOCK_BYTES", 1)
        small = inspect_file(file).arrays[0]
        monkeypatch.undo()
        assert small.mean_power_db == pytest.approx(whole.mean_power_db) and small.maximum == whole.maximum
        assert whole.mean_power_db == pytest.approx(10 * np.log10(np.mean(np.abs(values) ** 2)), abs=1e-4)
        assert inspect_file(file, max_bytes=values.nbytes // 3).arrays[0].seen == pytest.approx(1 / 3, abs=0.02)


def test_card_skeleton_is_a_valid_card_for_the_file(tmp_path):
    file = tmp_path / "a.npz"
    np.savez(file, h=np.ones((6, 4, 8, 2)), place=np.arange(6))
    card = write_card_skeleton(file)
    assert load_card(card).axes == ("sample", "antenna", "subcarrier", "re_im")
    csi = read_with_card(file)
    assert csi.values.shape == (6, 4, 8) and csi.labels["place"].tolist() == list(range(6))
    assert inspect_file(file).guess == "card"
    with pytest.raises(WirelessFMError, match="already exists"):
        write_card_skeleton(file)


def test_nothing_there_and_pickles(tmp_path):
    with pytest.raises(WirelessFMError, match="found nothing"):
        inspect_file(tmp_path / "nope")
    np.savez(tmp_path / "a.npz", h=np.array([{}]))
    with pytest.raises(WirelessFMError, match=r"numpy\.savez"):
        inspect_file(tmp_path / "a.npz")
