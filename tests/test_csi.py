from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from wirelessfm import CSI, CSIMeta, WirelessFMError, concatenate_csi

AXES = ("sample", "time", "antenna", "subcarrier")


def example(n: int = 6, seed: int = 0) -> CSI:
    generator = torch.Generator().manual_seed(seed)
    return CSI(
        torch.randn(n, 2, 3, 5, dtype=torch.complex64, generator=generator) * 1e-6,
        AXES,
        coords={"time": torch.tensor([0.0, 1e-3], dtype=torch.float64), "antenna": torch.rand(3, 3)},
        labels={"los": torch.arange(n), "position_m": torch.rand(n, 3, generator=generator)},
        meta=CSIMeta(3.5e9, "test", "Apache-2.0"),
    )


def same(a: CSI, b: CSI) -> bool:
    return (
        a.fingerprint() == b.fingerprint()
        and a.meta == b.meta
        and [h.kind for h in a.history] == [h.kind for h in b.history]
    )


@pytest.mark.parametrize(
    "bad", [complex(torch.nan, 0), complex(0, torch.nan), complex(-torch.inf, 0), complex(0, torch.inf)]
)
@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_one_bad_number_is_found_wherever_it_is(bad: complex, dtype: torch.dtype) -> None:
    for place in (0, 1, 499, 998, 999):
        values = torch.ones(1000, 1, dtype=dtype)
        values[place] = bad
        with pytest.raises(WirelessFMError, match="found 1 NaN or infinite of 1000"):
            CSI(values, ("sample", "antenna"))
    CSI(torch.full((3, 1), torch.finfo(dtype).max, dtype=dtype), ("sample", "antenna"))


@pytest.mark.parametrize("shard_bytes", [10, 600, 2**28])
def test_save_and_load_keep_everything(tmp_path, shard_bytes) -> None:
    csi = example().normalise("sample").normalise("dataset")
    csi.save(tmp_path / "c", shard_bytes=shard_bytes)
    assert same(CSI.load(tmp_path / "c"), csi)
    assert len(list((tmp_path / "c").glob("values-*.npy"))) == {10: 6, 600: 3, 2**28: 1}[shard_bytes]


def test_xarray_round_trip() -> None:
    pytest.importorskip("xarray")
    csi = example().normalise("sample")
    dataset = csi.to_xarray()
    assert dataset["csi"].dims == AXES and dataset.attrs["carrier_hz"] == 3.5e9
    assert same(CSI.from_xarray(dataset), csi)
    with pytest.raises(WirelessFMError, match="variable 'csi'"):
        CSI.from_xarray(dataset.rename(csi="h"))


def test_tensor_orders_by_name_and_never_drops_silently() -> None:
    csi = example()
    assert torch.equal(csi.tensor("subcarrier sample antenna time"), csi.values.permute(3, 0, 2, 1))
    assert torch.equal(csi.isel(time=[1]).tensor("sample antenna subcarrier"), csi.values[:, 1])
    with pytest.raises(WirelessFMError, match="would drop"):
        csi.tensor("sample antenna subcarrier")
    with pytest.raises(WirelessFMError, match="missing"):
        csi.tensor("sample time antenna subcarrier rx")


def test_selection_keeps_labels_coordinates_and_history_aligned() -> None:
    csi = example().normalise("sample")
    part = csi.isel(sample=[4, 1], antenna=slice(0, 2))
    assert part.labels["los"].tolist() == [4, 1] and part.coords["antenna"].shape == (2, 3)
    assert torch.allclose(part.denormalise().values, example().values[[4, 1], :, :2])
    mask = torch.tensor([True, False] * 3)
    assert csi[mask].labels["los"].tolist() == [0, 2, 4]


def test_concatenate_is_the_inverse_of_slicing() -> None:
    csi = example().normalise("sample")
    assert same(concatenate_csi([csi[:2], csi[2:]]), csi)


def test_normalise_is_recorded_and_undone() -> None:
    csi = example()
    unit = csi.normalise("sample")
    power = unit.values.abs().square().mean(dim=(1, 2, 3))
    assert torch.allclose(power, torch.ones(6)) and unit.history[0].scale.shape == (6,)
    both = unit.normalise("dataset").denormalise()
    assert torch.allclose(both.values, csi.values, rtol=1e-5) and both.history == ()


