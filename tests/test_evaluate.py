import dataclasses
import json
import threading

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm import kept
from wirelessfm.adapt.corrected import corrected
from wirelessfm.baselines import BASELINES, System, angle_spectrum_features, remembering
from wirelessfm.errors import WirelessFMError
from wirelessfm.evaluate import evaluate, predict
from wirelessfm.tasks import LosTask, get_task, read_rows

SITES = [make_site(150, seed=0), make_site(150, seed=1, site="bs1", bs=(40.0, 10.0, 20.0))]
LOS = LosTask().build(SITES)
FEW = LosTask(n_antennas=8).build(SITES[:1])
BEAM = get_task("beam-64-antennas-8").build(SITES)
ENCODER = System(
    "enc", "encoder", angle_spectrum_features, n_parameters=9, pretrained=True, weights="ab" * 8, corpora=("testville",)
)


def run(systems, datas=(LOS,), **options):
    chosen = {
        "budgets": (0.1, 1.0),
        "seeds": (0, 1),
        "heads": ("linear",),
        "progress": False,
        "costs": False,
        "audit": False,
    } | options
    return evaluate(datas, systems, **chosen)


def comparable(rows):
    return [dataclasses.replace(row, fit_seconds=0.0, costs={}) for row in rows]


def test_every_combination_that_makes_sense_gets_one_row():
    names = ("majority", "same-sweep-beam", "power-delay", "angle-spectrum")
    rows = run([BASELINES[n] for n in names], datas=(LOS, BEAM), heads=("linear", "mlp"), budgets=(0.1, 0.2))
    per_task = 2 * 2 + 2 + 2 * 2 * 2  # majority, one rule, two heads; budgets and seeds
    assert len(rows) == 2 * per_task == len({row.key for row in rows})
    rules = [row for row in rows if row.kind == "rule"]
    assert {(r.task, r.system) for r in rules} == {("los", "power-delay"), (BEAM.task.name, "same-sweep-beam")}
    assert all(r.budget == 0 and r.n_labels == 0 and r.head == "none" for r in rules)


def test_rows_say_what_they_are():
    row = run([ENCODER], budgets=(0.1,), seeds=(1,))[0]
    split = LOS.split(1)
    assert (row.task, row.scenes, row.split) == ("los", ("testville",), split.fingerprint)
    assert (row.n_labels, row.n_test) == (round(0.1 * len(split.train)), len(split.test))
    assert row.saw_test_scene and row.pretrained and row.weights == "ab" * 8 and row.n_parameters == 9
    assert row.version and row.metric in row.metrics and 0.5 < row.score <= 1
    assert not run([BASELINES["raw"]], budgets=(0.1,), seeds=(1,))[0].saw_test_scene


def test_labels_help_and_physics_beats_the_majority():
    rows = run([BASELINES["majority"], BASELINES["angle-spectrum"]], budgets=(0.05, 1.0))
    mean = {}
    for row in rows:
        mean[row.system, row.budget] = mean.get((row.system, row.budget), 0) + row.score / 2
    assert mean["angle-spectrum", 1.0] > mean["angle-spectrum", 0.05] > mean["majority", 1.0]


def test_a_predictor_never_sees_a_test_label_or_position():
    seen = []

    def spy(csi, labels, n_classes, seed):
        seen.append((csi, labels))
        predictor = BASELINES["majority"].run(csi, labels, n_classes, seed)

        class Watching:
            n_parameters = 0

            def __call__(self, test):
                seen.append((test, None))
                return predictor(test)

        return Watching()

    run([System("spy", "network", spy)], seeds=(0,), budgets=(0.5,))
    (train, labels), (test, _) = seen
    split = LOS.split(0)
    assert torch.equal(labels, LOS.truth.labels[split.labelled(0.5)])
    assert torch.equal(train.values, LOS.inputs.values[split.labelled(0.5)])
    assert torch.equal(test.values, LOS.inputs.values[split.test]) and train.labels == test.labels == {}


def test_results_do_not_depend_on_workers_or_on_company():
    chosen = [BASELINES["raw"], BASELINES["angle-spectrum"]]
    options = {"heads": ("linear", "mlp"), "budgets": (0.1,)}
    together = comparable(run(chosen, n_workers=2, **options))
    assert together == comparable(run(chosen, **options))
    assert together[-4:] == comparable(run(chosen[1:], **options))


def test_finished_rows_are_not_computed_again(tmp_path):
    out, calls = tmp_path / "rows.jsonl", []

    def counted(csi):
        calls.append(len(csi))
        return angle_spectrum_features(csi)

    system = System("mine", "features", counted)
    first = run([system], budgets=(0.1,), out=out)
    assert len(calls) == 1 and read_rows([out]) == first
    both = run([system], out=out)
    assert len(calls) == 2 and len(out.read_text().splitlines()) == len(both) == 4
    assert run([system], out=out) == both and len(calls) == 2


