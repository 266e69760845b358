import tracemalloc

import numpy as np
import pytest
import yaml

from tests.data.readers import reader_layouts as layouts
from wirelessfm.arraystore import read_card
from wirelessfm.csi import CSI
from wirelessfm.csi_files import KIND
from wirelessfm.data import convert as convert_module
from wirelessfm.data.card import card_path
from wirelessfm.data.convert import STREAMED, convert
from wirelessfm.data.readers import CSI_READERS, READERS
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths

WRITERS = {"csinet": layouts.csinet, "intel5300-loc8": layouts.intel5300_loc8, "llm4cp": layouts.llm4cp,
           "wifo": layouts.wifo, "wimae": layouts.wimae}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_streaming_in_single_samples_equals_reading_at_once(tmp_path, name):
    source = WRITERS[name](tmp_path / "x")
    assert convert(source, tmp_path / "out", block_bytes=1, progress=False) == name
    whole, streamed = CSI_READERS[name](source), CSI.load(tmp_path / "out")
    assert streamed.fingerprint() == whole.fingerprint() == read_card(tmp_path / "out", KIND)["fingerprint"]
    assert streamed.meta == whole.meta
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "x"]


def test_every_streamed_layout_is_tested():
    assert set(WRITERS) == set(STREAMED) - {"card"}


def test_sample_axis_that_is_not_first(tmp_path):
    file = tmp_path / "m.npz"
    h = layouts.random_complex(3, 7)
    np.savez(file, h=h)
    card_path(file).write_text(yaml.safe_dump({"axes": ["subcarrier", "sample"]}))
    convert(file, tmp_path / "out", block_bytes=1, progress=False)
    csi = CSI.load(tmp_path / "out")
    assert csi.axes == ("sample", "subcarrier")
    np.testing.assert_array_equal(csi.values, h.T)


def test_paths_and_whole_file_formats(tmp_path):
    convert(layouts.deepmimo_v3(tmp_path / "city"), tmp_path / "paths", bs=1)
    assert Paths.load(tmp_path / "paths").n_users == 4
    convert(layouts.uwb_cir(tmp_path / "u"), tmp_path / "uwb")
    assert CSI.load(tmp_path / "uwb").size("subcarrier") == 260
    assert set(CSI_READERS) <= set(READERS)


def test_interrupted_conversion_goes_on_where_it_stopped(tmp_path, monkeypatch):
    source = layouts.wimae(tmp_path / "x")
    seen = []
    real = convert_module._check_finite

    def stop_at_three(block, k, path):
        seen.append(k)
        if k == 3 and seen.count(3) == 1:
            raise KeyboardInterrupt
        real(block, k, path)

    monkeypatch.setattr(convert_module, "_check_finite", stop_at_three)
    with pytest.raises(KeyboardInterrupt):
        convert(source, tmp_path / "out", block_bytes=1, progress=False)
    assert not (tmp_path / "out").exists()
    convert(source, tmp_path / "out", block_bytes=1, progress=False)
    assert seen == [0, 1, 2, 3, 3, 4]
    assert CSI.load(tmp_path / "out").fingerprint() == CSI_READERS["wimae"](source).fingerprint()


def test_partial_blocks_of_another_source_are_not_used(tmp_path, monkeypatch):
    source = layouts.wimae(tmp_path / "x")
    monkeypatch.setattr(convert_module, "_publish", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        convert(source, tmp_path / "out", progress=False)
    monkeypatch.undo()
    np.savez(source, channels=layouts.random_complex(4, 1, 2, 2, seed=9))
    convert(source, tmp_path / "out", progress=False)
    assert CSI.load(tmp_path / "out").values.shape == (4, 1, 2, 2)


def test_errors(tmp_path):
    source = layouts.wimae(tmp_path / "x")
    with pytest.raises(WirelessFMError, match=r"unknown layout 'wimea'\. Did you mean 'wimae'"):
        convert(source, tmp_path / "out", layout="wimea")
    with pytest.raises(WirelessFMError, match="options"):
        convert(source, tmp_path / "out", colour="red")
    with pytest.raises(WirelessFMError, match="IQ samples"):
        convert(layouts.raw_iq(tmp_path / "r"), tmp_path / "out")
    np.savez(tmp_path / "a.npz", q=np.ones(3))
    with pytest.raises(WirelessFMError, match="unknown format"):
        convert(tmp_path / "a.npz", tmp_path / "out")
    bad = layouts.random_complex(4, 1, 2, 2)
    bad[2] = np.nan
    np.savez(source, channels=bad)
    with pytest.raises(WirelessFMError, match="4 NaN or infinite"):
        convert(source, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    with pytest.raises(WirelessFMError, match="already exists"):
        convert(source, tmp_path / "out")


def test_memory_does_not_grow_with_the_file(tmp_path):
    """64 MB are converted with 8 MB blocks in less than 24 MB."""
    source = tmp_path / "big.npz"
    np.savez(source, channels=np.zeros((1024, 1, 64, 128), np.complex64))
    tracemalloc.start()
    convert(source, tmp_path / "out", block_bytes=2**23, progress=False)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 24e6
