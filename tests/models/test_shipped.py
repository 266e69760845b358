"""Weights that come with the package: found by name everywhere a model folder is, and never loaded when damaged."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

import wirelessfm
from tests.synthetic_sites import make_site
from wirelessfm import WirelessFMError
from wirelessfm.baselines import BASELINES
from wirelessfm.cli import app
from wirelessfm.evaluate import evaluate
from wirelessfm.models import shipped
from wirelessfm.models.card_text import card_text, recipe_text
from wirelessfm.models.saved import ModelCard, save_model
from wirelessfm.models.shipped import find_trained, load_shipped, load_trained, shipped_names
from wirelessfm.models.zoo import MODELS, build_model
from wirelessfm.recipe import load_recipe, parse_recipe
from wirelessfm.suite import find_system
from wirelessfm.tasks import LosTask

SMALL = {"width": 16, "depth": 1, "n_heads": 2}
LOS = LosTask().build([make_site(40)])
MAX_BYTES = 4_200_000


def saved(folder, seed=0, **card):
    return save_model(build_model("wfm-mae", SMALL, seed), ModelCard("wfm-mae", SMALL, seed=seed, **card), folder)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """Two models instead of those in the package."""
    recipe = load_recipe("masked").model_dump(mode="json")
    saved(
        tmp_path / "small-1", name="masked", corpora=("munich", "etoile"), seconds=61.2, cpu_seconds=99.0, recipe=recipe
    )
    saved(tmp_path / "small-2", seed=1)
    monkeypatch.setattr(shipped, "folder", lambda root=None: root or tmp_path)
    return tmp_path


def altered(root, name, **content) -> None:
    path = root / name / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | content))


@pytest.mark.parametrize("name", shipped_names())
def test_what_ships_is_complete_small_and_named_apart(name) -> None:
    model, card = load_shipped(name)
    assert card.corpora and card.seconds > 0 and card.n_parameters == sum(p.numel() for p in model.parameters())
    recipe = parse_recipe(yaml.safe_load(recipe_text(card)))
    assert recipe.seed == card.seed
    model = build_model(recipe.model.name, recipe.model.config)
    assert sum(p.numel() for p in model.parameters()) == card.n_parameters
    assert sum(file.stat().st_size for file in (shipped.folder() / name).iterdir()) < MAX_BYTES
    assert name not in MODELS and name not in BASELINES


def test_names_lead_to_weights_and_cards(root) -> None:
    assert shipped_names() == ["small-1", "small-2"] and shipped_names(root / "small-1") == []
    model, card = load_shipped("small-1")
    assert (card.name, card.corpora, card.recipe["name"]) == ("small-1", ("munich", "etoile"), "masked")
    expected = build_model("wfm-mae", SMALL).eval().embed(LOS.inputs[:4])
    for found in (model, load_trained("small-1")[0], wirelessfm.load_model("small-1")):
        assert not found.training and torch.equal(found.embed(LOS.inputs[:4]), expected)
    assert find_trained("small-3") is None and find_trained(str(root)) is None


def test_a_folder_goes_before_a_name(root, tmp_path, monkeypatch) -> None:
    mine = saved(tmp_path / "mine" / "small-1", seed=7)
    assert load_trained("small-1")[1].weights != mine.weights
    monkeypatch.chdir(tmp_path / "mine")
    assert load_trained("small-1")[1].weights == mine.weights
    (tmp_path / "other" / "small-1").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "other")
    assert load_trained("small-1")[1].weights != mine.weights


def test_rows_name_the_weights_and_what_they_saw(root) -> None:
    system = find_system("small-1", pooling="mean")
    assert system.name == "small-1 (mean)"
    row = evaluate([LOS], [find_system("small-1")], (0.5,), (0,), ("linear",), progress=False)[0]
    _, card = load_shipped("small-1")
    assert (row.system, row.weights, row.corpora, row.pretrained) == ("small-1", card.weights, card.corpora, True)
    assert row.n_parameters == card.n_parameters


def test_unknown_names_list_what_ships(root) -> None:
    for look_up in (load_shipped, load_trained, wirelessfm.load_model, find_system):
        with pytest.raises(WirelessFMError, match=r"unknown .*'smal-1'\. Did you mean 'small-1'\? .*small-2"):
            look_up("smal-1")
    with pytest.raises(WirelessFMError, match=r"it has no card\.json"):
        load_trained(root)
    for escape in ("../small-1", str(root.parent), ""):
        with pytest.raises(WirelessFMError, match="unknown shipped model"):
            load_shipped(escape)


def test_damaged_and_exchanged_weights_are_refused(root) -> None:
    weights, others = (root / name / "weights.safetensors" for name in ("small-1", "small-2"))
    whole = weights.read_bytes()
    # The other model fits: only the checksums tell.
    for content in (whole[:-1], whole[:-1] + b"x", others.read_bytes()):
        weights.write_bytes(content)
        for load in (load_shipped, wirelessfm.load_model, find_system):
            with pytest.raises(WirelessFMError, match=r"corrupt: its SHA-256 .* reinstall the package"):
                load("small-1")
    weights.unlink()
    with pytest.raises(WirelessFMError, match=r"weights\.safetensors' is missing"):
        load_shipped("small-1")
    assert load_shipped("small-2")[1].seed == 1


def test_a_card_of_other_weights_is_refused(root) -> None:
    altered(root, "small-1", weights="0123456789abcdef")
    with pytest.raises(WirelessFMError, match="expected weights 0123456789abcdef, found"):
        load_shipped("small-1")
    (root / "small-2" / "card.json").write_text("{")
    with pytest.raises(WirelessFMError, match="not a readable JSON file"):
        load_shipped("small-2")


def test_the_text_of_a_card_says_it_all(root) -> None:
    card = load_shipped("small-1")[1]
    text = card_text(card, "small-1")
    for part in (
        "small-1\n",
        "wfm-mae (depth 1, n_heads 2, width 16)",
        f"{card.n_parameters:,}",
        "munich, etoile",
        "1 × masked",
        "61 s, 99 s",
    ):
        assert part in text
    assert card.weights in text and "wfm card small-1 --recipe > recipe.yaml\n  wfm pretrain recipe.yaml -o run" in text
    two = card_text(replace(card, processes=2), "small-1")
    assert "in each of 2 processes" in two and "in each of" not in text
    assert "wfm pretrain recipe.yaml --devices 2 -o run" in two
    again = parse_recipe(yaml.safe_load(recipe_text(card)))
    assert again.model.config == card.config
    assert again.model_copy(update={"model": load_recipe("masked").model}) == load_recipe("masked")
    bare = load_shipped("small-2")[1]
    assert "no recipe is recorded" in card_text(bare, "small-2") and "not recorded" in card_text(bare, "small-2")
    with pytest.raises(WirelessFMError, match="has no recipe"):
        recipe_text(bare)
    with pytest.raises(WirelessFMError, match=r"incomplete \('objectives'\)"):
        card_text(replace(bare, recipe={"name": "half"}), "small-2")


def test_the_command_line_takes_names(root, tmp_path) -> None:
    run = CliRunner()
    assert "small-2" in run.invoke(app, ["models"]).output
    assert "61 s" in run.invoke(app, ["card", "small-1"]).output
    assert "61 s" in run.invoke(app, ["card", str(root / "small-1")]).output
    assert yaml.safe_load(run.invoke(app, ["card", "small-1", "--recipe"]).output)["name"] == "masked"
    LOS.inputs[:5].save(tmp_path / "csi")
    done = run.invoke(app, ["embed", "small-1", str(tmp_path / "csi"), "-o", str(tmp_path / "e.npy")])
    assert done.exit_code == 0 and len(np.load(tmp_path / "e.npy")) == 5
    command = ["evaluate", "small-1", "--scene", "florence", "--task", "los", "--max-users", "30", "--budgets", "100%"]
    options = ["--seeds", "1", "--head", "linear", "--workers", "1", "-o", str(tmp_path / "results")]
    done = run.invoke(app, command + options)
    assert done.exit_code == 0, done.output
    row = json.loads((tmp_path / "results" / "results.jsonl").read_text().splitlines()[0])
    assert (row["system"], row["corpora"], row["pretrained"]) == ("small-1", ["munich", "etoile"], True)
