"""Pretraining that starts from trained weights: what is kept, what is recorded, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from wirelessfm import WirelessFMError
from wirelessfm.answers import provenance_notes
from wirelessfm.cli import app
from wirelessfm.models.card_text import card_text, recipe_text
from wirelessfm.models.saved import load_saved
from wirelessfm.pretrain import PretrainStep, pretrain
from wirelessfm.recipe import Recipe, parse_recipe


def tiny(**changes: object) -> Recipe:
    content = {
        "name": "tiny",
        "model": {"name": "wfm-mae", "config": {"width": 16, "depth": 1, "n_heads": 2, "patch_delay": 8}},
        "objectives": [{"name": "masked"}],
        "data": {"corpora": ["unused"], "antennas": [4], "subcarriers": [8]},
        "training": {"steps": 2, "batch_size": 8, "checkpoint_every": 1, "warmup_steps": 0, "precision": "32-true"},
    }
    return parse_recipe({**content, **changes})


@pytest.fixture
def first(make_paths, tmp_path: Path) -> Path:
    return pretrain(tiny(data={**tiny().data.model_dump(), "positions": True}), [make_paths(20, 3)], tmp_path / "first")


def test_training_starts_from_the_weights_asked_for(make_paths, first: Path, tmp_path: Path) -> None:
    sites = [make_paths(20, 3)]
    trained = load_saved(first)[0].state_dict()
    begun = PretrainStep(tiny(seed=5).started_from(str(first)), sites).model.state_dict()
    assert all(torch.equal(begun[name], value) for name, value in trained.items())
    random = PretrainStep(tiny(seed=5), sites).model.state_dict()
    assert not all(torch.equal(begun[name], value) for name, value in random.items())


def test_a_killed_second_training_ends_with_the_weights_of_an_uninterrupted_one(
    make_paths, first: Path, tmp_path: Path, monkeypatch
) -> None:
    sites, recipe = [make_paths(20, 3)], tiny(seed=1).started_from(str(first))
    whole = load_saved(pretrain(recipe, sites, tmp_path / "whole", progress=False))[1]
    forward = PretrainStep.forward
    killed = lambda self, step, rank: forward(self, step, rank) if step < 1 else 1 / 0  # noqa: E731
    monkeypatch.setattr(PretrainStep, "forward", killed)
    with pytest.raises(ZeroDivisionError):
        pretrain(recipe, sites, tmp_path / "killed", progress=False)
    monkeypatch.undo()
    assert load_saved(pretrain(recipe, sites, tmp_path / "killed", progress=False))[1].weights == whole.weights
    with pytest.raises(WirelessFMError, match="another recipe"):
        (tmp_path / "killed" / "model").rename(tmp_path / "moved")
        pretrain(tiny(seed=1), sites, tmp_path / "killed", progress=False)


def test_the_card_tells_both_trainings(make_paths, first: Path, tmp_path: Path) -> None:
    before, recipe = load_saved(first)[1], tiny(name="again", seed=1).started_from(str(first))
    folder = pretrain(recipe, [make_paths(9, 2, seed=1)], tmp_path / "second")
    card = load_saved(folder)[1]
    assert [stage.weights for stage in card.stages()] == [before.weights, card.weights]
    assert set(card.corpora) >= set(before.corpora)
    # The second recipe has no positions, but the weights saw them.
    assert provenance_notes(card)["pretraining_saw"] == "positions"
    text = card_text(card, "NAME")
    assert f"starts from {before.weights}, tiny" in text
    assert text.endswith(
        "  wfm card NAME --recipe --stage 1 > recipe1.yaml\n  wfm pretrain recipe1.yaml -o run1\n"
        "  wfm card NAME --recipe --stage 2 > recipe2.yaml\n  wfm pretrain recipe2.yaml --start run1/model -o run2"
    )
    printed = CliRunner().invoke(app, ["card", str(folder), "--recipe", "--stage", "1"]).output
    assert printed.rstrip() == recipe_text(before).rstrip()
    refused = CliRunner().invoke(app, ["card", str(folder), "--stage", "3"]).exception
    assert "took 2 training(s), found no number 3" in str(refused)


def test_weights_that_do_not_fit_are_refused(make_paths, first: Path, tmp_path: Path) -> None:
    sites = [make_paths(20, 3)]
    other = tiny(model={"name": "wfm-mae", "config": {"width": 16, "depth": 1, "n_heads": 4, "patch_delay": 8}})
    with pytest.raises(WirelessFMError, match=r"is of wfm-mae with .*'n_heads': 2.* the recipe wants .*'n_heads': 4"):
        pretrain(other.started_from(str(first)), sites, tmp_path / "other")
    with pytest.raises(WirelessFMError, match=r"unknown trained model .*'nowhere'.*wfm-spectrum"):
        pretrain(tiny().started_from("nowhere"), sites, tmp_path / "nowhere")
    assert not (tmp_path / "nowhere" / "model").exists()