def test_tasks_with_the_same_input_share_features():
    calls = []

    def counted(csi):
        calls.append(csi.size("antenna"))
        return angle_spectrum_features(csi)

    beam32 = get_task("beam-64-antennas-32").build(SITES)
    rows = run([System("mine", "features", counted)], datas=(LOS, BEAM, beam32), budgets=(0.1,), seeds=(0,))
    assert sorted(calls) == [8, 32] and [row.task for row in rows] == ["los", BEAM.task.name, beam32.task.name]


def test_all_budgets_and_seeds_of_a_correction_start_from_one_computation():
    calls = []

    def counted(csi):
        calls.append(len(csi))
        return angle_spectrum_features(csi)

    mine = corrected(BASELINES["power-delay"], System("mine", "features", counted))
    rows = run([mine], datas=(LOS, BEAM), costs=True, n_workers=2)
    assert len(rows) == 4 and {(row.task, row.kind, row.head) for row in rows} == {("los", "correction", "none")}
    assert calls.count(len(LOS)) == 1
    # Costs are those of both parts.
    assert all(row.costs["latency_ms_1"] > 0 for row in rows) and len(calls) > 1
    assert run([mine], budgets=(0.1,), seeds=(0,))[0].metrics == rows[0].metrics


def test_a_remembering_system_computes_an_input_once():
    calls = []

    def counted(csi):
        calls.append(len(csi))
        return angle_spectrum_features(csi)

    system = remembering(dataclasses.replace(ENCODER, run=counted))
    row = run([system], budgets=(0.1,), seeds=(0,))[0]
    found = predict(LOS, system, budget=0.1)
    assert calls == [300] and (system.name, system.weights) == (ENCODER.name, ENCODER.weights)
    assert LOS.score(found.scores, LOS.split(0).test) == row.metrics
    with pytest.raises(WirelessFMError, match="'cnn' is a network"):
        remembering(BASELINES["cnn"])


def test_an_encoder_need_not_be_picklable_to_use_workers():
    lock = threading.Lock()

    def locked(csi):
        with lock:
            return angle_spectrum_features(csi)

    assert len(run([System("locked", "encoder", locked)], budgets=(0.1,), n_workers=2)) == 2


def test_an_interruption_keeps_what_was_finished(tmp_path):
    out = tmp_path / "rows.jsonl"

    def interrupted(csi):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([ENCODER, System("stop", "features", interrupted)], out=out)
    assert len(read_rows([out])) == 4


def test_other_weights_are_another_row(tmp_path):
    out = tmp_path / "rows.jsonl"
    run([ENCODER], seeds=(0,), out=out)
    run([dataclasses.replace(ENCODER, weights="cd" * 8)], seeds=(0,), out=out)
    assert len(out.read_text().splitlines()) == 4
    assert json.loads(out.read_text().splitlines()[-1])["weights"] == "cd" * 8


def test_predictions_are_those_behind_the_row():
    row = run([ENCODER], budgets=(1.0,), seeds=(0,))[0]
    found = predict(LOS, ENCODER, budget=1.0, seed=0, head="linear")
    assert float((found.predicted == found.truth.labels).double().mean()) == pytest.approx(row.metrics["accuracy"])
    assert len(found.truth.position_m) == row.n_test and found.sites == ("testville/bs0", "testville/bs1")
    rule = predict(BEAM, BASELINES["same-sweep-beam"])
    assert rule.budget == 0 and rule.head == "none" and rule.scores.shape[1] == 64
    with pytest.raises(WirelessFMError, match="does not apply"):
        predict(LOS, BASELINES["same-sweep-beam"])


@pytest.mark.parametrize(
    ("run_features", "message"),
    [
        (lambda csi: torch.full((len(csi), 3), float("nan")), "'bad' returned NaN or infinite features for 300"),
        (
            lambda csi: torch.zeros(3, 2),
            r"'bad' must return float .* 300 samples, found torch.float32 \[3",
        ),
        (lambda csi: torch.zeros(len(csi), 2, 2), "'bad' must return"),
        (lambda csi: torch.zeros(len(csi), 2).long(), "'bad' must return"),
        (lambda csi: [1.0], "found list"),
    ],
)
def test_bad_features_name_the_system(run_features, message):
    with pytest.raises(WirelessFMError, match=message):
        run([System("bad", "encoder", run_features)])


def test_bad_scores_are_explained(tmp_path):
    def two_columns(csi, labels, n_classes, seed):
        class Fixed:
            n_parameters = 0

            def __call__(self, csi):
                return torch.zeros(len(csi), 3)

        return Fixed()

    with pytest.raises(WirelessFMError, match=r"'bad'.*scores"):
        run([System("bad", "network", two_columns)], out=tmp_path / "rows.jsonl")
    assert not (tmp_path / "rows.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budgets": (0.0,)}, "1 % is 0.01"),
        ({"budgets": (10.5,)}, "whole number of labels above 1, found 10.5"),
        ({"budgets": (10**6,)}, "needs as many samples to train on, found"),
        ({"heads": ("lienar",)}, "Did you mean 'linear'"),
        ({"datas": (LOS, LOS)}, "tasks must differ"),
        ({"systems": [ENCODER, ENCODER]}, "systems must differ"),
        ({"seeds": ()}, "at least one"),
        ({"n_workers": 0}, "n_workers"),
    ],
)
def test_bad_requests_are_explained(options, message):
    with pytest.raises(WirelessFMError, match=message):
        run(options.pop("systems", [ENCODER]), **options)


