import dataclasses

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.baselines import BASELINES
from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.data.simulate.wifo_sets import WIFO_SETS
from wirelessfm.errors import WirelessFMError
from wirelessfm.evaluate import evaluate
from wirelessfm.tasks import PredictionTask, SitePaths, get_task

AXES = ("sample", "time", "antenna", "subcarrier")
TIME, FREQUENCY = get_task("predict-time"), get_task("predict-frequency")


def channels(n=40, times=16, antennas=2, subcarriers=8, seed=0, **labels):
    values = torch.randn(
        n, times, antennas, subcarriers, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed)
    )
    power = torch.linspace(1e-7, 1e-5, n)[:, None, None, None]
    return CSI(values * power, AXES, labels=labels, meta=CSIMeta(2.5e9, extra={"scenario": "umi"}))


@pytest.mark.parametrize(("task", "dim"), [(TIME, 1), (FREQUENCY, 3)])
def test_the_first_half_is_known_and_nothing_tells_of_the_rest(task, dim):
    csi = channels(speed_m_per_s=torch.full((40,), 10.0), position_m=torch.zeros(40, 3))
    data = task.build([csi])
    half = csi.values.shape[dim] // 2
    assert sorted(data.inputs.labels) == ["noise_power", "observed"] and data.inputs.history == ()
    observed = data.inputs.labels["observed"]
    assert observed.narrow(dim, 0, half).all() and not observed.narrow(dim, half, half).any()
    assert not data.inputs.values[~observed].any()
    assert torch.equal(data.truth.labels, csi.values)
    # Other channels in the asked part leave everything a predictor gets as it was.
    changed = csi.values.clone()
    changed.narrow(dim, half, half).mul_(3j)
    other = task.build([dataclasses.replace(csi, values=changed)])
    assert other.inputs.fingerprint() == data.inputs.fingerprint()
    assert other.split(0).fingerprint != data.split(0).fingerprint
    assert data.notes["mean_speed_km_per_h"] == 36.0 and data.notes["known"] == half


def test_a_scale_of_the_whole_sample_is_taken_off():
    plain, normalised = channels(), channels().normalise()
    built = TIME.build([normalised])
    torch.testing.assert_close(built.truth.labels, plain.values)
    assert built.inputs.history == ()


def test_noise_has_the_power_it_says_and_is_part_of_the_data():
    csi = channels(20, times=16, antennas=16, subcarriers=32)
    data, again = (PredictionTask("p", "time", snr_db=10.0).build([csi]) for _ in range(2))
    assert torch.equal(data.inputs.values, again.inputs.values)
    noise = (data.inputs.values - csi.values)[:, :8].abs().square().flatten(1).mean(dim=1)
    torch.testing.assert_close(noise, data.inputs.labels["noise_power"], rtol=0.1, atol=0)
    ratio = csi.values[:, :8].abs().square().flatten(1).mean(dim=1) / data.inputs.labels["noise_power"]
    torch.testing.assert_close(ratio, torch.full((20,), 10.0), rtol=1e-4, atol=0)
    noiseless = PredictionTask("p", "time", snr_db=None).build([csi])
    assert torch.equal(noiseless.inputs.values[:, :8], csi.values[:, :8])
    assert not noiseless.inputs.labels["noise_power"].any()
    other = PredictionTask("p", "time", snr_db=10.0, noise_seed=1).build([csi])
    assert not torch.equal(other.inputs.values, data.inputs.values)


def test_slices_of_four_as_in_wifo():
    assert [TIME.n_known(size) for size in (24, 16, 20, 10)] == [12, 8, 8, 4]
    assert PredictionTask("p", "time", known_fraction=0.75).n_known(16) == 12


