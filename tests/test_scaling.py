"""benchmarks/scaling.py: the law, the shares of users, and cells that are trained once."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import random_paths
from tests.test_pretrain import tiny
from wirelessfm import Paths, WirelessFMError

_SPEC = importlib.util.spec_from_file_location(
    "scaling", Path(__file__).resolve().parents[1] / "benchmarks" / "scaling.py"
)
scaling = importlib.util.module_from_spec(_SPEC)
sys.modules["scaling"] = scaling  # dataclasses look their module up
_SPEC.loader.exec_module(scaling)

N, D = (axis.ravel() for axis in np.meshgrid([1e5, 3e5, 1e6, 3e6], [2e3, 8e3, 32e3]))


def place(paths: Paths, scene: str, site: str = "bs0") -> Paths:
    return replace(paths, meta=replace(paths.meta, scene=scene, site=site))


@pytest.mark.parametrize("truth", [(0.3, 8.0, 0.25, 20.0, 0.6), (0.05, 300.0, 0.6, 5.0, 0.3)], ids=["users", "sizes"])
def test_the_law_that_made_the_losses_is_found(truth) -> None:
    losses = scaling.Law(*truth).loss(N, D)
    law = scaling.fit_law(N, D, losses)
    assert [law.E, law.A, law.alpha, law.B, law.beta] == pytest.approx(truth, rel=0.02)
    assert law.rms < 1e-4
    assert scaling.fit_law(N, D, 1e-3 * losses).alpha == pytest.approx(law.alpha, rel=0.02)


def test_noise_shows_in_the_residual_and_when_cells_are_left_out() -> None:
    noise = np.random.default_rng(0).normal(size=len(N))
    losses = scaling.Law(0.3, 8.0, 0.25, 20.0, 0.6).loss(N, D)
    quiet, noisy = (losses * np.exp(sigma * noise) for sigma in (0.0005, 0.02))
    assert scaling.fit_law(N, D, quiet).rms < 0.0006 and 0.005 < scaling.fit_law(N, D, noisy).rms < 0.02
    spread = [np.ptp([law.alpha for law in scaling.left_out(N, D, y)]) for y in (quiet, noisy)]
    assert len(scaling.left_out(N, D, quiet)) == len(N) and spread[0] < spread[1]


def test_too_few_cells_for_a_law_are_refused() -> None:
    with pytest.raises(WirelessFMError, match="found 4 and 2"):
        # Two seeds have nearly the same number of users: no third number.
        scaling.fit_law(N, [2e3, 8e3, 8.1e3] * 4, np.ones(12))
    with pytest.raises(WirelessFMError, match="positive losses, found -1"):
        scaling.fit_law(N, D, np.linspace(-1, 1, 12))


def test_shares_of_users_are_nested_and_the_same_at_every_carrier() -> None:
    site = random_paths(200)
    other = replace(site, meta=replace(site.meta, carrier_hz=28e9))
    shares = [{tuple(p) for p in scaling.some_users(site, f, 3).position_m.tolist()} for f in (0.1, 0.3, 1.0)]
    assert shares[0] < shares[1] < shares[2] == {tuple(p) for p in site.position_m.tolist()}
    assert len(shares[0]) == 20
    assert torch.equal(scaling.some_users(other, 0.1, 3).position_m, scaling.some_users(site, 0.1, 3).position_m)
    for different in (scaling.some_users(site, 0.1, 4), scaling.some_users(place(site, "random", "bs1"), 0.1, 3)):
        assert {tuple(p) for p in different.position_m.tolist()} != shares[0]
    with pytest.raises(WirelessFMError, match=r"lies in \(0, 1\], found 2"):
        scaling.some_users(site, 2.0, 0)


def test_sizes_are_settings_of_the_model() -> None:
    assert scaling.parse_size("width=48,depth=2,masks=[a,b],x=0.5") == {
        "width": 48,
        "depth": 2,
        "masks": ["a", "b"],
        "x": 0.5,
    }
    assert scaling.parse_size("") == {}
    for wrong in ("width", "width=", "width={"):
        with pytest.raises(WirelessFMError, match="such as width=48,depth=2"):
            scaling.parse_size(wrong)
    with pytest.raises(WirelessFMError, match="Did you mean 'width'"):
        scaling.cells(tiny(), [{"widht": 8}], [1.0], 4, "rome")
    with pytest.raises(WirelessFMError, match="all warm-up"):
        scaling.cells(tiny(), [{}], [1.0], 2, "rome")


def test_cells_are_trained_once_and_measured_on_the_same_batches(tmp_path, monkeypatch) -> None:
    sites, unseen = [place(random_paths(40), "rome")], [place(random_paths(30, seed=1), "oslo")]
    planned = scaling.cells(tiny(), [{"width": 16}, {"width": 32}], [0.25, 1.0], 4, "oslo", batches=2)
    rows = scaling.run(planned[:3], sites, unseen, tmp_path)
    with pytest.raises(WirelessFMError, match="rome is both trained on and held out"):
        scaling.run(planned, sites, sites, tmp_path)
    assert [row["n_users"] < 39 for row in rows] == [True, False, True]
    assert [row["recipe"] for row in rows[:2]] == ["tiny (0.25 of the users)", "tiny"]
    assert rows[0]["n_parameters"] == rows[1]["n_parameters"] < rows[2]["n_parameters"]
    for row in rows:
        assert row["loss"] == pytest.approx(row["terms"]["masked"] + 0.3 * row["terms"]["autocorrelation"], rel=1e-5)

    trained, pretrain = [], scaling.pretrain
    monkeypatch.setattr(scaling, "pretrain", lambda recipe, *rest: trained.append(recipe) or pretrain(recipe, *rest))
    again = scaling.run(planned, sites, unseen, tmp_path)
    assert again[:3] == rows and len(trained) == 1 and len(scaling.read_rows(tmp_path / "scaling.jsonl")) == 4
    # A model whose measurement was lost is not trained again, and measures the same.
    (tmp_path / "scaling.jsonl").unlink()
    assert scaling.run(planned, sites, unseen, tmp_path) == again and len(trained) == 1
    lines = scaling.summary(again)
    assert len(lines) == 6 and "no law" in lines[-1] and "width=32" in lines[3]


def test_seeds_change_the_training_and_not_the_measurement(tmp_path) -> None:
    planned = scaling.cells(tiny(), [{}], [0.5], 3, "oslo", seeds=2, batches=2)
    assert [cell.recipe.seed for cell in planned] == [0, 1] and planned[0].key != planned[1].key
    unseen = [place(random_paths(30, seed=1), "oslo")]
    model = scaling.build_model("wfm-mae", planned[0].recipe.model.config)
    first, second = (scaling.held_out_loss(cell, model, unseen) for cell in planned)
    assert first == second and not model.training


def test_a_broken_results_file_is_named(tmp_path) -> None:
    (tmp_path / "scaling.jsonl").write_text('{"cell": "a"}\n{"cel')
    with pytest.raises(WirelessFMError, match="has a line that is not a row"):
        scaling.read_rows(tmp_path / "scaling.jsonl")


def test_the_law_is_printed_beside_the_table() -> None:
    losses = scaling.Law(0.3, 8.0, 0.25, 20.0, 0.6).loss(N, D)
    rows = [
        {
            "n_parameters": int(n),
            "n_users": int(d),
            "seed": 0,
            "loss": y,
            "terms": {"masked": y},
            "seconds": 9,
            "size": {},
        }
        for n, d, y in zip(N, D, losses, strict=True)
    ]
    lines = scaling.summary(rows)
    assert len(lines) == 15 and f"{losses[0]:9.4f}{losses[0]:9.4f}" in lines[1]
    assert "N^-0.25 + 20 D^-0.6; residual 0.00% (rms)" in lines[-2] and "alpha 0.25 to 0.25" in lines[-1]
