from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from wirelessfm import Paths, PathsMeta, WirelessFMError, concatenate_paths


def test_save_and_load_keep_everything(make_paths, tmp_path) -> None:
    paths = make_paths(9, 5, doppler=True)
    paths.save(tmp_path / "p")
    again = Paths.load(tmp_path / "p")
    assert again.meta == paths.meta and again.fingerprint() == paths.fingerprint()
    for name, value in paths.tensors().items():
        assert torch.equal(again.tensors()[name], value), name


def test_fingerprint_ignores_padding_and_sees_content(make_paths) -> None:
    paths = make_paths(6, 4)
    wide = concatenate_paths([paths[:3].strongest(4), paths[3:]])
    padded = {n: torch.nn.functional.pad(v, (0, 3)) if v.dim() == 2 and n != "position_m" else v
              for n, v in paths.tensors().items()}  # fmt: skip
    assert replace(paths, **padded).fingerprint() == paths.fingerprint()
    assert replace(paths, delay_s=paths.delay_s * 1.001).fingerprint() != paths.fingerprint()
    assert wide.n_users == paths.n_users


def test_strongest_keeps_the_strongest_and_the_total_of_all(make_paths) -> None:
    paths = make_paths(20, 6)
    best = paths.strongest(1)
    assert torch.equal(best.gain.abs()[:, 0], paths.gain.abs().amax(dim=1))
    assert torch.allclose(paths.strongest(6).power_db()[1:], paths.power_db()[1:])
    assert (paths.strongest(3).gain.abs().diff(dim=1) <= 0).all()


def test_connected_drops_the_users_without_paths(make_paths) -> None:
    paths = make_paths(8, 3)
    assert paths.connected().n_users == int((paths.los >= 0).sum()) < paths.n_users


def test_concatenate_is_the_inverse_of_slicing(make_paths) -> None:
    paths = make_paths(9, 3)
    assert concatenate_paths([paths[:4], paths[4:]]).fingerprint() == paths.fingerprint()


def test_concatenate_refuses_another_carrier(make_paths) -> None:
    paths = make_paths()
    other = replace(paths, meta=replace(paths.meta, carrier_hz=28e9))
    with pytest.raises(WirelessFMError, match=r"2\.8e\+10 Hz"):
        concatenate_paths([paths, other])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gain": torch.zeros(7, dtype=torch.complex64)}, r"gain must be \[user, path\]"),
        ({"delay_s": torch.zeros(7, 3)}, "delay_s must be torch.float32"),
        ({"delay_s": torch.zeros(7, 4, dtype=torch.float64)}, "delay_s must be torch.float32"),
        ({"delay_s": torch.full((7, 4), torch.nan)}, "delay_s has NaN"),
        ({"gain": torch.ones(7, 4, dtype=torch.complex64)}, "padding entries"),
        ({"n_paths": torch.full((7,), 9)}, "n_paths must lie between"),
        ({"los": torch.ones(7, dtype=torch.int8)}, "los must be -1 exactly"),
        ({"meta": PathsMeta(0.0, (0.0, 0.0, 0.0))}, "carrier_hz must be positive"),
    ],
)
def test_bad_paths_are_refused(make_paths, change, message) -> None:
    with pytest.raises(WirelessFMError, match=message):
        replace(make_paths(7, 4), **change)


def test_zero_users_are_allowed_and_survive_a_round_trip(make_paths, tmp_path) -> None:
    empty = make_paths(5, 2)[:0]
    empty.save(tmp_path / "e")
    assert Paths.load(tmp_path / "e").n_users == 0


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove", "card"])
def test_damaged_folders_are_refused(make_paths, tmp_path, damage) -> None:
    make_paths(9, 5).save(tmp_path / "p")
    table = tmp_path / "p" / "paths.npy"
    content = bytearray(table.read_bytes())
    if damage == "truncate":
        table.write_bytes(content[:-8])
    elif damage == "flip":
        content[-5] ^= 1
        table.write_bytes(content)
    elif damage == "remove":
        table.unlink()
    else:
        (tmp_path / "p" / "card.json").write_text("{not json")
    with pytest.raises(WirelessFMError, match=r"corrupt|missing|not a readable JSON"):
        Paths.load(tmp_path / "p")


def test_foreign_folders_are_refused(tmp_path) -> None:
    with pytest.raises(WirelessFMError, match="found nothing"):
        Paths.load(tmp_path / "absent")
    np.save(tmp_path / "x.npy", np.zeros(3))
    with pytest.raises(WirelessFMError, match="no such file"):
        Paths.load(tmp_path)
