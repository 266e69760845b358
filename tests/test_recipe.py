from __future__ import annotations

from copy import deepcopy

import pytest
import torch
import yaml

from wirelessfm import WirelessFMError
from wirelessfm.pretrain import feeds
from wirelessfm.recipe import load_recipe, parse_recipe, shipped_recipes

GOOD = {
    "name": "t",
    "model": {"name": "wfm-mae"},
    "objectives": [{"name": "masked"}],
    "data": {"corpora": ["munich"]},
    "training": {"steps": 3},
}


def changed(**updates: object) -> dict:
    content = deepcopy(GOOD)
    for place, value in updates.items():
        *parents, key = place.split("__")
        target = content
        for parent in parents:
            target = target[parent]
        target[key] = value
    return content


def test_defaults_are_filled_in() -> None:
    recipe = parse_recipe(GOOD)
    assert recipe.training.precision == "bf16-mixed" and recipe.data.views().antennas == (8, 16, 32)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed(training__stepz=4), r"unknown key 'training.stepz', that is 'stepz'. Did you mean 'steps'\?"),
        (changed(trainning={}), r"Did you mean 'training'\?"),
        (changed(model__name="wfm-mea"), r"unknown model 'wfm-mea'. Did you mean 'wfm-mae'\?"),
        (changed(objectives=[{"name": "maskd"}]), r"unknown objective 'maskd'. Did you mean 'masked'\?"),
        (changed(objectives=[{"name": "masked", "wieght": 1}]), r"Did you mean 'weight'\?"),
        (changed(objectives=[{"name": "masked", "options": {"mask_ration": 0.5}}]), "Did you mean 'mask_ratio'"),
        (changed(training__steps="many"), r"training\.steps: .*integer.*found 'many'"),
        (changed(training__steps=0), r"training\.steps: .*greater than 0, found 0"),
        (changed(objectives=[{"name": "lwm"}]), "'lwm' cannot train model 'wfm-mae'; expected .*masked or statistics$"),
        (changed(model__name="contrawimae"), "'masked' cannot train model 'contrawimae'; expected wimae$"),
        (changed(objectives=[]), r"objectives: .*at least 1"),
        (changed(data__corpora=[]), r"data\.corpora"),
        (changed(training__precision="16"), "bf16-mixed"),
        ({k: v for k, v in GOOD.items() if k != "model"}, "model: Field required"),
        ([1, 2], "the recipe"),
        (None, "the recipe"),
    ],
)
def test_mistakes_are_named(content, message) -> None:
    with pytest.raises(WirelessFMError, match=message):
        parse_recipe(content)


def test_unreadable_files_are_named(tmp_path) -> None:
    with pytest.raises(WirelessFMError, match="unknown recipe"):
        load_recipe(tmp_path / "absent.yaml")
    (tmp_path / "bad.yaml").write_text("a: [1\nb: {")
    with pytest.raises(WirelessFMError, match="not a readable YAML"):
        load_recipe(tmp_path / "bad.yaml")
    (tmp_path / "code.yaml").write_text("!!python/object/apply:os.system ['true']")
    with pytest.raises(WirelessFMError, match="not a readable YAML"):
        load_recipe(tmp_path / "code.yaml")


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_are_valid(name) -> None:
    assert load_recipe(name).name == name


def test_a_recipe_on_other_corpora_is_otherwise_the_same() -> None:
    recipe = load_recipe("demo")
    moved = recipe.on(["etoile"])
    assert moved.data.corpora == ("etoile",) and moved.on(recipe.data.corpora) == recipe


def test_an_objective_may_have_batches_of_its_own(make_paths) -> None:
    content = yaml.safe_load(shipped_recipes()["demo-fast"].read_text())
    content["objectives"][0] |= {"data": {"antennas": [4], "times": 3}, "batch_size": 5}
    recipe = parse_recipe(content)
    assert recipe.data_of(recipe.objectives[0]).antennas == (4,)
    assert recipe.data_of(recipe.objectives[1]) == recipe.data
    first, *others = feeds(recipe, [make_paths(20, 3)])
    assert first.objectives == recipe.objectives[:1] and first.batch_size == 5
    assert [feed.objectives for feed in others] == [recipe.objectives[1:]]
    assert first.sampler.draw(5, torch.Generator()).values.shape[1:3] == (3, 4)


