import dataclasses

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm import metrics
from wirelessfm.baselines import BASELINES, true_covariance_system
from wirelessfm.errors import WirelessFMError
from wirelessfm.evaluate import evaluate
from wirelessfm.paths import synchronised
from wirelessfm.signal import OFDM, PlanarArray, synthesize
from wirelessfm.tasks import TASKS, EstimationTask

SITES = [make_site(120, seed=0), make_site(80, seed=1, site="bs1", bs=(40.0, 10.0, 20.0))]
SMALL = EstimationTask("small", range(0, 16, 4), range(8), n_antennas=8, ofdm=OFDM(16, 240e3))
DATA = SMALL.build(SITES)
EVERY = torch.arange(len(DATA))
NAMES = [name for name, task in TASKS.items() if isinstance(task, EstimationTask)]


@pytest.mark.parametrize("name", NAMES)
def test_what_the_predictor_gets(name):
    data = TASKS[name].build(SITES[:1])
    seen, values = data.inputs.labels["observed"], data.inputs.values
    assert set(data.inputs.labels) == {"observed", "noise_power"} and seen.dtype == torch.bool
    assert bool((values[~seen] == 0).all()) and bool((values[seen] != 0).all())
    assert values.dtype == data.truth.labels.dtype == torch.complex64 and values.shape == data.truth.labels.shape
    pattern = seen[0].nonzero()
    assert pattern[:, 0].unique().tolist() == list(data.task.observed_antennas)
    assert pattern[:, 1].unique().tolist() == list(data.task.observed_subcarriers)
    if not data.task.snrs_db:
        assert torch.equal(values[seen], data.truth.labels[seen]) and data.truth.condition is None
        assert not data.inputs.labels["noise_power"].any()


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_scores_perfectly_and_nothing_scores_zero_db(name):
    data = TASKS[name].build(SITES[:1])
    index = data.split(0).test
    perfect, nothing = (data.score(data.truth.labels[index] * factor, index) for factor in (1, 0))
    assert perfect.pop("sgcs") == pytest.approx(1, abs=1e-5) and set(perfect.values()) == {-200.0}
    assert nothing.pop("sgcs") == 0.0 and set(nothing.values()) == {0.0}
    assert data.task.metric in perfect and all(metrics.lower_is_better(name) for name in perfect)


def test_truth_is_the_channel_after_synchronisation():
    sub6 = SITES[0].sub6
    expected = synthesize(synchronised(sub6), PlanarArray(8), SMALL.ofdm).values
    assert torch.equal(DATA.truth.labels[:120], expected)
    shifted = synchronised(sub6)
    assert bool((shifted.delay_s[shifted.path_mask()] >= 0).all()) and not shifted.delay_s.amin(dim=1).any()
    # The first arrival only turns the phase along the subcarriers.
    first = torch.where(sub6.path_mask(), sub6.delay_s, torch.inf).amin(dim=1).double()
    turn = torch.exp(2j * torch.pi * first[:, None, None] * SMALL.ofdm.frequencies_hz()).to(torch.complex64)
    absolute = synthesize(sub6, PlanarArray(8), SMALL.ofdm).values
    assert metrics.db(metrics.nmse(absolute * turn, expected)) < -60


def test_noise_has_the_power_and_ratio_it_says():
    task = EstimationTask("noisy", range(32), snrs_db=(0.0, 20.0))
    data = task.build(SITES[:1])
    noise = (data.inputs.values - data.truth.labels).abs().square().mean(dim=(1, 2))
    power = data.truth.labels.abs().square().mean(dim=(1, 2))
    torch.testing.assert_close(noise, data.inputs.labels["noise_power"], rtol=0.2, atol=0)
    snr_db = 10 * torch.log10(power / data.inputs.labels["noise_power"])
    torch.testing.assert_close(snr_db, data.truth.condition, rtol=0, atol=1e-3)
    assert data.truth.condition.unique().tolist() == [0.0, 20.0]
    result = data.score(data.inputs.values, torch.arange(len(data)))
    assert result["nmse_db@0"] == pytest.approx(0, abs=0.3) and result["nmse_db@20"] == pytest.approx(-20, abs=0.3)


def test_the_points_over_snr_add_up_to_the_whole():
    estimate = BASELINES["ls-linear"].run(DATA.inputs, 0)
    result = DATA.score(estimate, EVERY)
    share = {f"nmse_db@{v:g}": float((DATA.truth.condition == v).double().mean()) for v in SMALL.snrs_db}
    assert set(share) == {name for name in result if "@" in name}
    total = sum(part * 10 ** (result[name] / 10) for name, part in share.items())
    assert result["nmse_db"] == pytest.approx(metrics.db(total), abs=1e-6)


def test_noise_repeats_and_is_part_of_the_split():
    again, other = SMALL.build(SITES), dataclasses.replace(SMALL, noise_seed=1).build(SITES)
    assert torch.equal(again.inputs.values, DATA.inputs.values)
    assert not torch.equal(other.inputs.values, DATA.inputs.values)
    assert again.split(0).fingerprint == DATA.split(0).fingerprint != other.split(0).fingerprint
    assert torch.equal(other.split(0).test, DATA.split(0).test)


def test_through_evaluate_the_bound_is_below_every_system():
    systems = [BASELINES[name] for name in ("ls-linear", "ls-dft", "omp", "lmmse")]
    rows = evaluate([DATA], systems, budgets=(0.1, 1.0), seeds=(0,), progress=False, bounds=True)
    score = {(row.system, row.budget): row.score for row in rows}
    assert {name for name, _ in score} == {"ls-linear", "ls-dft", "omp", "lmmse", "lmmse-genie"}
    assert score["lmmse-genie", 0.0] == min(score.values())
    assert score["lmmse", 1.0] < score["ls-linear", 0.0] - 3
    # Of other users, or of users in another order, the bound is none.
    with pytest.raises(WirelessFMError, match="120 users, found 200"):
        true_covariance_system(SMALL.channel_paths(SITES[:1]), SMALL.array, SMALL.ofdm).run(DATA.inputs, 0)
    turned = true_covariance_system(SMALL.channel_paths(SITES)[::-1], SMALL.array, SMALL.ofdm)
    assert DATA.score(turned.run(DATA.inputs, 0), EVERY)["nmse_db"] > score["lmmse-genie", 0.0] + 3


@pytest.mark.parametrize("pattern", [(), (3, 1), (1, 1), (0, 32), (-1, 2), range(40)])
def test_patterns_are_checked(pattern):
    with pytest.raises(WirelessFMError, match="observed subcarriers are ascending indices in 0 … 31"):
        EstimationTask(observed_subcarriers=pattern)
    with pytest.raises(WirelessFMError, match="observed antennas"):
        EstimationTask(observed_antennas=pattern)


def test_other_bad_input_is_explained():
    with pytest.raises(WirelessFMError, match="snrs_db must be finite"):
        EstimationTask(snrs_db=(float("nan"),))
    with pytest.raises(WirelessFMError, match="complex CSI"):
        DATA.score(DATA.truth.labels.real, EVERY)
    with pytest.raises(WirelessFMError, match="complex CSI"):
        DATA.score(DATA.truth.labels[:, :4], EVERY)
