"""The published objectives in the registry: on CSI, with the models of the zoo and the recipes that ship."""

from __future__ import annotations

import pytest
import torch

from wirelessfm.models.saved import load_saved, weights_hash
from wirelessfm.models.zoo import build_model
from wirelessfm.pretrain import PretrainStep, pretrain
from wirelessfm.recipe import Recipe, load_recipe

RECIPES = ("lwm-1.0", "wimae", "contrawimae", "wifo-tiny")
SMALL = {
    "lwm-1.0": {"depth": 2},
    "wimae": {"encoder_depth": 2, "decoder_depth": 1},
    "contrawimae": {"encoder_depth": 2, "decoder_depth": 1},
    "wifo-tiny": {"encoder_depth": 2, "decoder_depth": 1},
}


def small(name: str, **training: object) -> Recipe:
    recipe = load_recipe(name)
    config = {**recipe.model.config, **SMALL[name]}
    steps = {"steps": 1, "batch_size": 4, "warmup_steps": 0, "precision": "32-true", **training}
    return recipe.model_copy(
        update={
            "model": recipe.model.model_copy(update={"config": config}),
            "training": recipe.training.model_copy(update=steps),
        }
    )


@pytest.mark.parametrize("name", RECIPES)
def test_a_shipped_recipe_runs_is_saved_and_repeats_exactly(name, make_paths, tmp_path) -> None:
    """Dropout included: two runs in one process give the same weights."""
    folders = [pretrain(small(name, steps=2), [make_paths(20, 3)], tmp_path / n, progress=False) for n in "ab"]
    (model, card), (again, _) = (load_saved(folder) for folder in folders)
    assert card.model == name and card.config == small(name).model.config
    assert weights_hash(model.state_dict()) == weights_hash(again.state_dict())
    fresh = build_model(card.model, card.config)
    assert weights_hash(model.state_dict()) != weights_hash(fresh.state_dict())


@pytest.mark.parametrize("name", RECIPES)
def test_the_loss_is_finite_reaches_every_parameter_and_leaves_the_global_random_state(name, make_paths) -> None:
    step = PretrainStep(small(name), [make_paths(20, 3)])
    before = torch.random.get_rng_state()
    loss, terms = step(0, 0)
    assert torch.equal(torch.random.get_rng_state(), before)
    loss.backward()
    assert torch.isfinite(loss) and list(terms) == [load_recipe(name).objectives[0].name]
    grads = {n: p.grad for n, p in step.model.named_parameters()}
    assert all(g is not None and torch.isfinite(g).all() for g in grads.values())