def test_all_users_alike_is_a_task_of_one_class():
    site = SITES[0]
    chosen = (site.sub6.los == 1).nonzero().squeeze(1)
    data = LosTask().build([dataclasses.replace(site, sub6=site.sub6[chosen], mmwave=site.mmwave[chosen])])
    rows = run([BASELINES["angle-spectrum"], BASELINES["majority"]], datas=(data,), heads=("linear", "mlp"))
    assert {row.score for row in rows} == {1.0}


def test_rows_carry_the_costs_of_their_system(tmp_path):
    systems = [ENCODER, BASELINES["power-delay"], BASELINES["majority"]]
    for row in run(systems, budgets=(1.0,), seeds=(0,), costs=True, out=tmp_path / "rows.jsonl"):
        assert row.costs["latency_ms_1"] > 0 and row.costs["latency_ms_32"] > 0
    assert {tuple(sorted(row.costs)) for row in read_rows([tmp_path / "rows.jsonl"])} == {
        ("latency_ms_1", "latency_ms_32", "peak_mb")
    }


def test_embeddings_are_kept_and_found_by_weights_input_and_code(tmp_path, monkeypatch):
    calls = []

    def counted(csi):
        calls.append(len(csi))
        return angle_spectrum_features(csi)

    system = dataclasses.replace(ENCODER, run=counted)
    first = comparable(run([system], budgets=(0.1,), cache=tmp_path))
    assert first == comparable(run([system], budgets=(0.1,), cache=tmp_path)) and len(calls) == 1
    run([dataclasses.replace(system, weights="cd" * 8)], budgets=(0.1,), cache=tmp_path)
    run([system], datas=(BEAM,), budgets=(0.1,), cache=tmp_path)
    assert len(calls) == 3 == len(list(tmp_path.iterdir()))
    run([dataclasses.replace(system, weights="")], budgets=(0.1,), cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    # Between two versions the code changes too, and with it what a model says.
    with monkeypatch.context() as changed:
        changed.setattr(kept, "source_digest", lambda: "other code")
        run([system], budgets=(0.1,), cache=tmp_path)
    assert len(list(tmp_path.iterdir())) == 4
    for file in tmp_path.iterdir():
        file.write_bytes(b"broken")
    with pytest.raises(WirelessFMError, match="remove it"):
        run([system], budgets=(0.1,), cache=tmp_path)


def test_rows_say_how_much_of_the_test_the_training_holds():
    copied = dataclasses.replace(LOS, inputs=LOS.inputs[torch.arange(len(LOS)) % 30])
    clean, leaky = (
        run([BASELINES["majority"]], datas=(d,), budgets=(1.0,), seeds=(0,), audit=True)[0] for d in (LOS, copied)
    )
    assert clean.notes["duplicates"] == 0 and leaky.notes["duplicates"] == leaky.n_test


def test_bounds_of_a_task_are_lines_when_asked_for():
    data = get_task("denoise").build(SITES)
    asked = {"datas": (data,), "budgets": (1.0,), "seeds": (0,)}
    assert [row.system for row in run([BASELINES["ls-linear"]], **asked)] == ["ls-linear"]
    simple, bound = run([BASELINES["ls-linear"]], bounds=True, costs=True, **asked)
    assert bound.system == "lmmse-genie" and bound.notes["genie"] and bound.score < simple.score


def test_what_a_remembered_encoder_costs_is_not_the_price_of_remembering():
    calls = []

    def counted(csi):
        calls.append(len(csi))
        return angle_spectrum_features(csi) @ torch.ones(33, 4)

    system = remembering(dataclasses.replace(ENCODER, run=counted))
    (row,) = run([system], datas=(FEW,), budgets=(1.0,), seeds=(0,), costs=True)
    assert calls.count(1) > 2 and calls.count(32) > 2 and row.costs["macs"] > 0


def test_a_system_that_applies_to_no_task_is_an_error():
    with pytest.raises(
        WirelessFMError, match=r"'omp' does not apply to los .*: it is for tasks of the kinds estimation"
    ):
        run([BASELINES["raw"], BASELINES["omp"]])
    with pytest.raises(WirelessFMError, match=r"does not apply to denoise .* with output class or value"):
        run([BASELINES["raw"]], datas=(get_task("denoise").build(SITES[:1]),))
    with pytest.raises(WirelessFMError, match="needs a head for values on localisation"):
        run([BASELINES["raw"]], datas=(get_task("localisation").build(SITES[:1]),), heads=("prototypes",))
