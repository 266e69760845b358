"""The command line as a user meets it: what works, and one clear sentence for everything that does not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from wirelessfm import CSI
from wirelessfm.models.saved import ModelCard, save_model
from wirelessfm.models.zoo import build_model
from wirelessfm.signal import OFDM, PlanarArray, synthesize

ENV = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
RECIPE = """
name: tiny
model: {name: wfm-mae, config: {width: 16, depth: 1, n_heads: 2}}
objectives: [{name: masked}]
data: {corpora: [CORPUS], antennas: [4], subcarriers: [8]}
training: {steps: STEPS, batch_size: 4, checkpoint_every: 2, warmup_steps: 1}
"""


def wfm(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wirelessfm.cli", *map(str, arguments)]
    return subprocess.run(command, env=ENV, capture_output=True, text=True, timeout=180, **options)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with Paths, CSI, a model and a recipe."""
    from tests.conftest import random_paths

    root = tmp_path_factory.mktemp("files")
    paths = random_paths(12, 3)
    paths.save(root / "paths")
    paths[:1].save(root / "pathless")
    paths[:0].save(root / "nobody")
    synthesize(paths.connected(), PlanarArray(4), OFDM(8, 1e5)).save(root / "csi")
    config = {"width": 16, "depth": 1, "n_heads": 2}
    save_model(build_model("wfm-mae", config), ModelCard("wfm-mae", config), root / "model")
    (root / "recipe.yaml").write_text(RECIPE.replace("CORPUS", str(root / "paths")).replace("STEPS", "3"))
    return root


def test_paths_to_csi_to_embeddings(files, tmp_path) -> None:
    done = wfm(
        "synthesize", files / "paths", "-o", tmp_path / "csi", "--antennas", 4, "--subcarriers", 8, "--snr-db", 9
    )
    assert done.returncode == 0, done.stderr
    assert CSI.load(tmp_path / "csi").axes == ("sample", "antenna", "subcarrier")
    done = wfm("embed", files / "model", tmp_path / "csi", "-o", tmp_path / "e.npy", "--pooling", "mean")
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "e.npy").shape == (11, 16)


def test_a_published_model_embeds_what_it_is_resized_for(files, tmp_path) -> None:
    save_model(build_model("lwm-1.0", {"depth": 1}), ModelCard("lwm-1.0", {"depth": 1}), tmp_path / "lwm")
    command = ("embed", tmp_path / "lwm", files / "csi", "-o", tmp_path / "e.npy", "--pooling", "cls")
    refused = wfm(*command)
    assert refused.returncode == 1 and "use resize='pad'" in refused.stderr
    done = wfm(*command, "--resize", "pad")
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "e.npy").shape == (11, 64)


