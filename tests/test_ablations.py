"""benchmarks/ablations.py: variants out of text, and the table out of rows."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.synthetic_sites import make_site
from tests.test_pretrain import tiny
from wirelessfm import WirelessFMError
from wirelessfm.models.shipped import load_trained
from wirelessfm.recipe import load_recipe
from wirelessfm.tasks import Row, get_task, read_rows

# Where the script finds what it shares with others.
sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
ablations = importlib.import_module("ablations")


def changed(text: str):
    return ablations.parse_variant(text, load_recipe("spectrum"))[1]


def test_values_are_yaml_and_only_what_is_named_changes() -> None:
    full = load_recipe("spectrum")
    found = changed("some.name-2: objectives.0.options.known=0; model.config.depth = 2; data.antennas=[8, 16]")
    assert found.objectives[0].options == {**full.objectives[0].options, "known": 0}
    assert found.objectives[1:] == full.objectives[1:] and found.model.config == {**full.model.config, "depth": 2}
    assert found.data == full.data.model_copy(update={"antennas": (8, 16)}) and found.training == full.training
    assert found.name == "spectrum (some.name-2)"
    options = changed("x: objectives.1.options.combs=[2, 4]; objectives.1.batch_size=null; data.turn=no")
    assert options.objectives[1].options["combs"] == [2, 4] and options.objectives[1].batch_size is None
    assert options.data.turn is False
    assert changed("x: objectives.0.options.known=1e-1").objectives[0].options["known"] == 0.1


def test_objectives_are_dropped_by_name_and_numbered_as_in_the_full_recipe() -> None:
    found = changed("x: -better-view; objectives.1.every=1; objectives.2.weight=2.5")
    assert [(part.name, part.weight) for part in found.objectives] == [("estimation", 1.0), ("continuation", 2.5)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("objectives.0.weight=2", "a variant is a name and changes"),
        ("x:", "a variant is a name and changes"),
        ("a/b: seed=1", "a variant is a name and changes"),
        ("x: objectives.0.weight", "with a value in YAML"),
        ("x: data.antennas=[8", "with a value in YAML"),
        ("x: objectives.0=1", "with a value in YAML"),
        ("x: -better-view", "one objective at least must join each step"),
        ("x: objectives=1; -estimation", "variant 'x': .*objectives"),
        ("x: objective.0.weight=2", "variant 'x': .*Did you mean 'objectives'.*model"),
        ("x: objectives.3.weight=2", "unknown part .* '3'.* Known: 0, 1, 2"),
        ("x: seed.a.b=2", "unknown part .* 'a'"),
        ("x: objectives.0.wieght=2", "Did you mean 'weight'.*batch_size"),
        ("x: objectives.0.options.knwon=2", "option of objective 'better-view'.*Did you mean 'known'.*sharpness"),
        ("x: objectives.2.data.antenas=[8]", "Did you mean 'antennas'.*snr_db"),
        ("x: model.config.widht=8", "Did you mean 'width'.*depth"),
        ("x: data.noiseless=2", "noiseless"),
        ("x: -estimate", "Did you mean 'estimation'.*better-view"),
        ("x: -better-view; -estimation; -continuation", "at least 1 item"),
        ("x: training.steps=70; seed=3", "changes nothing"),
        ("x: objectives.0.options.known=1", "changes nothing"),
    ],
)
def test_what_is_not_a_variant_gives_one_clear_error(text: str, message: str) -> None:
    with pytest.raises(WirelessFMError, match=message) as error:
        changed(text)
    assert "\n" not in str(error.value) or "at least 1 item" in str(error.value)


def test_a_plan_is_for_equal_steps_and_different_names() -> None:
    planned = ablations.plan(tiny(), ["wide: model.config.width=32", "alone: -autocorrelation"], 5)
    assert [(c.name, c.recipe.training.steps) for c in planned] == [("full", 5), ("wide", 5), ("alone", 5)]
    for text in ("full: data.turn=false", "random: data.turn=false"):
        with pytest.raises(WirelessFMError, match="different names"):
            ablations.plan(tiny(), [text], 5)
    with pytest.raises(WirelessFMError, match="all warm-up"):
        ablations.plan(tiny(), ["slow: training.warmup_steps=5"], 5)


def made(task: str, metric: str, head: str, budget: float, *scores: float) -> list[Row]:
    same = {"scenes": ("rome",), "split": "", "system": "x", "kind": "encoder", "n_labels": 1, "n_test": 1}
    return [
        Row(task=task, head=head, budget=budget, seed=i, metrics={metric: score}, metric=metric, **same)
        for i, score in enumerate(scores)
    ]


def test_the_table_has_the_best_heads_and_paired_differences() -> None:
    linear = made("los", "accuracy", "linear", 0.1, 0.70, 0.80)
    full = [*linear, *made("los", "accuracy", "mlp", 0.1, 0.9, 0.5), *made("fill", "nmse_db", "none", 0.0, -12.0)]
    other = [*made("los", "accuracy", "linear", 0.1, 0.6, 0.7), *made("los", "accuracy", "mlp", 0.1, 0.68, 0.78)]
    lines = ablations.table({"full": full, "other": other, "bad": made("fill", "nmse_db", "none", 0.0, -9.5)})
    lines = [line.replace("\u00a0", " ") for line in lines]
    assert [line.split("  ")[0] for line in lines] == [
        "",
        "0 labels",
        "full",
        "bad",
        "",
        "10 % labels",
        "full",
        "other",
    ]
    assert lines[2].endswith("  −12.00") and lines[3].endswith("  −9.50 (+2.50)")
    assert lines[6].endswith("  75.0 ± 7.1 linear") and lines[7].endswith("  73.0 ± 7.1 (−2.0 ± 0.0) mlp")


def test_tiny_recipes_are_trained_tested_and_resumed(tmp_path, monkeypatch) -> None:
    sites, tested = make_site(60, scene="rome"), make_site(120, seed=1, scene="oslo")
    corpora = {"unused": [sites.sub6], "oslo": [tested.sub6]}
    for module in (ablations, importlib.import_module("wirelessfm.compare").corpus):
        monkeypatch.setattr(module, "load_corpora", lambda names: [site for name in names for site in corpora[name]])
    monkeypatch.setattr(ablations, "city_data", lambda names, *_: [get_task(name).build([tested]) for name in names])
    monkeypatch.setattr(ablations, "load_recipe", lambda recipe: recipe)
    asked = SimpleNamespace(
        recipe=tiny(), variant=["wide: model.config.width=32"], drop=["autocorrelation"], steps=3, seeds=2, splits=1,
        scene="oslo", task=["los"], budgets="50%", max_users=None, random=True, out=tmp_path,
    )  # fmt: skip
    lines = ablations.run(asked)
    rows = read_rows([tmp_path / "results.jsonl"])
    assert len(rows) == 2 * 2 * 4 and {row.seed for row in rows} == {0, 1}
    assert [line.split()[0] for line in lines[3:]] == ["full", "random", "wide", "no-autocorrelation"]
    assert ablations.run(asked) == lines and read_rows([tmp_path / "results.jsonl"]) == rows
    asked.variant = ["leaky: data.corpora=[unused, oslo]"]
    with pytest.raises(WirelessFMError, match="oslo is both trained on and held out"):
        ablations.run(asked)
    asked.variant, asked.task = [], ["estimate-pilots"]
    with pytest.raises(WirelessFMError, match="gives no csi; leave task 'estimate-pilots' out"):
        ablations.run(asked)


def test_what_nobody_trains_does_not_answer() -> None:
    model, card = load_trained("wfm-spectrum-800k")
    trained = SimpleNamespace(model=model, card=card, contender=SimpleNamespace(name="full", fingerprint="f"))
    site = make_site(20)
    found = [
        [s.name for s in ablations.answers(trained, get_task(name).build([site]))] for name in ("los", "partial-beam-8")
    ]
    assert found == [["full:network-los"], ["full:network-same-band"]]
