"""A perfect submission scores 1; every fault of a bad one is told, all at once."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from wirelessfm import CSI
from wirelessfm.challenge import (
    QUESTIONS,
    baselines,
    load_public,
    load_truth,
    read_submission,
    result_table,
    score_submission,
    submit_baseline,
    write_submission,
)
from wirelessfm.cli import app
from wirelessfm.errors import WirelessFMError


@pytest.fixture
def public(prepared):
    return load_public(prepared / "public")


@pytest.fixture
def perfect(prepared, public, tmp_path):
    """The truth, handed in."""
    inputs = {task: public.inputs("test", task) for task in QUESTIONS}
    parameters = {task: {"head": 1000, "trainable": 2000} for task in QUESTIONS}
    truth = load_truth(prepared / "private", public)
    write_submission(tmp_path / "perfect", "perfect", truth, inputs, parameters)
    return tmp_path / "perfect"


def edit(folder, **changes):
    card = json.loads((folder / "submission.json").read_text())
    (folder / "submission.json").write_text(json.dumps(card | changes))


def faults(folder, public):
    with pytest.raises(WirelessFMError) as caught:
        read_submission(folder, public)
    return str(caught.value)


def test_the_truth_scores_one(perfect, public, prepared):
    result = score_submission(perfect, public, prepared / "private")
    assert result.composite == 1 and all(task.score == 1 for task in result.tasks.values())


def test_other_number_types_are_as_good(perfect, public, prepared):
    for name, kind in (("los", "uint8"), ("beam", ">i4"), ("estimation", "complex128"), ("localisation", ">f8")):
        np.save(perfect / f"{name}.npy", np.load(perfect / f"{name}.npy").astype(kind))
    assert score_submission(perfect, public, prepared / "private").composite == pytest.approx(1)


def test_an_empty_folder_misses_six_files(tmp_path, public):
    told = faults(tmp_path, public)
    assert "has 6 faults" in told and "submission.json" in told
    assert all(f"{name}.npy" in told for name in QUESTIONS)


def test_all_faults_are_told_at_once(perfect, public):
    estimation = np.load(perfect / "estimation.npy")
    estimation[3, 1, 4] = np.nan
    np.save(perfect / "estimation.npy", estimation)
    np.save(perfect / "interpolation.npy", np.load(perfect / "interpolation.npy")[1:])
    np.save(perfect / "los.npy", np.load(perfect / "los.npy").astype("f4"))
    np.save(perfect / "beam.npy", np.load(perfect / "beam.npy") + 64)
    (perfect / "localisation.npy").write_bytes((perfect / "localisation.npy").read_bytes()[:-8])
    edit(perfect, parameters={task: {"head": 100_001, "trainable": 3_000_001} for task in QUESTIONS})
    told, n = faults(perfect, public), len(public.inputs("test", "interpolation"))
    assert "has 15 faults" in told
    assert "estimation.npy has 1 NaN or infinite of" in told
    assert f"interpolation.npy must have the shape [{n}, 32, 32], found [{n - 1}, 32, 32]" in told
    assert "los.npy must hold integers, found float32" in told
    assert "beam.npy must hold classes in 0 … 63, found " in told
    assert "localisation.npy' is not readable" in told
    assert "los: 100001 head parameters, at most 100000 are allowed" in told
    assert "beam: 3000001 trainable parameters, at most 3000000 are allowed" in told


def test_another_order_of_the_samples_is_noticed(prepared, public, perfect, tmp_path):
    mixed = torch.randperm(len(public.inputs("test", "los")), generator=torch.Generator().manual_seed(0))
    inputs = {task: public.inputs("test", task) for task in QUESTIONS}
    truth = load_truth(prepared / "private", public)
    inputs["los"], truth["los"] = inputs["los"][mixed], truth["los"][mixed]
    parameters = {task: {"head": 0, "trainable": 0} for task in QUESTIONS}
    write_submission(tmp_path / "mixed", "mixed", truth, inputs, parameters)
    told = faults(tmp_path / "mixed", public)
    assert "has 1 fault:" in told and "los: made from inputs" in told and "in another order" in told


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, 'needs "name", a text'),
        ({"inputs": None}, 'needs "inputs"'),
        ({"inputs": {}}, "beam: made from inputs None"),
        ({"parameters": 5}, 'needs "parameters"'),
        ({"parameters": {"los": {"head": "many"}}}, "los: parameters must be"),
        ({"parameters": {n: {"head": 5, "trainable": 4} for n in QUESTIONS}}, "5 head parameters are more than all"),
        ({"parameters": {n: {"head": True, "trainable": 4} for n in QUESTIONS}}, "los: parameters must be"),
        ({"parameters": {n: {"head": -1, "trainable": 4} for n in QUESTIONS}}, "los: parameters must be"),
    ],
)
def test_a_bad_card_is_explained(perfect, public, changes, message):
    edit(perfect, **changes)
    assert message in faults(perfect, public)


def test_cards_that_are_no_objects(perfect, public):
    (perfect / "submission.json").write_text("[1]")
    assert "must be an object" in faults(perfect, public)
    (perfect / "submission.json").write_text("{")
    assert "not a readable JSON file" in faults(perfect, public)


def test_python_objects_are_never_loaded(perfect, public):
    np.save(perfect / "los.npy", np.array([{}]), allow_pickle=True)
    assert "Python objects" in faults(perfect, public)


def test_lines_between_seen_entries():
    seen = torch.tensor([[False, True, False, False, True, False], [False] * 6])
    values = torch.tensor([[0, 3, 0, 0, 6j, 0], [0] * 6], dtype=torch.complex64)
    found, known = baselines.fill_lines(values, seen)
    torch.testing.assert_close(found[0], torch.tensor([3, 3, 2 + 2j, 1 + 4j, 6j, 6j], dtype=torch.complex64))
    assert not found[1].any() and known.tolist() == [[True] * 6, [False] * 6]


def test_lmmse_is_the_conditional_mean_of_gaussian_channels():
    g = torch.Generator().manual_seed(0)
    mix = torch.randn(6, 6, dtype=torch.complex64, generator=g)
    clean = (torch.randn(3000, 6, dtype=torch.complex64, generator=g) @ mix).reshape(-1, 2, 3)
    seen = (torch.arange(6) != 4).reshape(1, 2, 3).expand(clean.shape)
    labels = {"observed": seen, "noise_power": torch.zeros(len(clean))}
    given = CSI(clean * seen, ("sample", "antenna", "subcarrier"), labels=labels)
    found = baselines.lmmse(given, clean, given, 0, 0).values
    best = clean.flatten(1)[:, [0, 1, 2, 3, 5]]
    fitted = best @ torch.linalg.lstsq(best, clean[:, 1, 1]).solution
    error, least = ((x - clean[:, 1, 1]).abs().square().mean() for x in (found[:, 1, 1], fitted))
    assert least < error < 1.2 * least and least < 0.5 * clean[:, 1, 1].abs().square().mean()
    torch.testing.assert_close(found[seen], clean[seen], rtol=0.2, atol=0.05)


def test_simple_systems_hand_in_and_better_ones_win(prepared, public, tmp_path):
    results = []
    for name in ("constant", "linear"):
        submit_baseline(name, public, tmp_path / name)
        results.append(score_submission(tmp_path / name, public, prepared / "private"))
    assert 0 < results[0].composite < results[1].composite < 1
    with pytest.raises(WirelessFMError, match="unknown challenge baseline 'cnm'"):
        submit_baseline("cnm", public, tmp_path / "cnm")
    assert "composite" in result_table(results) and len(result_table(results).splitlines()) == 3


def test_the_commands(perfect, prepared):
    call = ["--public", str(prepared / "public")]
    valid = CliRunner().invoke(app, ["challenge", "validate", str(perfect), *call])
    assert valid.exit_code == 0 and "'perfect' is complete" in valid.output
    scored = CliRunner().invoke(
        app, ["challenge", "score", str(perfect), *call, "--private", str(prepared / "private")]
    )
    assert scored.exit_code == 0 and "score 1.0000" in scored.output
    assert json.loads((perfect / "score.json").read_text())["composite"] == 1
    (perfect / "los.npy").unlink()
    failed = CliRunner().invoke(app, ["challenge", "validate", str(perfect), *call])
    assert isinstance(failed.exception, WirelessFMError) and "los.npy" in str(failed.exception)
