"""Every registered baseline on every kind of task, and every metric of every task."""

import dataclasses
import math
from importlib.util import find_spec

import pytest
import torch

from tests.synthetic_sites import make_site
from tests.tasks.test_measured import uwb_file, wifi_file
from tests.tasks.test_prediction import channels
from wirelessfm.baselines import BASELINES, cnn, csi_network, estimation_network
from wirelessfm.baselines.training import train_network
from wirelessfm.evaluate import evaluate
from wirelessfm.metrics import LOWER_IS_BETTER, lower_is_better
from wirelessfm.signal import OFDM
from wirelessfm.tasks import SUITES, TASKS, EstimationTask

# Of these more is better.
HIGHER_IS_BETTER = {
    *("accuracy", "top_3", "within_one_beam", "within_1db", "f1_weighted", "f1_macro", "f1_los", "sgcs"),
}
SITES = [make_site(30, seed=0)]
SETS = [channels(n=24, times=16, antennas=4, subcarriers=16)]


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Tiny data of any registered task; estimation on an eighth of the grid, which bounds what LMMSE costs."""
    known = {}

    def made(task):
        if task.name not in known:
            files = tmp_path_factory.getbasetemp() / "recordings"
            folder = {"uwb-los": uwb_file, "wifi-location": wifi_file}
            if task.made_from == "files" and not (files / task.kind).exists():
                folder[task.kind](files / task.kind)
            source = {"sites": SITES, "csi": SETS, "files": [files / task.kind]}[task.made_from]
            known[task.name] = task.build(source)
        return known[task.name]

    return made


def small(task):
    """The same question with fewer antennas and subcarriers."""
    if not isinstance(task, EstimationTask):
        return task
    ofdm = OFDM(16, task.ofdm.spacing_hz)
    halves = {
        name: [i for i in getattr(task, name) if i < size]
        for name, size in (("observed_antennas", 8), ("observed_subcarriers", 16))
    }
    return dataclasses.replace(task, n_antennas=8, ofdm=ofdm, **{name: tuple(i) for name, i in halves.items()})


@pytest.fixture(autouse=True)
def few_steps(monkeypatch):
    """How well networks do is tested elsewhere."""

    def briefly(model, inputs, targets, learning_rate, n_steps, *more):
        train_network(model, inputs, targets, learning_rate, 10, *more)

    for module in (cnn, csi_network, estimation_network):
        monkeypatch.setattr(module, "train_network", briefly)


KINDS = list({task.kind: task for task in TASKS.values()}.values())


@pytest.mark.parametrize("name", BASELINES)
def test_every_baseline_gives_a_row_with_costs_on_every_kind_of_task_it_applies_to(build, name):
    system = BASELINES[name]
    if name == "llm4cp-random" and not find_spec("transformers"):
        pytest.skip("needs transformers")
    tasks = [task for task in KINDS if system.applies_to(task.kind, task.output)]
    assert tasks, "applies to no registered task"
    for data in (build(small(task)) for task in tasks):
        rows = evaluate([data], [system], (1.0,), (0,), ("linear",), progress=False, audit=False)
        assert rows and all(math.isfinite(value) for row in rows for value in row.metrics.values()), data.task.kind
        assert rows[0].costs["latency_ms_1"] > 0, data.task.kind


@pytest.mark.parametrize("name", TASKS)
def test_every_metric_says_which_way_is_better_and_the_truth_is_best(build, name):
    data = build(small(TASKS[name]))
    task, labels = data.task, data.truth.labels
    truth = torch.nn.functional.one_hot(labels, task.n_classes).float() if task.output == "class" else labels
    everyone = torch.arange(len(data))
    best = data.score(truth, everyone)
    wrong = truth.roll(1, dims=0) + (0.1 * truth.abs().mean() if task.output != "class" else 0)
    worse = data.score(wrong, everyone)
    assert task.metric in best
    for metric, value in best.items():
        plain = metric.split("@")[0]
        assert (plain in LOWER_IS_BETTER) != (plain in HIGHER_IS_BETTER), f"'{metric}' is not classified once"
        assert value < worse[metric] if lower_is_better(metric) else value > worse[metric], metric


def test_suites_name_registered_tasks_of_one_source():
    for names in SUITES.values():
        assert len({TASKS[name].made_from for name in names}) == 1
