"""Pretraining that starts from trained weights: what is kept, what is recorded, what is refused."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from wirelessfm import WirelessFMError
from wirelessfm.answers import provenance_notes, zero_label_system
from wirelessfm.cli import app
from wirelessfm.models.card_text import card_text, in_short, recipe_text
from wirelessfm.models.saved import ModelCard, load_saved
from wirelessfm.models.zoo import build_model
from wirelessfm.pretrain import PretrainStep, pretrain
from wirelessfm.pretrain.start import load_start
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
    begun = PretrainStep(tiny(seed=5), sites).model
    assert not all(torch.equal(begun.state_dict()[name], value) for name, value in trained.items())
    card = load_start(begun, tiny().started_from(str(first)).model)
    assert card is not None and card.weights == load_saved(first)[1].weights
    assert all(torch.equal(begun.state_dict()[name], value) for name, value in trained.items())
    assert load_start(begun, tiny().model) is None


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
    with pytest.raises(WirelessFMError, match="another 'start'"):
        pretrain(tiny(seed=1), sites, tmp_path / "killed", progress=False)
    # What it started from is gone: the run has all it needs.
    first.rename(tmp_path / "elsewhere")
    card = load_saved(pretrain(recipe, sites, tmp_path / "killed", progress=False))[1]
    assert (card.weights, card.before) == (whole.weights, whole.before)


def test_the_card_tells_both_trainings(make_paths, first: Path, tmp_path: Path) -> None:
    before, recipe = load_saved(first)[1], tiny(name="again", seed=1).started_from(str(first))
    folder = pretrain(recipe, [make_paths(9, 2, seed=1)], tmp_path / "second")
    card = load_saved(folder)[1]
    assert [stage.weights for stage in card.stages()] == [before.weights, card.weights]
    assert set(card.corpora) >= set(before.corpora)
    # The second recipe has no positions, but the weights saw them.
    assert provenance_notes(card)["pretraining_saw"] == "positions"
    text = card_text(card, "NAME")
    assert f"starts from {before.weights} (tiny)" in text
    assert text.endswith(
        "  wfm card NAME --recipe --stage 1 > recipe1.yaml\n  wfm pretrain recipe1.yaml -o run1\n"
        "  wfm card NAME --recipe --stage 2 > recipe2.yaml\n  wfm pretrain recipe2.yaml --start run1/model -o run2"
    )
    printed = CliRunner().invoke(app, ["card", str(folder), "--recipe", "--stage", "1"]).output
    assert printed.rstrip() == recipe_text(before).rstrip()
    earlier = CliRunner().invoke(app, ["card", str(folder), "--stage", "1"]).output
    assert before.weights in earlier
    assert earlier.rstrip().endswith("--stage 1 > recipe1.yaml\n  wfm pretrain recipe1.yaml -o run1")
    assert recipe_text(card).startswith(f"# The weights in model.start were {before.weights}.")
    refused = CliRunner().invoke(app, ["card", str(folder), "--stage", "3"]).exception
    assert "took 2 training(s), found no number 3" in str(refused)


def test_weights_that_do_not_fit_are_refused(make_paths, first: Path, tmp_path: Path) -> None:
    sites = [make_paths(20, 3)]
    other = tiny(model={"name": "wfm-mae", "config": {"width": 16, "depth": 1, "n_heads": 4, "patch_delay": 8}})
    with pytest.raises(WirelessFMError, match="it is a wfm-mae with n_heads 2 instead of 4; start from"):
        pretrain(other.started_from(str(first)), sites, tmp_path / "other")
    with pytest.raises(WirelessFMError, match=r"unknown trained model .*'nowhere'.*wfm-spectrum"):
        pretrain(tiny().started_from("nowhere"), sites, tmp_path / "nowhere")
    assert not (tmp_path / "nowhere" / "model").exists()


def test_models_are_compared_from_random_weights_only() -> None:
    with pytest.raises(
        WirelessFMError, match=r"'tiny' starts from the trained weights 'run/model'.*remove model.start"
    ):
        tiny().started_from("run/model").check_from_random()
    tiny().check_from_random()


def test_what_only_an_earlier_training_taught_is_no_answer_any_more() -> None:
    taught = {"objectives": [{"name": "better-view", "options": {"known": 1.0, "other_carrier": 1.0}}]}
    first = ModelCard("wfm-spectrum", {}, name="first", recipe=taught)
    second = ModelCard("wfm-spectrum", {}, recipe={"objectives": [{"name": "estimation"}]}, before=asdict(first))
    model = build_model("wfm-spectrum", {"width": 16, "depth": 1})
    assert zero_label_system(model, first, "los").name == "first:los"
    with pytest.raises(WirelessFMError, match="does not answer 'los' without labels"):
        zero_label_system(model, second, "los")
    assert "line of sight" in str(provenance_notes(second)["pretraining_saw"])


def test_numbered_names_are_shortened() -> None:
    names = ["munich", "etoile", *(f"town-{n}" for n in range(12)), "site-1", "site-2"]
    assert in_short(names) == "munich, etoile, town-0 … town-11 (12), site-1, site-2"


def test_weights_of_another_model_are_refused_in_one_line(make_paths, first: Path, tmp_path: Path) -> None:
    other = tiny(model={"name": "wfm-next-token"}, objectives=[{"name": "vq"}])
    with pytest.raises(WirelessFMError, match="recipe's wfm-next-token: it is a wfm-mae; start from"):
        pretrain(other.started_from(str(first)), [make_paths(20, 3)], tmp_path / "other")
