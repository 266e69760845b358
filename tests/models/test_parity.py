"""Parity with the published architectures, on the shared vectors and on vectors we write ourselves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from wirelessfm.errors import WirelessFMError
from wirelessfm.models.parity import TOLERANCE, ParityRow, check_folder, check_vector, filled_state, relative_error
from wirelessfm.models.published_zoo import entry

SHARED = Path(__file__).parents[2].parent / "shared" / "parity"


def write_vector(
    folder: Path, name: str, system: str, salt: str, arrays: dict[str, np.ndarray], **card: object
) -> Path:
    shapes = {n: list(s) for n, s in entry(system).system.shapes(entry(system).config).items()}
    content = {"system": system, "salt": salt, "state_dict": shapes, **card}
    (folder / f"{name}.json").write_text(json.dumps(content))
    np.savez(folder / f"{name}.npz", **arrays)
    return folder / f"{name}.json"


def own_wimae_vector(folder: Path) -> Path:
    found = entry("wimae-6-4")
    model = found.system.build(found.config).eval()
    model.load_state_dict(found.system.convert(filled_state(found.system.shapes(found.config), "s"), found.config))
    channel = torch.randn(2, 32, 32, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        tokens = model.tokenize(channel)
        features = model.encode(tokens)
        arrays = {
            "channel": channel,
            "patches": tokens,
            "features": features,
            "reconstruction": model.decode(features, None, 128),
        }
    return write_vector(folder, "own", "wimae-6-4", "s", {k: v.numpy() for k, v in arrays.items()}, patch=[16, 1])


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with published parity vectors is absent")
def test_every_shared_vector_agrees() -> None:
    rows = check_folder(SHARED)
    assert {r.vector for r in rows} == {p.stem for p in SHARED.glob("*.json")}
    assert [r for r in rows if not r.passed] == []
    assert {"hidden", "logits", "input_ids", "features", "contrastive", "time_latent"} <= {r.array for r in rows}


def test_a_vector_of_our_own_agrees_and_a_changed_one_does_not(tmp_path: Path) -> None:
    card = own_wimae_vector(tmp_path)
    rows = check_vector(card)
    assert {r.array for r in rows} == {"patches", "features", "reconstruction"}
    assert all(r.passed and "encoder_heads=16" in r.note for r in rows)
    changed = json.loads(card.read_text()) | {"salt": "other"}
    card.write_text(json.dumps(changed))
    assert not all(r.passed for r in check_vector(card))


def test_arrays_and_parameters_nobody_accounts_for_fail(tmp_path: Path) -> None:
    card = own_wimae_vector(tmp_path)
    arrays = dict(np.load(tmp_path / "own.npz")) | {"surprise": np.zeros(3, np.float32)}
    np.savez(tmp_path / "own.npz", **arrays)
    card.write_text(json.dumps(json.loads(card.read_text()) | {"parameters": 1}))
    assert {r.array for r in check_vector(card) if not r.passed} == {"surprise", "parameters"}


def test_a_broken_vector_is_a_failing_row_and_the_others_are_checked(tmp_path: Path) -> None:
    own_wimae_vector(tmp_path)
    (tmp_path / "alien.json").write_text(json.dumps({"system": "resnet", "state_dict": {}}))
    np.savez(tmp_path / "alien.npz", x=np.zeros(1))
    rows = {r.vector: r for r in check_folder(tmp_path)}
    assert rows["own"].passed and not rows["alien"].passed and "resnet" in rows["alien"].note


def test_a_vector_without_its_input_is_explained(tmp_path: Path) -> None:
    card = own_wimae_vector(tmp_path)
    np.savez(tmp_path / "own.npz", patches=np.zeros((2, 128, 16), np.float32))
    with pytest.raises(WirelessFMError, match="lacks the input array 'channel'"):
        check_vector(card)


def test_the_patch_is_found_when_the_card_is_silent(tmp_path: Path) -> None:
    card = own_wimae_vector(tmp_path)
    card.write_text(json.dumps({k: v for k, v in json.loads(card.read_text()).items() if k != "patch"}))
    assert all(r.passed and "patch=(16, 1)" in r.note for r in check_vector(card))


@pytest.mark.parametrize("content", ["[]", "{}", "not json"])
def test_a_card_that_is_none_is_explained(tmp_path: Path, content: str) -> None:
    (tmp_path / "v.json").write_text(content)
    with pytest.raises(WirelessFMError, match=r"v\.json"):
        check_vector(tmp_path / "v.json")


def test_missing_arrays_and_empty_folders_are_explained(tmp_path: Path) -> None:
    with pytest.raises(WirelessFMError, match="no parity vectors"):
        check_folder(tmp_path)
    own_wimae_vector(tmp_path)
    (tmp_path / "own.npz").unlink()
    assert "own.npz" in check_folder(tmp_path)[0].note


def test_relative_error_and_pass() -> None:
    expected = torch.tensor([1.0, -4.0])
    assert relative_error(torch.tensor([1.0, -3.0]), expected) == pytest.approx(0.25)
    assert relative_error(torch.zeros(3), expected) == float("inf")
    assert not ParityRow("v", "s", "a", float("nan")).passed
    assert ParityRow("v", "s", "a", TOLERANCE).passed
