from __future__ import annotations

import csv
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from wirelessfm import WirelessFMError
from wirelessfm.data.views import ViewSampler, ViewSpec
from wirelessfm.models.saved import load_saved, weights_hash
from wirelessfm.models.zoo import build_model
from wirelessfm.pretrain import PretrainStep, batch_generator, learning_rate, pretrain, rehearsal, spread_steps
from wirelessfm.recipe import Recipe, parse_recipe


def tiny(steps: int = 6, every: int = 2, **training: object) -> Recipe:
    return parse_recipe(
        {
            "name": "tiny",
            "model": {"name": "wfm-mae", "config": {"width": 16, "depth": 1, "n_heads": 2, "patch_delay": 8}},
            "objectives": [{"name": "masked"}, {"name": "autocorrelation", "weight": 0.3}],
            "data": {"corpora": ["unused"], "antennas": [4, 8], "subcarriers": [8]},
            "training": {
                "steps": steps,
                "batch_size": 8,
                "checkpoint_every": every,
                "log_every": 1,
                "warmup_steps": 2,
                "precision": "32-true",
                **training,
            },
        }
    )


def test_views_are_random_but_repeatable(make_paths) -> None:
    sampler = ViewSampler([make_paths(20, 3), make_paths(9, 2, seed=1)], ViewSpec(antennas=(4, 8), subcarriers=(6,)))
    draws = [sampler.draw(5, batch_generator(0, 0, step)) for step in (0, 0, 1, 2, 3, 4)]
    assert draws[0].fingerprint() == draws[1].fingerprint()
    assert len({d.fingerprint() for d in draws}) == 5
    assert {d.size("antenna") for d in draws} == {4, 8} and all(d.size("subcarrier") == 6 for d in draws)
    assert sampler.draw(5, batch_generator(0, 1, 0)).fingerprint() != draws[0].fingerprint()


def test_views_never_show_a_user_without_paths(make_paths) -> None:
    sampler = ViewSampler([make_paths(20, 3)], ViewSpec(noiseless=1.0))
    power = sampler.draw(200, batch_generator(0, 0, 0)).values.abs().square().sum(dim=(1, 2))
    assert float(power.min()) > 0
    with pytest.raises(WirelessFMError, match="connected users"):
        ViewSampler([make_paths(20, 3)[:1]], ViewSpec())


def test_schedule_warms_up_and_ends_near_zero() -> None:
    training = tiny(steps=100).training
    rates = [learning_rate(s, training) for s in range(100)]
    assert rates[0] == training.learning_rate / 2 and max(rates) == training.learning_rate
    assert rates[-1] < 0.02 * training.learning_rate and rates[2:] == sorted(rates[2:], reverse=True)


def test_a_run_gives_weights_logs_and_provenance(make_paths, tmp_path) -> None:
    folder = pretrain(tiny(), [make_paths(20, 3)], tmp_path / "run", progress=False)
    model, card = load_saved(folder)
    assert card.corpora == ("random",) and card.recipe["training"]["steps"] == 6 and card.seconds > 0
    assert card.weights == weights_hash(model.state_dict())
    logs = (tmp_path / "run" / "logs" / "from-step-0" / "metrics.csv").read_text().splitlines()
    assert len(logs) == 7 and "masked" in logs[0] and "autocorrelation" in logs[0]
    assert list((tmp_path / "run" / "logs" / "from-step-0").glob("events.out.tfevents*"))
    # Defaults of today, lest those of tomorrow change what these weights are.
    assert card.config["n_lags"] == model.config.n_lags and "n_lags" not in card.recipe["model"]["config"]
    with pytest.raises(WirelessFMError, match="finished run"):
        pretrain(tiny(), [make_paths(20, 3)], tmp_path / "run", progress=False)


