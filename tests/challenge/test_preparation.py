"""What is public, what is not, and that the same seed prepares the same challenge."""

import json
import shutil

import numpy as np
import pytest
import torch

from tests.challenge.conftest import SITES
from tests.conftest import random_paths
from wirelessfm import CSI
from wirelessfm.challenge import QUESTIONS, load_public, load_truth, prepare
from wirelessfm.challenge.preparation import partition
from wirelessfm.challenge.setup import INPUTS, collect_users
from wirelessfm.errors import WirelessFMError
from wirelessfm.tasks.localisation import relative_position_m


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_seed_decides_every_byte(prepared, tmp_path):
    prepare(tmp_path / "again", SITES, seed=0)
    assert contents(tmp_path / "again") == contents(prepared)
    prepare(tmp_path / "other", SITES, seed=1)
    assert load_public(tmp_path / "other" / "public").card["id"] != load_public(prepared / "public").card["id"]


def test_no_truth_of_a_test_user_is_in_a_public_file(prepared):
    public = contents(prepared / "public")
    truth = load_truth(prepared / "private", load_public(prepared / "public"))
    everything = b"".join(public.values())
    for name in ("interpolation", "estimation", "localisation"):
        assert len(truth[name]) > 10
        for row in truth[name].numpy():
            assert row.tobytes() not in everything
    n_test = len(truth["los"])
    arrays = [np.load(prepared / "public" / name) for name in public if name.endswith(".npy")]
    assert not any(array.dtype.kind in "iu" and len(array) == n_test for array in arrays)
    assert {name.split("/")[-1] for name in public if name.startswith("test/")} == {
        "card.json",
        "coord-antenna.npy",
        "coord-subcarrier.npy",
        "label-noise_power.npy",
        "label-observed.npy",
        "values-00000.npy",
    }
    assert not any(b'"seed"' in data for data in public.values())
    assert json.loads((prepared / "private" / "card.json").read_text())["seed"] == 0


def test_test_users_of_every_kind_of_input_stand_on_squares_of_their_own():
    position_m = collect_users(SITES).position_m
    parts = partition(position_m, seed=3)
    assert torch.equal(torch.cat(list(parts.values())).sort().values, torch.arange(len(position_m)))
    squares = {name: {tuple(s) for s in (position_m[i, :2] // 20).tolist()} for name, i in parts.items()}
    for name in parts:
        others = set().union(*(squares[other] for other in parts if other != name))
        assert not squares[name] & others
    assert len(parts["train"]) == pytest.approx(0.7 * len(position_m), rel=0.1)
    assert all(len(parts[name]) == pytest.approx(0.1 * len(position_m), rel=0.4) for name in INPUTS)


def test_training_rows_belong_together_and_inputs_are_what_they_say(prepared):
    public = load_public(prepared / "public")
    clean = public.answers("estimation")
    assert torch.equal(clean, public.inputs("train", "los").values)
    assert {len(public.answers(task)) for task in QUESTIONS} == {len(clean)}
    gaps = public.inputs("train", "interpolation")
    seen = gaps.labels["observed"]
    assert torch.equal(gaps.values, clean * seen) and seen.sum(dim=(1, 2)).unique().tolist() == [16 * 8]
    pilots = public.inputs("train", "estimation")
    seen, power = pilots.labels["observed"], pilots.labels["noise_power"]
    noise = (pilots.values - clean)[seen].abs().square().reshape(len(clean), -1).mean(dim=1)
    assert float((noise / power).mean()) == pytest.approx(1, abs=0.02)
    assert not pilots.values[~seen].any() and seen.sum(dim=(1, 2)).unique().tolist() == [32 * 8]
    snr_db = 10 * torch.log10(clean.abs().square().mean(dim=(1, 2)) / power)
    assert 0 <= snr_db.min() < 2 and 18 < snr_db.max() <= 20.001


def test_positions_are_those_an_array_can_know():
    paths = random_paths(5)  # the array looks along 0.3 rad
    there = relative_position_m(paths)
    turn = torch.polar(torch.ones(5), torch.full((5,), 0.3))
    back = torch.complex(there[:, 0], there[:, 1]) * turn
    torch.testing.assert_close(torch.stack([back.real, back.imag], dim=1), paths.position_m[:, :2])


def test_fewer_users_on_request_and_no_folder_twice(tmp_path):
    prepare(tmp_path / "small", SITES, seed=0, max_users=80)
    public = load_public(tmp_path / "small" / "public")
    counts = {question.inputs: len(public.inputs("test", name)) for name, question in QUESTIONS.items()}
    assert sum(counts.values()) + len(public.answers("los")) == 80
    with pytest.raises(WirelessFMError, match="already exists"):
        prepare(tmp_path / "small", SITES, seed=0)


def test_folders_that_are_no_challenge_are_explained(prepared, tmp_path):
    with pytest.raises(WirelessFMError, match=r"has no challenge\.json"):
        load_public(tmp_path)
    prepare(tmp_path / "other", SITES, seed=1)
    with pytest.raises(WirelessFMError, match="give the two folders of one preparation"):
        load_truth(tmp_path / "other" / "private", load_public(prepared / "public"))
    altered = shutil.copytree(prepared / "public", tmp_path / "altered")
    (altered / "challenge.json").write_text((altered / "challenge.json").read_text().replace('"los"', '"lost"'))
    with pytest.raises(WirelessFMError, match="not the card of a challenge"):
        load_public(altered)
    card = json.loads((prepared / "public" / "challenge.json").read_text())
    card["tasks"]["los"]["fingerprint"] = "0" * 16
    (altered / "challenge.json").write_text(json.dumps(card))
    with pytest.raises(WirelessFMError, match="was altered"):
        load_public(altered)


def test_the_readme_names_every_array_and_fingerprint(prepared):
    text = (prepared / "public" / "README.md").read_text()
    for name, question in QUESTIONS.items():
        inputs = CSI.load(prepared / "public" / "test" / question.inputs)
        assert f"`{name}.npy`" in text and f'"{name}": "{inputs.fingerprint()}"' in text
