"""Comparison under equal compute: schedule, runs, rows, report; all of it small."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from wirelessfm import WirelessFMError, compare
from wirelessfm.data import corpus
from wirelessfm.models.saved import load_saved
from wirelessfm.tasks import read_rows

DATA = {"corpora": ["florence"], "antennas": [32], "subcarriers": [32], "reference_antennas": 0, "noiseless": 1.0}
RECIPES = {
    "ours": {"model": {"name": "wfm-mae", "config": {"width": 16, "depth": 1}}, "objectives": [{"name": "masked"}]},
    "lwm": {"model": {"name": "lwm-1.0", "config": {"depth": 1}}, "objectives": [{"name": "lwm"}]},
    "wifo": {
        "model": {"name": "wifo-tiny", "config": {"encoder_depth": 1, "decoder_depth": 1, "input_scaling": [0, 1]}},
        "objectives": [{"name": "wifo"}],
        "data": {"times": 8},
    },
}


@pytest.fixture
def files(tmp_path) -> dict[str, str]:
    """Recipes as files, by name."""
    for name, content in RECIPES.items():
        recipe = {"name": name, "training": {"steps": 7, "batch_size": 4, "warmup_steps": 5}, **content}
        recipe["data"] = DATA | content.get("data", {})
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(recipe))
    return {name: str(tmp_path / f"{name}.yaml") for name in RECIPES}


@pytest.fixture
def small_corpus(monkeypatch) -> None:
    """The first 40 users of one site of every scene wanted."""
    load = corpus.load_corpora
    monkeypatch.setattr(corpus, "load_corpora", lambda names: [load([f"{n}-bs0-3.5GHz"])[0][:200] for n in names])


def run(out: Path, systems: list[str], **options: object) -> Path:
    given = {"seeds": 2, "steps": 2, "budgets": (0.5,), "heads": ("linear",), "max_users": 40, "n_workers": 1}
    return compare.compare(out, systems, **(given | options))  # type: ignore[arg-type]


def test_it_ends_in_rows_and_a_report_and_resumes(files, small_corpus, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    tasks = ("los", "beam-64-antennas-8")
    report = run(out, [files["ours"], files["lwm"]], tasks=tasks)
    rows = read_rows([out / "results.jsonl"])
    trained = [row for row in rows if row.pretrained]
    assert {(r.system, r.task, r.notes.get("resize")) for r in trained} == {
        ("wfm-mae", "los", None),
        ("wfm-mae", "beam-64-antennas-8", None),
        ("lwm-1.0", "los", None),
        ("lwm-1.0 (pad)", "beam-64-antennas-8", "pad"),
    }
    for system in ("wfm-mae", "lwm-1.0"):
        found = {r.seed: r for r in trained if r.system == system and r.task == "los"}
        cards = [load_saved(out / "runs" / f"{system}-seed{seed}" / "model")[1] for seed in (0, 1)]
        assert [found[s].weights for s in (0, 1)] == [card.weights for card in cards]
        assert len({card.weights for card in cards}) == 2 and [card.seed for card in cards] == [0, 1]
        assert cards[0].recipe["training"]["steps"] == 2 and cards[0].cpu_seconds > 0
        assert len({r.notes["model_per_seed"] for r in found.values()}) == 1
        assert "florence" not in cards[0].corpora and len(cards[0].corpora) == 3 and not found[0].saw_test_scene
    others = {"wfm-mae-random", "lwm-1.0-random", "raw", "autocorrelation", "power-delay", "same-sweep-beam"}
    assert others <= {row.system for row in rows}
    assert all({r.seed for r in rows if r.system == name} == {0, 1} for name in others)
    printed = capsys.readouterr().out
    assert "los: accuracy" in printed and "2 x 4" in printed and "±" in printed and "lwm-1.0" in report.read_text()
    before = (out / "results.jsonl").read_bytes()
    run(out, [files["ours"], files["lwm"]], tasks=tasks)
    assert (out / "results.jsonl").read_bytes() == before
    with pytest.raises(WirelessFMError, match="other systems, cities, seconds or steps"):
        run(out, [files["ours"]])


def test_wifo_gets_a_scale_of_its_cities_and_repeated_channels(files, small_corpus, tmp_path) -> None:
    run(tmp_path / "out", [files["wifo"]], seeds=1, tasks=("los",), steps=1)
    _, card = load_saved(tmp_path / "out" / "runs" / "wifo-tiny-seed0" / "model")
    mean, std = card.config["input_scaling"]
    assert abs(mean) < std and 1e-7 < std < 1e-3
    row = next(r for r in read_rows([tmp_path / "out" / "results.jsonl"]) if r.pretrained)
    assert row.system == "wifo-tiny (repeat)" and row.notes["resize"] == "repeat"


def test_steps_are_what_fits_into_the_seconds(files, small_corpus, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(compare, "calibrate", lambda recipes, burst_s: {"wfm-mae": 4.0, "lwm-1.0": 0.5})
    contenders = compare.load_contenders([files["ours"], files["lwm"]], ["munich"])
    planned = compare.schedule(contenders, 10.0, None, tmp_path / "new" / "calibration.json")
    assert [c.recipe.training.steps for c in planned] == [40, 5]
    assert [c.recipe.training.warmup_steps for c in planned] == [4, 0]
    monkeypatch.setattr(compare, "calibrate", lambda recipes, burst_s: pytest.fail("measured again"))
    assert compare.schedule(contenders, 10.0, None, tmp_path / "new" / "calibration.json") == planned
    with pytest.raises(WirelessFMError, match="other systems, cities, seconds or steps"):
        compare.schedule(contenders, 11.0, None, tmp_path / "new" / "calibration.json")


def test_calibration_measures_every_recipe(files, small_corpus, monkeypatch) -> None:
    monkeypatch.setattr(compare, "_ROUNDS", 2)
    contenders = compare.load_contenders([files["ours"], files["lwm"]], ["munich"])
    rates = compare.calibrate({c.name: c.recipe for c in contenders}, 0.05)
    assert set(rates) == {"wfm-mae", "lwm-1.0"} and all(0.5 < rate < 1000 for rate in rates.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test_scene": "rome"}, "unknown scene 'rome'"),
        ({"tasks": ("loss",)}, "Did you mean 'los'"),
        ({"seconds": 0.0}, "positive number of seconds"),
        ({"seeds": 0}, "at least one seed"),
        ({"systems": ["wimea"]}, "Did you mean 'wimae'"),
        ({"systems": []}, "at least one"),
        ({"systems": ["demo", "demo"]}, "different names"),
        ({"heads": ["lienar"], "max_users": 50}, "unknown head 'lienar'"),
        ({"budgets": [5.5], "max_users": 50}, "label budget is a fraction"),
        ({"tasks": ["estimate-pilots"], "max_users": 50}, "gives no csi; leave task 'estimate-pilots' out"),
        ({"tasks": ["predict-time"], "max_users": 50}, "predict-time"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, options, message) -> None:
    with pytest.raises(WirelessFMError, match=message):
        compare.compare(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_two_recipes_of_one_model_are_told_apart(files, small_corpus, tmp_path) -> None:
    names = [c.name for c in compare.load_contenders([files["ours"], "demo-fast", files["lwm"]], ["munich"])]
    assert names == ["ours", "demo-fast", "lwm-1.0"]


def test_calibration_file_says_what_it_is(files, small_corpus, tmp_path) -> None:
    contenders = compare.load_contenders([files["ours"]], ["munich"])
    compare.schedule(contenders, 1.0, 3, tmp_path / "calibration.json")
    content = json.loads((tmp_path / "calibration.json").read_text())
    assert content["threads"] >= 1 and content["asked"]["steps"] == 3