def test_scores_by_hand():
    data = TIME.build([channels()])
    index = torch.arange(40)
    truth = data.truth.labels
    assert data.score(truth, index) == {
        "nmse_db": -200.0, "nmse": 0.0, "nmse_ratio_db": -200.0, "sgcs": pytest.approx(1.0)
    }  # fmt: skip
    # What is wrong in the known part does not count, and zeros are an answer.
    wrong = truth.clone()
    wrong[:, :8] = 1
    assert data.score(wrong, index)["nmse"] == 0.0
    zero = data.score(torch.zeros_like(truth), index)
    assert zero["nmse"] == pytest.approx(1.0) and zero["sgcs"] == 0.0
    scaled = truth.clone()
    scaled[:20] *= 1.5
    found = data.score(scaled, index)
    power = truth[:, 8:].abs().square().flatten(1).double().sum(dim=1)
    assert found["nmse"] == pytest.approx(0.125, rel=1e-5) and found["nmse_db"] == pytest.approx(-9.03, abs=0.01)
    expected = 10 * torch.log10(0.25 * power[:20].sum() / power.sum())
    assert found["nmse_ratio_db"] == pytest.approx(float(expected), abs=1e-3)
    assert found["sgcs"] == pytest.approx(1.0)
    assert "sgcs" not in TIME.build([channels(antennas=1)]).score(channels(antennas=1).values, index)


def test_a_sample_is_a_trajectory_unless_a_label_names_them():
    assert TIME.build([channels(), channels(seed=1)]).truth.group.tolist() == list(range(80))
    named = channels(trajectory=torch.arange(40) // 10 + 5)
    data = TIME.build([named, named])
    assert data.truth.group.tolist() == sorted(list(range(8)) * 10)
    split = data.split(0)
    assert not set(data.truth.group[split.test].tolist()) & set(data.truth.group[split.train].tolist())


def test_scenes_are_named_after_the_configuration():
    request = dataclasses.asdict(dataclasses.replace(WIFO_SETS["D7"], n_samples=40, seed=123))
    simulated = dataclasses.replace(channels(), meta=CSIMeta(2.5e9, extra=request))
    assert TIME.build([simulated]).scenes == ("D7",)
    both = TIME.build([simulated, channels(10, seed=1)])
    assert both.scenes == ("D7", "umi") and both.sites == ("D7", "umi")
    assert both.truth.site.tolist() == [0] * 40 + [1] * 10
    assert TIME.build([dataclasses.replace(channels(), meta=CSIMeta(source="a file"))]).scenes == ("a file",)


def test_rows_of_rules_and_networks():
    tasks = [TIME.build([channels()]), FREQUENCY.build([channels()])]
    chosen = [BASELINES[name] for name in ("sample-and-hold", "kalman", "wiener")]
    rows = evaluate(tasks, chosen, (1.0,), (0,), progress=False)
    found = {(row.task, row.system, row.budget) for row in rows}
    assert found == {
        ("predict-time", "sample-and-hold", 0.0), ("predict-time", "kalman", 0.0), ("predict-time", "wiener", 1.0),
        ("predict-frequency", "sample-and-hold", 0.0), ("predict-frequency", "wiener", 1.0),
    }  # fmt: skip
    # Nothing predicts white noise better than zero.
    assert all(row.metrics["nmse"] > 0.95 and row.metric == "nmse_db" for row in rows)


def test_bad_input_is_explained():
    with pytest.raises(WirelessFMError, match="found SitePaths; simulate"):
        TIME.build([SitePaths(make_site(20).sub6)])
    with pytest.raises(WirelessFMError, match="needs at least one CSI"):
        TIME.build([])
    with pytest.raises(WirelessFMError, match="built from CSI with axes"):
        TIME.build([CSI(torch.ones(3, 4, 8, dtype=torch.complex64), ("sample", "antenna", "subcarrier"))])
    with pytest.raises(WirelessFMError, match="sizes differ"):
        TIME.build([channels(), channels(subcarriers=4)])
    with pytest.raises(WirelessFMError, match="at least 8 entries along 'time', found 4"):
        TIME.build([channels(times=4)])
    silent = channels().values.clone()
    silent[3, 8:] = 0
    with pytest.raises(WirelessFMError, match="1 of 40 samples without"):
        TIME.build([dataclasses.replace(channels(), values=silent)])
    with pytest.raises(WirelessFMError, match="axis of prediction 'frequency'"):
        PredictionTask("p", "frequency")
    with pytest.raises(WirelessFMError, match="known_fraction between 0 and 1"):
        PredictionTask("p", "time", known_fraction=1.0)