def test_pretrain_writes_a_model(files, tmp_path) -> None:
    done = wfm("pretrain", files / "recipe.yaml", "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "model" / "weights.safetensors").exists()


def test_listings() -> None:
    expected = {
        "tasks": "quick        los",
        "baselines": "same-sweep-beam",
        "models": "wfm-mae",
        "objectives": "masked",
        "heads": "linear",
    }
    assert all(name in wfm(command).stdout for command, name in expected.items())
    assert "florence-bs0-28GHz" in wfm("corpus").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("synthesize", "absent", "-o", "OUT"), "found nothing"),
        (("synthesize", "FILES/csi", "-o", "OUT"), "expected a wirelessfm.paths/1 folder"),
        (("synthesize", "FILES/nobody", "-o", "OUT"), "no users"),
        (("synthesize", "FILES/pathless", "-o", "OUT"), "no users"),
        (("synthesize", "FILES/paths", "-o", "OUT", "--spacing-hz", "-3"), "positive spacing in Hz"),
        (("synthesize", "FILES/paths", "-o", "OUT", "--times", "4"), "trace moving users"),
        (("synthesize", "FILES/paths", "-o", "FILES/csi"), "already exists"),
        (("synthesize", "FILES/paths", "-o", "/proc/out"), "cannot write"),
        (("pretrain", "absent.yaml", "-o", "OUT"), "unknown recipe"),
        (("pretrain", "FILES/csi/card.json", "-o", "OUT"), "Known: data, model, name"),
        (("embed", "FILES/csi", "FILES/csi", "-o", "OUT"), "not the card of a model"),
        (("embed", "absent", "FILES/csi", "-o", "OUT"), "not a model folder"),
        (("embed", "FILES/model", "FILES/paths", "-o", "OUT"), "expected a wirelessfm.csi/1 folder"),
        (("embed", "FILES/model", "FILES/csi", "-o", "OUT", "--pooling", "cls"), "unknown pooling 'cls'"),
        (("embed", "FILES/model", "FILES/csi", "-o", "FILES/recipe.yaml/e.npy"), "cannot write"),
        (("evaluate", "raww", "--scene", "florence", "-o", "OUT"), "Did you mean 'raw'?"),
        (("evaluate", "raw", "--scene", "florenz", "-o", "OUT"), "Did you mean 'florence'?"),
        (("evaluate", "raw", "--scene", "florence", "--task", "loss", "-o", "OUT"), "Did you mean 'los'?"),
        (("evaluate", "raw", "--scene", "florence", "--head", "liner", "-o", "OUT"), "Did you mean 'linear'?"),
        (("evaluate", "raw", "--scene", "florence", "--budgets", "500%", "-o", "OUT"), "at most 100 %"),
        (("evaluate", "raw", "--scene", "florence", "--budgets", "01,148", "-o", "OUT"), "one label or all"),
        (("evaluate", "omp", "--scene", "florence", "--max-users", "9", "-o", "OUT"), "'omp' does not apply to los"),
        (("evaluate", "raw", "--scene", "florence", "--over", "carrier", "-o", "OUT"), "--over goes with --case"),
        (("evaluate", "raw", "--scene", "florence", "--case", "2", "-o", "OUT"), "at least two different domains"),
        (("evaluate", "raw", "--scene", "florence", "--samples", "9", "-o", "OUT"), "--samples is for simulated sets"),
        (("evaluate", "raw", "--scene", "florence", "--fine-tune", "2", "-o", "OUT"), "fine-tuning are for encoders"),
        (("evaluate", "raw", "--simulate", "D1", "--task", "los", "-o", "OUT"), "'los' is made from cities"),
        (("report", "absent"), "expected a results folder"),
        (("simulate", "uni", "-o", "OUT"), "Did you mean 'umi'?"),
        (("trace", "munich", "-o", "OUT", "--spacing-m", "-1"), "spacing_m must be positive"),
        (("trace", "munich", "-o", "OUT", "--layout", "grit"), "layout must be 'grid' or 'walk'"),
        (("parity", "absent"), "absent"),
        (("data", "inspect", "absent"), "found nothing"),
        (("data", "convert", "absent", "OUT"), "found nothing"),
        (("data", "convert", "FILES/recipe.yaml", "OUT"), "unknown format"),
        (("data", "convert", "FILES/recipe.yaml", "OUT", "--layout", "wimai"), "Did you mean 'wimae'?"),
        (("data", "list", "atlantis"), "atlantis"),
        (("demo", "--fast", "--test-scene", "rome", "-o", "OUT"), "unknown scene 'rome'"),
        (("compare", "--system", "wimea", "-o", "OUT"), "Did you mean 'wimae'?"),
        (("embed", "FILES/model", "FILES/csi", "-o", "OUT", "--resize", "pad"), "takes any shape"),
        (("evaluate", "lwm-1.0@absent.pth", "--scene", "florence", "-o", "OUT"), "no weights at 'absent.pth'"),
        (("input-scaling", "demo"), "no input_scaling"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_user_errors_are_one_sentence(files, tmp_path, arguments, message) -> None:
    full = [a.replace("FILES", str(files)).replace("OUT", str(tmp_path / "out")) for a in arguments]
    done = wfm(*full, cwd=tmp_path)
    assert done.returncode == 1 and message in done.stderr, done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("error: ") and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists(), "something was left behind"


def test_nan_csi_and_wrong_axes_are_refused(files, tmp_path) -> None:
    csi = CSI.load(files / "csi")
    CSI(csi.values[:, :, None], ("sample", "antenna", "time", "subcarrier")).isel(time=[0, 0]).save(tmp_path / "wrong")
    done = wfm("embed", files / "model", tmp_path / "wrong", "-o", tmp_path / "e.npy")
    assert done.returncode == 1 and ("coords" in done.stderr or "would drop" in done.stderr)
    csi.save(tmp_path / "nan")
    shard = tmp_path / "nan" / "values-00000.npy"
    values = np.load(shard)
    values[0, 0, 0] = np.nan
    np.save(shard, values)
    from wirelessfm.files import sha256_of

    card = json.loads((tmp_path / "nan" / "card.json").read_text())
    card["files"][shard.name]["sha256"] = sha256_of(shard)
    (tmp_path / "nan" / "card.json").write_text(json.dumps(card))
    done = wfm("embed", files / "model", tmp_path / "nan", "-o", tmp_path / "e.npy")
    assert done.returncode == 1 and "1 NaN or infinite of" in done.stderr
    assert not (tmp_path / "e.npy").exists()


def test_a_corrupt_model_and_checkpoint_are_refused(files, tmp_path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    torch.save({"step": 1}, run / "checkpoint.pt")
    done = wfm("pretrain", files / "recipe.yaml", "-o", run)
    assert done.returncode == 1 and "not a readable checkpoint" in done.stderr
    (run / "checkpoint.pt").write_bytes(b"no")
    assert "not a readable checkpoint" in wfm("pretrain", files / "recipe.yaml", "-o", run).stderr


def test_ctrl_c_is_one_sentence_and_the_run_continues(files, tmp_path) -> None:
    recipe = tmp_path / "long.yaml"
    recipe.write_text(RECIPE.replace("CORPUS", str(files / "paths")).replace("STEPS", "300"))
    command = [sys.executable, "-m", "wirelessfm.cli", "pretrain", str(recipe), "-o", str(tmp_path / "run")]
    # Whoever runs the tests in the background of a shell has them ignore Ctrl-C, and children inherit that.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    process = subprocess.Popen(command, env=ENV, stderr=subprocess.PIPE, text=True, preexec_fn=heed)
    limit = time.monotonic() + 60
    while not (tmp_path / "run" / "checkpoint.pt").exists() and time.monotonic() < limit:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in errors
    assert {p.name for p in (tmp_path / "run").iterdir()} <= {"checkpoint.pt", "logs"}
    assert wfm("pretrain", recipe, "-o", tmp_path / "run").returncode == 0


def test_complete_fills_in_what_is_not_observed(tmp_path, make_paths) -> None:
    model = build_model("wfm-spectrum", {"width": 16, "depth": 1, "n_heads": 2})
    save_model(model, ModelCard("wfm-spectrum", {"width": 16, "depth": 1, "n_heads": 2}), tmp_path / "model")
    csi = synthesize(make_paths(6, 2).connected(), PlanarArray(8), OFDM(16, 3e5))
    csi.save(tmp_path / "bare")
    refused = wfm("complete", tmp_path / "model", tmp_path / "bare", "-o", tmp_path / "x")
    assert refused.returncode == 1 and "needs the bool label 'observed'" in refused.stderr
    seen = torch.zeros(csi.values.shape, dtype=torch.bool)
    seen[:, :, ::2] = True
    gaps = replace(csi, values=torch.where(seen, csi.values, 0), labels={**csi.labels, "observed": seen})
    gaps.save(tmp_path / "gaps")
    done = wfm("complete", tmp_path / "model", tmp_path / "gaps", "-o", tmp_path / "whole")
    assert done.returncode == 0, done.stderr
    whole = CSI.load(tmp_path / "whole")
    error = (whole.values - csi.values)[:, :, ::2].abs().square().sum() / csi.values[:, :, ::2].abs().square().sum()
    assert float(error) < 0.1 and "observed" not in whole.labels and "los" in whole.labels