def test_objectives_take_turns(make_paths) -> None:
    content = yaml.safe_load(shipped_recipes()["demo-fast"].read_text())
    content["objectives"] = [
        {"name": "autocorrelation"},
        {"name": "masked", "every": 3},
        {"name": "statistics", "every": 3, "batch_size": 5},
    ]
    always, *others = feeds(parse_recipe(content), [make_paths(20, 3)])
    assert all(always.joins(step) for step in range(6))
    assert [[step for step in range(6) if feed.joins(step)] for feed in others] == [[1, 4], [2, 5]]
    content["objectives"].insert(2, {"name": "autocorrelation", "batch_size": 3})
    among = [feed for feed in feeds(parse_recipe(content), [make_paths(20, 3)]) if feed.every == 3]
    assert [[step for step in range(6) if feed.joins(step)] for feed in among] == [[1, 4], [2, 5]]


def test_one_objective_joins_each_step() -> None:
    content = yaml.safe_load(shipped_recipes()["demo-fast"].read_text())
    content["objectives"] = [{"name": "autocorrelation", "every": 2}]
    with pytest.raises(WirelessFMError, match=r"each step.*'every: 1' from 0 of"):
        parse_recipe(content)
    content["objectives"].append({"name": "masked", "between": [0, 0.5]})
    with pytest.raises(WirelessFMError, match=r"each step.*from 0.5 of"):
        parse_recipe(content)
    content["objectives"].append({"name": "masked", "between": [0.55, 1]})
    with pytest.raises(WirelessFMError, match=r"each step.*from 0.5 of"):
        parse_recipe(content)
    content["objectives"][-1] |= {"between": [0.25, 1]}
    parse_recipe(content)
    content["objectives"][-1] |= {"between": [0.6, 0.5]}
    with pytest.raises(WirelessFMError, match=r"objectives\.2\.between.*the second larger"):
        parse_recipe(content)


def test_an_objective_that_never_joins_is_refused() -> None:
    content = yaml.safe_load(shipped_recipes()["demo-fast"].read_text())
    for late in ({"between": [0.5, 0.51]}, {"between": [0, 0.1], "every": 5}, {"every": 41}):
        content["objectives"] = [{"name": "masked"}, {"name": "statistics", **late}]
        with pytest.raises(WirelessFMError, match=r"'statistics' joins no step of 40"):
            parse_recipe(content)


def test_a_schedule_of_masks_is_one_objective_after_the_other(make_paths) -> None:
    content = yaml.safe_load(shipped_recipes()["demo-fast"].read_text())
    easy, hard = {"mask_ratio": 0.3}, {"masks": ["block"], "mask_ratio": 0.7}
    content["objectives"] = [
        {"name": "masked", "options": easy, "between": [0, 0.25]},
        {"name": "masked", "options": hard, "between": [0.25, 1]},
        {"name": "autocorrelation"},
    ]
    content["training"]["steps"] = 9
    found = feeds(parse_recipe(content), [make_paths(20, 3)])
    joined = [[step for step in range(9) if feed.joins(step)] for feed in found]
    assert joined == [[0, 1], [2, 3, 4, 5, 6, 7, 8], list(range(9))]
    assert [feed.objectives[0].options for feed in found[:2]] == [easy, hard]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"antenas": [4]}, "antenas.*antennas"),
        ({"corpora": ["munich"]}, "corpora"),
        ({"noiseless": 2.0}, "noiseless"),
        ({"interval_s": [0.0, 1.0], "times": 2}, "intervals positive"),
    ],
)
def test_mistakes_in_the_data_of_an_objective_are_named(data, message) -> None:
    content = yaml.safe_load(shipped_recipes()["demo-fast"].read_text())
    content["objectives"][0]["data"] = data
    with pytest.raises(WirelessFMError, match=message):
        parse_recipe(content)
