"""A store answers as the loaded CSI does, whatever is asked, and notices damaged files."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from wirelessfm import CSI, CSIMeta
from wirelessfm.data.store import CsiStore, Index
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import read_json, write_json

N = 23


def random_csi(n: int = N, seed: int = 0, dtype: torch.dtype = torch.complex64) -> CSI:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(n, 3, 5, dtype=dtype, generator=generator)
    return CSI(
        values,
        ("sample", "antenna", "subcarrier"),
        {"subcarrier": torch.arange(5, dtype=torch.float64) * 30e3, "antenna": torch.rand(3, 3, generator=generator)},
        {"number": torch.arange(n), "position_m": torch.rand(n, 3, generator=generator)},
        CSIMeta(3.5e9, "test", "none"),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # Two normalisations, one scale for all and one a sample; 4 rows a shard, so six of them.
    random_csi().normalise("dataset").normalise("sample").save(tmp_path / "csi", shard_bytes=4 * 3 * 5 * 8)
    return tmp_path / "csi"


def assert_equal(found: CSI, expected: CSI) -> None:
    assert found.fingerprint() == expected.fingerprint()
    assert found.axes == expected.axes and found.meta == expected.meta
    assert [h.kind for h in found.history] == [h.kind for h in expected.history]
    for ours, theirs in zip(found.history, expected.history, strict=True):
        assert torch.equal(ours.scale, theirs.scale)


@pytest.mark.parametrize(
    "index",
    [
        slice(None),
        slice(3, 17),
        slice(20, 2, -3),
        [22, 0, 7, 8, 9, 3, 4],
        [5, 5, 5],
        [-1, -23],
        np.arange(N) % 3 == 0,
        torch.tensor([12, 11, 10]),
    ],
    ids=str,
)
def test_any_index_gives_what_loading_and_indexing_gives(folder: Path, index: Index) -> None:
    # NumPy says what an index means; a copy, because torch knows no negative strides.
    expected = CSI.load(folder)[np.arange(N)[index].copy()]
    assert_equal(CsiStore(folder)[index], expected)


def test_random_batches(folder: Path) -> None:
    store, loaded, rng = CsiStore(folder), CSI.load(folder), np.random.default_rng(0)
    for _ in range(50):
        index = rng.integers(N, size=rng.integers(1, 40))
        assert_equal(store[index], loaded[index])


def test_what_is_known_without_reading_values(folder: Path) -> None:
    store = CsiStore(folder, verify=True)
    assert len(store) == N and store.axes == ("sample", "antenna", "subcarrier")
    assert (store.size("antenna"), store.size("subcarrier")) == (3, 5)
    assert store.meta.carrier_hz == 3.5e9 and set(store.coords) == {"antenna", "subcarrier"}
    assert torch.equal(store.labels["number"], torch.arange(N))
    assert store.n_bytes == N * 15 * 8 and "6 shards" in repr(store)
    assert store.fingerprint == CSI.load(folder).fingerprint()
    with pytest.raises(WirelessFMError, match="unknown axis of this store 'antena'"):
        store.size("antena")


def test_denormalise_gives_the_first_values_back(folder: Path) -> None:
    batch = CsiStore(folder)[[21, 2]].denormalise()
    torch.testing.assert_close(batch.values, random_csi().values[[21, 2]])


def test_uneven_shards_and_double_precision(tmp_path: Path) -> None:
    csi = random_csi(7, dtype=torch.complex128)
    csi.save(tmp_path / "a", shard_bytes=3 * 15 * 16)
    assert_equal(CsiStore(tmp_path / "a")[[6, 0, 3, 2]], csi[[6, 0, 3, 2]])
    random_csi(7)[:0].save(tmp_path / "none")
    assert len(CsiStore(tmp_path / "a")[[]]) == 0
    assert len(CsiStore(tmp_path / "none")) == 0 and len(CsiStore(tmp_path / "none")[:]) == 0


def test_a_store_can_be_handed_to_another_process(folder: Path) -> None:
    assert_equal(pickle.loads(pickle.dumps(CsiStore(folder)))[[3, 1]], CSI.load(folder)[[3, 1]])


@pytest.mark.parametrize(
    ("index", "message"),
    [([0, 23], "samples 0 to 22"), ([-24], "samples 0 to 22"), ([0.5], "whole numbers"), (3, "whole numbers")],
)
def test_positions_outside(folder: Path, index: object, message: str) -> None:
    with pytest.raises(WirelessFMError, match=message):
        CsiStore(folder)[index]  # type: ignore[index]


def test_an_altered_shard_is_found_when_asked_and_a_cut_one_always(folder: Path) -> None:
    shard = folder / "values-00002.npy"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    CsiStore(folder)
    with pytest.raises(WirelessFMError, match=r"values-00002.npy' is corrupt: its SHA-256"):
        CsiStore(folder, verify=True)
    opened = CsiStore(folder)
    shard.write_bytes(content[:-8])
    with pytest.raises(WirelessFMError, match=r"values-00002.npy' is corrupt: card.json says"):
        CsiStore(folder)
    with pytest.raises(WirelessFMError, match="cut short"):
        opened[:]
    shard.unlink()
    with pytest.raises(WirelessFMError, match=r"cannot read .*values-00002.npy"):
        opened[:]
    assert len(opened[[0, 1]]) == 2


def test_foreign_and_inconsistent_folders(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WirelessFMError, match="found nothing"):
        CsiStore(tmp_path / "no")
    card = read_json(folder / "card.json")
    for key, value, message in [
        ("shape", [24, 3, 5], "card says shape"),
        ("axes", ["antenna", "sample", "subcarrier"], "'sample' as the first axis"),
        ("axes", ["sample", "antena", "subcarrier"], "axes must be distinct names"),
        ("history", ["dataset"] * 3, "complete CSI"),
        ("files", {}, "no values-00000.npy"),
    ]:
        write_json(folder / "card.json", {**card, key: value})
        with pytest.raises(WirelessFMError, match=message):
            CsiStore(folder)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("values-00001", np.zeros((4, 3, 5), np.float64), "C-ordered complex arrays"),
        ("values-00001", np.zeros((4, 5, 3), np.complex64), "one type and row shape"),
        ("values-00001", np.asfortranarray(np.zeros((4, 3, 5), np.complex64)), "C-ordered"),
        ("label-number", np.arange(N - 1), f"label-number must have {N} entries"),
    ],
)
def test_files_that_do_not_belong_together(folder: Path, name: str, array: np.ndarray, message: str) -> None:
    path = folder / f"{name}.npy"
    np.save(path, array)
    card = read_json(folder / "card.json")
    card["files"][path.name]["bytes"] = path.stat().st_size
    write_json(folder / "card.json", card)
    with pytest.raises(WirelessFMError, match=message):
        CsiStore(folder)


def test_resident_memory_does_not_grow_with_what_was_read(tmp_path: Path) -> None:
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("resident memory is read from /proc/self/statm")
    csi = CSI(torch.ones(256, 64, 1024, dtype=torch.complex64), ("sample", "antenna", "subcarrier"))
    csi.save(tmp_path / "big", shard_bytes=2**25)
    del csi
    store, page = CsiStore(tmp_path / "big"), 4096
    shared_before = int(statm.read_text().split()[2]) * page
    for start in range(0, 256, 16):
        store[np.arange(start, start + 16)]
    assert int(statm.read_text().split()[2]) * page - shared_before < 2**24
    shutil.rmtree(tmp_path / "big")