def test_all_zero_samples_stay_zero() -> None:
    zero = CSI(torch.zeros(2, 4, dtype=torch.complex64), ("sample", "antenna"))
    assert torch.equal(zero.normalise().values, zero.values)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((torch.zeros(2, 3), ("sample", "antenna")), "must be complex"),
        ((torch.zeros(2, 3, dtype=torch.complex64), ("sample",)), "name every dimension"),
        ((torch.zeros(2, 3, dtype=torch.complex64), ("sample", "beam")), "distinct names"),
        ((torch.zeros(2, 3, dtype=torch.complex64), ("sample", "sample")), "distinct names"),
        ((torch.full((2, 3), torch.nan, dtype=torch.complex64), ("sample", "antenna")), "6 NaN or infinite of 6"),
        ((torch.full((2, 3), complex(0, torch.inf)), ("sample", "antenna")), "6 NaN or infinite"),
    ],
)
def test_bad_values_are_refused(arguments, message) -> None:
    with pytest.raises(WirelessFMError, match=message):
        CSI(*arguments)


def test_misaligned_labels_and_coordinates_are_refused() -> None:
    values = torch.zeros(2, 3, dtype=torch.complex64)
    with pytest.raises(WirelessFMError, match="label 'los' must have 2 entries"):
        CSI(values, ("sample", "antenna"), labels={"los": torch.zeros(3)})
    with pytest.raises(WirelessFMError, match=r"coordinate 'antenna' \[wavelength\] must be \(3, 3\)"):
        CSI(values, ("sample", "antenna"), coords={"antenna": torch.zeros(3)})
    with pytest.raises(WirelessFMError, match="unknown axis of this CSI 'time'"):
        CSI(values, ("sample", "antenna"), coords={"time": torch.zeros(3)})


def test_joining_refuses_what_differs() -> None:
    csi = example()
    with pytest.raises(WirelessFMError, match="sizes differ"):
        concatenate_csi([csi, csi.isel(subcarrier=slice(0, 2))])
    with pytest.raises(WirelessFMError, match="coordinates along 'antenna'"):
        concatenate_csi([csi, csi.isel(antenna=[2, 1, 0])])
    with pytest.raises(WirelessFMError, match="history"):
        concatenate_csi([csi, csi.normalise()])


def test_altered_shard_and_card_are_refused(tmp_path) -> None:
    csi = example()
    csi.save(tmp_path / "c")
    shard = tmp_path / "c" / "values-00000.npy"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    with pytest.raises(WirelessFMError, match="SHA-256"):
        CSI.load(tmp_path / "c")
    shard.write_bytes(content[:-10])
    with pytest.raises(WirelessFMError, match="bytes, found"):
        CSI.load(tmp_path / "c")
    csi.save(tmp_path / "d")
    card = json.loads((tmp_path / "d" / "card.json").read_text())
    (tmp_path / "d" / "card.json").write_text(json.dumps({**card, "shape": [1, 2]}))
    with pytest.raises(WirelessFMError, match="card says shape"):
        CSI.load(tmp_path / "d")


def test_pickled_arrays_are_never_loaded(tmp_path) -> None:
    example().save(tmp_path / "c")
    shard = tmp_path / "c" / "values-00000.npy"
    np.save(shard, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    card = json.loads((tmp_path / "c" / "card.json").read_text())
    from wirelessfm.files import sha256_of

    card["files"][shard.name] = {"bytes": shard.stat().st_size, "sha256": sha256_of(shard)}
    (tmp_path / "c" / "card.json").write_text(json.dumps(card))
    with pytest.raises(WirelessFMError, match="not a plain npy array"):
        CSI.load(tmp_path / "c")


def test_saving_never_replaces_without_being_told(tmp_path) -> None:
    example().save(tmp_path / "c")
    with pytest.raises(WirelessFMError, match="already exists"):
        example(3).save(tmp_path / "c")
    example(3).save(tmp_path / "c", overwrite=True)
    assert len(CSI.load(tmp_path / "c")) == 3


def test_the_carrier_asked_for_is_kept_and_changes_nothing_else(tmp_path) -> None:
    csi = example()
    asked = csi.asked_at(28e9)
    assert asked.meta.extra == {**csi.meta.extra, "target_carrier_hz": 28e9}
    assert asked[:1].denormalise().meta == asked.meta and asked.fingerprint() == csi.fingerprint()
    assert asked.asked_at(60e9).target_carrier_hz == 60e9 and csi.target_carrier_hz is None
    asked.save(tmp_path / "asked")
    assert CSI.load(tmp_path / "asked").target_carrier_hz == 28e9
    assert concatenate_csi([asked, asked]).target_carrier_hz == 28e9
    with pytest.raises(WirelessFMError, match="carriers of the answer differ"):
        concatenate_csi([asked, csi])