KILLED = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from tests.conftest import random_paths
from tests.test_pretrain import tiny
from wirelessfm.pretrain import pretrain
pretrain(tiny(steps=400, every=5, optimizer="muon"), [random_paths(20, 3)], Path({out!r}), progress=False)
"""


def run_until_killed(out: Path) -> None:
    code = KILLED.format(path=[str(Path(__file__).parents[1]), *sys.path], out=str(out))
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "OMP_NUM_THREADS": "1"})
    limit = time.monotonic() + 60
    while not (out / "checkpoint.pt").exists() and time.monotonic() < limit:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_killed_run_ends_with_the_weights_of_an_uninterrupted_one(make_paths, tmp_path) -> None:
    run_until_killed(tmp_path / "killed")
    step = torch.load(tmp_path / "killed" / "checkpoint.pt", weights_only=True)["step"]
    assert 0 < step < 400 and not (tmp_path / "killed" / "model").exists()
    recipe, sites = tiny(steps=400, every=5, optimizer="muon"), [make_paths(20, 3)]
    continued, _ = load_saved(pretrain(recipe, sites, tmp_path / "killed", progress=False))
    whole, _ = load_saved(pretrain(recipe, sites, tmp_path / "whole", progress=False))
    assert weights_hash(continued.state_dict()) == weights_hash(whole.state_dict())
    assert (tmp_path / "killed" / "logs" / f"from-step-{step}" / "metrics.csv").exists()


def test_a_checkpoint_of_another_recipe_and_a_corrupt_one_are_refused(make_paths, tmp_path) -> None:
    run_until_killed(tmp_path / "run")
    with pytest.raises(WirelessFMError, match="another recipe"):
        pretrain(tiny(steps=401, every=5, optimizer="muon"), [make_paths(20, 3)], tmp_path / "run", progress=False)
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    with pytest.raises(WirelessFMError, match="not a readable checkpoint"):
        pretrain(tiny(steps=400, every=5, optimizer="muon"), [make_paths(20, 3)], tmp_path / "run", progress=False)


def test_a_diverging_loss_stops_the_run(make_paths, tmp_path) -> None:
    with pytest.raises(WirelessFMError, match=r"became (nan|inf).*learning_rate"):
        pretrain(tiny(steps=50, learning_rate=1e30), [make_paths(20, 3)], tmp_path / "run", progress=False)
    assert not (tmp_path / "run" / "model").exists()


def test_a_run_begun_with_one_optimizer_goes_on(make_paths, tmp_path) -> None:
    recipe, sites = tiny(steps=6, every=4), [make_paths(20, 3)]
    whole, _ = load_saved(pretrain(recipe, sites, tmp_path / "whole", progress=False))
    state = torch.load(tmp_path / "whole" / "checkpoint.pt", weights_only=True)
    state["optimizer"] = state.pop("optimizers")[0]
    (tmp_path / "older").mkdir()
    torch.save(state, tmp_path / "older" / "checkpoint.pt")
    continued, _ = load_saved(pretrain(recipe, sites, tmp_path / "older", progress=False))
    del state["optimizer"]
    (tmp_path / "neither").mkdir()
    torch.save(state, tmp_path / "neither" / "checkpoint.pt")
    with pytest.raises(WirelessFMError, match="not a readable checkpoint"):
        pretrain(recipe, sites, tmp_path / "neither", progress=False)
    assert weights_hash(continued.state_dict()) == weights_hash(whole.state_dict())


def scheduled(late: dict[str, object], steps: int = 6) -> Recipe:
    content = tiny(steps=steps).model_dump(mode="json")
    early = {"name": "autocorrelation", "between": [0, 0.5]}
    return parse_recipe(content | {"objectives": [early, {"name": "masked", "options": late, "between": [0.5, 1]}]})


def test_a_schedule_is_logged_as_it_ran(make_paths, tmp_path) -> None:
    pretrain(scheduled({"mask_ratio": 0.5}), [make_paths(20, 3)], tmp_path / "run", progress=False)
    with open(tmp_path / "run" / "logs" / "from-step-0" / "metrics.csv") as stream:
        rows = list(csv.DictReader(stream))
    assert [bool(row["autocorrelation"]) for row in rows] == [True] * 3 + [False] * 3
    assert [bool(row["masked"]) for row in rows] == [False] * 3 + [True] * 3


def test_a_mistake_in_a_later_part_is_found_at_once(make_paths, tmp_path) -> None:
    with pytest.raises(WirelessFMError, match="'blok'"):
        pretrain(scheduled({"masks": ["blok"]}), [make_paths(20, 3)], tmp_path / "run", progress=False)
    assert not (tmp_path / "run" / "checkpoint.pt").exists()


def test_trying_a_later_part_changes_no_weights(make_paths) -> None:
    module = PretrainStep(scheduled({"mask_ratio": 0.5}), [make_paths(20, 3)])
    fresh = build_model("wfm-mae", module.recipe.model.config, module.recipe.seed)
    assert weights_hash(module.model.state_dict()) == weights_hash(fresh.state_dict())


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_gradients_are_clipped_as_the_recipe_says(make_paths, optimizer, monkeypatch) -> None:
    norms: dict[str, list[float]] = {"AdamW": [], "Muon": []}
    for name, kind in (("AdamW", torch.optim.AdamW), ("Muon", torch.optim.Muon)):

        def step(self, closure=None, name=name) -> None:
            found = [p.grad.norm() for group in self.param_groups for p in group["params"] if p.grad is not None]
            norms[name].append(float(torch.stack(found).norm()))

        monkeypatch.setattr(kind, "step", step)
    next(rehearsal(tiny(optimizer=optimizer, clip_norm=1e-3), [make_paths(20, 3)]))
    clipped = norms["AdamW"] if optimizer == "adamw" else norms["Muon"]
    assert clipped == [pytest.approx(1e-3, rel=1e-3)]
    assert optimizer == "adamw" or norms["AdamW"][0] > 2e-3


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 361])
def test_spread_steps_cover_the_run(steps: int) -> None:
    found = list(itertools.islice(spread_steps(steps), 2 * steps))
    assert found[0] == 0 and found[:steps] == found[steps:] and sorted(found[:steps]) == list(range(steps))


def test_a_few_spread_steps_are_of_all_parts() -> None:
    few = list(itertools.islice(spread_steps(1000), 8))
    assert {step * 4 // 1000 for step in few} == {0, 1, 2, 3} and {step % 4 for step in few} == {0, 1, 2, 3}


def test_two_processes_train_one_model(tmp_path) -> None:
    """DDP on two CPU processes runs and writes one model (different batches, so other weights than one process)."""
    script = tmp_path / "ddp.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\n"
        f"sys.path[:0] = {[str(Path(__file__).parents[1]), *sys.path]!r}\n"
        "from tests.conftest import random_paths\nfrom tests.test_pretrain import tiny\n"
        "from wirelessfm.pretrain import Hardware, pretrain\n"
        f"out = Path({str(tmp_path / 'run')!r})\n"
        "pretrain(tiny(optimizer='muon'), [random_paths(20, 3)], out, Hardware(devices=2), False)\n"
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")} | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, str(script)], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    _, card = load_saved(tmp_path / "run" / "model")
    assert card.name == "tiny" and card.processes == 2
