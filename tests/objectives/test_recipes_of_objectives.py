"""The recipes that differ in their objective: they run, train what they should, and say what they use."""

from __future__ import annotations

import pytest
import torch

from wirelessfm import WirelessFMError
from wirelessfm.data.views import ViewSampler, ViewSpec
from wirelessfm.models.saved import load_saved, weights_hash
from wirelessfm.models.zoo import build_model
from wirelessfm.objectives import OBJECTIVES, check_objective
from wirelessfm.objectives.masked import _turned_to
from wirelessfm.pretrain import pretrain
from wirelessfm.recipe import load_recipe

RECIPES = ("masked", "masked-channel", "contrastive", "charting", "next-token", "hybrid", "csi-clip")
SMALL = {"width": 16, "depth": 1, "n_heads": 2}


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", RECIPES)
def test_a_shipped_recipe_trains_and_its_card_says_with_what(make_paths, tmp_path, name) -> None:
    recipe = load_recipe(name)
    model = recipe.model.model_copy(update={"config": {**recipe.model.config, **SMALL}})
    training = recipe.training.model_copy(update={"steps": 2, "batch_size": 8, "warmup_steps": 0, "weight_decay": 0.0})
    recipe = recipe.model_copy(update={"model": model, "training": training})
    trained, card = load_saved(pretrain(recipe, [make_paths(20, 3)], tmp_path / "run", progress=False))
    fresh = build_model(card.model, card.config)
    assert weights_hash(trained.state_dict()) != weights_hash(fresh.state_dict())
    assert [part["name"] for part in card.recipe["objectives"]] == [part.name for part in recipe.objectives]
    assert card.recipe["data"]["positions"] == (name == "charting")


def test_the_recipes_differ_in_nothing_that_a_comparison_should_not_have() -> None:
    recipes = [load_recipe(name) for name in RECIPES]
    for part in ("antennas", "subcarriers", "bandwidth_hz", "snr_db", "noiseless", "corpora"):
        assert len({getattr(r.data, part) for r in recipes}) == 1
    assert len({(r.training.batch_size, r.training.learning_rate) for r in recipes}) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"style": "replace"},
        {"masks": ["block"]},
        {"masks": ["angle", "delay"], "mask_ratio": [0.3, 0.7]},
        {"masks": ["delay"], "style": "replace"},
        {"masks": ["antenna"]},
        {"masks": ["frequency", "random"]},
    ],
)
def test_masked_modelling_takes_every_mask_and_style(make_paths, options) -> None:
    csi = ViewSampler([make_paths(20, 1)], ViewSpec(antennas=(8,), subcarriers=(16,))).draw(16, rng())
    model = build_model("wfm-mae", {"width": 32, "depth": 1, "patch_angle": 2, "patch_delay": 4})
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    losses = []
    for _ in range(30):
        loss = OBJECTIVES["masked"](model, csi, rng(), **options)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0] and losses[-1] < 1


@pytest.mark.parametrize(("kind", "axis", "share"), [("antenna", 2, 6 / 8), ("frequency", 1, 12 / 16)])
def test_masked_antennas_and_subcarriers_are_zero_and_everything_is_asked_for(make_paths, kind, axis, share) -> None:
    csi = ViewSampler([make_paths(60, 3)], ViewSpec(antennas=(8,), subcarriers=(16,))).draw(20, rng())
    model = build_model("wfm-mae", {"width": 16, "depth": 1, "patch_delay": 4})
    seen, whole = [], model.tokenize(csi).patches
    tokenize, model.tokenize = model.tokenize, lambda csi: (seen.append(csi.values), tokenize(csi))[1]
    options = {"masks": [kind], "mask_ratio": 0.75}
    # In the phase of what is seen, which is another than that of the whole: no error, where that has some.
    model.decode = lambda encoded, tokens, visible: _turned_to(whole, tokens.patches)  # type: ignore[method-assign]
    assert float(OBJECTIVES["masked"](model, csi, rng(), **options)) < 1e-10
    model.decode = lambda encoded, tokens, visible: whole  # type: ignore[method-assign]
    assert float(OBJECTIVES["masked"](model, csi, rng(), **options)) > 1e-3
    with pytest.raises(WirelessFMError, match="'replace' is for masked patches"):
        OBJECTIVES["masked"](model, csi, rng(), style="replace", **options)
    zero = (seen[0] == 0).all(dim=axis)
    assert torch.equal(seen[0] == 0, zero.unsqueeze(axis).expand_as(seen[0]))
    assert (zero.float().mean(dim=1) == share).all() and len(zero.unique(dim=0)) > 10


def test_replacement_hides_what_it_says(make_paths) -> None:
    """With a decoder that copies what it is given, kept patches would have no error and zeroed ones all of it."""
    csi = ViewSampler([make_paths(60, 3)], ViewSpec(antennas=(8,), subcarriers=(16,))).draw(50, rng())
    model = build_model("wfm-mae", {"width": 16, "depth": 1, "patch_delay": 4})
    seen = []
    model.encode = lambda tokens, visible: seen.append(tokens.patches)  # type: ignore[method-assign]
    model.decode = lambda encoded, tokens, visible: tokens.patches  # type: ignore[method-assign]
    loss = float(OBJECTIVES["masked"](model, csi, rng(), style="replace"))
    assert loss == pytest.approx(0.8 + 0.1 * 2, abs=0.1)  # another sample's patch has twice the energy as error
    assert 0.3 < float((seen[0] != model.tokenize(csi).patches).any(dim=2).float().mean()) < 0.6
    with pytest.raises(WirelessFMError, match="unknown style of masking 'replaced'"):
        OBJECTIVES["masked"](model, csi, rng(), style="replaced")


def test_objectives_are_for_their_models() -> None:
    for objective, model in (("vq", "wfm-next-token"), ("next-token", "wfm-next-token"), ("charting", "wfm-mae")):
        check_objective(objective, model)
    wrong = (("vq", "wfm-mae"), ("cir-csi", "wfm-mae"), ("contrastive", "wfm-next-token"), ("contrastive", "wimae"))
    for objective, model in wrong:
        with pytest.raises(WirelessFMError, match="cannot train model"):
            check_objective(objective, model)
