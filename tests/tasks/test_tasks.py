import dataclasses
import math

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.baselines import BASELINES, DirectionNoise
from wirelessfm.errors import WirelessFMError
from wirelessfm.metrics import lower_is_better
from wirelessfm.signal import PlanarArray, beam_powers, dft_codebook, synthesize
from wirelessfm.tasks import SUITES, TASKS, CrossBandBeamTask, LosTask, SitePaths, get_task

SITES = [make_site(120, seed=0), make_site(80, seed=1, site="bs1", bs=(40.0, 10.0, 20.0))]


def cut_off(paths, users):
    """The same paths with some users left without any."""
    n_paths, los, gain = paths.n_paths.clone(), paths.los.clone(), paths.gain.clone()
    n_paths[users], los[users], gain[users] = 0, -1, 0
    return dataclasses.replace(paths, n_paths=n_paths, los=los, gain=gain)


FROM_CITIES = [name for name, task in TASKS.items() if task.made_from == "sites"]


def one_hot(labels, n):
    return torch.nn.functional.one_hot(labels, n).float()


def perfect(data):
    """What a predictor that knows the answers says."""
    labels, task = data.truth.labels, data.task
    return one_hot(labels, task.n_classes) if task.output == "class" else labels.clone()


@pytest.mark.parametrize("name", FROM_CITIES)
def test_perfect_predictions_score_perfectly(name):
    data = get_task(name).build(SITES)
    index = data.split(0).test
    result = data.score(perfect(data)[index], index)
    assert data.task.metric in result
    for metric, value in result.items():
        if metric != "top_3":
            best = -200.0 if metric.startswith("nmse") else 0.0 if lower_is_better(metric) else 1.0
            assert value == pytest.approx(best), metric


def test_suites_name_tasks():
    assert all(set(names) <= set(TASKS) for names in SUITES.values())


@pytest.mark.parametrize("name", FROM_CITIES)
def test_predictors_are_not_handed_truth(name):
    data = get_task(name).build(SITES)
    assert set(data.inputs.labels) <= {"observed", "noise_power"} and data.inputs.history == ()


def test_inputs_are_the_physical_channel():
    data = LosTask().build(SITES[:1])
    expected = synthesize(SITES[0].sub6, PlanarArray(32), LosTask().ofdm).values
    assert torch.equal(data.inputs.values, expected)
    assert data.inputs.meta.carrier_hz == 3.5e9


def test_beam_label_is_the_best_beam_at_28_ghz():
    task = CrossBandBeamTask("beam", n_antennas_sub6=8, n_beams=16, n_antennas_mmwave=12)
    data = task.build(SITES)
    assert data.inputs.size("antenna") == 8 and data.truth.beam_powers.shape == (200, 16)
    high = synthesize(SITES[1].mmwave, PlanarArray(12), task.ofdm).values
    expected = beam_powers(high, dft_codebook(12, 16)).argmax(dim=1)
    assert torch.equal(data.truth.labels[120:], expected)
    assert data.truth.site.tolist() == [0] * 120 + [1] * 80
    assert data.sites == ("testville/bs0", "testville/bs1") and data.scenes == ("testville",)


def test_only_users_connected_at_both_carriers_take_part():
    site = SitePaths(cut_off(SITES[0].sub6, [0, 1]), cut_off(SITES[0].mmwave, [1, 2]))
    for task in map(get_task, FROM_CITIES):
        if getattr(task, "front_only", False):
            continue
        data = task.build([site])
        assert len(data) == 117
        assert torch.equal(data.truth.position_m, SITES[0].sub6.position_m[3:])


def test_loss_and_neighbours_of_a_wrong_beam():
    data = get_task("beam-64-antennas-32").build(SITES)
    index = torch.arange(len(data))
    beside = one_hot((data.truth.labels + 1) % 64, 64)
    result = data.score(beside, index)
    assert result["accuracy"] == 0.0 and result["within_one_beam"] == 1.0
    powers = data.truth.beam_powers
    loss = 10 * torch.log10(powers.amax(dim=1) / powers[index, (data.truth.labels + 1) % 64])
    assert result["rsrp_loss_db"] == pytest.approx(float(loss.mean()), rel=1e-4)
    assert 0 < result["rsrp_loss_db"] < 6


def test_noise_is_part_of_the_data_and_of_its_identity():
    noisy, again, other = (LosTask(snr_db=10.0, noise_seed=s).build(SITES[:1]) for s in (0, 0, 1))
    assert torch.equal(noisy.inputs.values, again.inputs.values)
    assert not torch.equal(noisy.inputs.values, other.inputs.values)
    prints = {data.split(0).fingerprint for data in (noisy, again, other, LosTask().build(SITES[:1]))}
    assert len(prints) == 3


def test_splits_of_retraced_paths_are_other_splits():
    changed = dataclasses.replace(SITES[0].sub6, gain=SITES[0].sub6.gain * 1.01)
    before = LosTask().build(SITES[:1]).split(0)
    after = LosTask().build([SitePaths(changed, SITES[0].mmwave)]).split(0)
    assert torch.equal(before.test, after.test) and before.fingerprint != after.fingerprint


def test_los_needs_no_second_carrier():
    assert len(LosTask().build([SitePaths(SITES[0].sub6)])) == 120


def test_bad_input_is_explained():
    with pytest.raises(WirelessFMError, match="millimetre-wave"):
        get_task("beam-64-antennas-8").build([SitePaths(SITES[0].sub6)])
    with pytest.raises(WirelessFMError, match="no connected user in 0 sites"):
        LosTask().build([])
    with pytest.raises(WirelessFMError, match="no connected user in 1 sites"):
        LosTask().build([SitePaths(cut_off(SITES[0].sub6, range(120)))])
    with pytest.raises(WirelessFMError, match="same users"):
        SitePaths(SITES[0].sub6, SITES[1].mmwave)
    with pytest.raises(WirelessFMError, match="Did you mean 'los'"):
        get_task("loss")


def test_wrong_scores_are_explained():
    data = LosTask().build(SITES[:1])
    index = torch.arange(5)
    with pytest.raises(WirelessFMError, match=r"\[5, 2\], found torch.float32 \[5, 3\]"):
        data.score(torch.zeros(5, 3), index)
    with pytest.raises(WirelessFMError, match="NaN"):
        data.score(torch.full((5, 2), float("nan")), index)


def test_the_bound_of_beams_is_the_rule_where_there_is_one_path():
    site = make_site(100, seed=3, n_reflections=0)
    data = get_task("beam-64-antennas-32").build([site])
    bound, exact = data.bounds
    sharp = bound.run(data.inputs, 64)
    assert torch.equal(exact.run(data.inputs, 64).argmax(dim=1), sharp.argmax(dim=1))
    rule = BASELINES["same-sweep-beam"].run(data.inputs, 64)
    assert torch.equal(sharp.argmax(dim=1), rule.argmax(dim=1)) and torch.equal(sharp.argmax(dim=1), data.truth.labels)
    few = get_task("beam-64-antennas-4").build([site])
    assert torch.allclose(few.bounds[0].run(few.inputs, 64), sharp)
    for each in data.bounds:
        with pytest.raises(WirelessFMError, match="100 users, found 7"):
            each.run(data.inputs[:7], 64)


def at_28_ghz(site: SitePaths) -> SitePaths:
    """The same paths at both carriers, which turn by their delays."""
    low = site.sub6.connected()
    turns = (24.5e9 * low.delay_s.double()).remainder(1)
    gain = low.gain * torch.polar(torch.ones_like(turns), -2 * math.pi * turns).to(torch.complex64)
    return SitePaths(low, dataclasses.replace(low, gain=gain, meta=dataclasses.replace(low.meta, carrier_hz=28e9)))


def test_who_knows_phases_knows_the_beam_at_the_other_carrier():
    data = get_task("beam-64-antennas-32").build([at_28_ghz(make_site(300, seed=3))])
    everyone = torch.arange(len(data.inputs))
    powers, phases = (data.score(each.run(data.inputs, 64), everyone)["accuracy"] for each in data.bounds)
    assert phases > 0.99 > 0.97 > powers
    assert data.inputs.meta.extra["target_carrier_hz"] == 28e9


def test_answers_at_different_carriers_are_different_tasks():
    one, other = at_28_ghz(make_site(20, seed=3)), at_28_ghz(make_site(20, seed=4, site="bs1"))
    far = dataclasses.replace(other.mmwave, meta=dataclasses.replace(other.mmwave.meta, carrier_hz=60e9))
    with pytest.raises(WirelessFMError, match="carriers of the answer differ"):
        get_task("beam-64-antennas-32").build([one, SitePaths(other.sub6, far)])
    (_, exact), inputs = (data := get_task("beam-64-antennas-32").build([one])).bounds, data.inputs
    with pytest.raises(WirelessFMError, match="asked_at"):
        exact.run(dataclasses.replace(inputs, meta=dataclasses.replace(inputs.meta, extra={})), 64)


def test_the_carrier_of_the_answer_is_known():
    site = make_site(20, seed=3)
    assert get_task("partial-beam-8").build([site]).inputs.meta.extra["target_carrier_hz"] == 3.5e9


def test_noise_bounds_how_well_a_single_direction_can_be_known():
    """Where there is one path, a sweep is the best there is, and as good as the bound says it can be."""
    site = make_site(2000, seed=3, n_reflections=0)
    for name, low, high in (("beam-64-antennas-32-10db", 0.99, 1.0), ("beam-64-antennas-4-10db", 0.75, 0.95)):
        data = get_task(name).build([site])
        everyone, (bound,) = torch.arange(len(data.inputs)), data.bounds
        at_best = data.score(bound.run(data.inputs, 64), everyone)["accuracy"]
        rule = data.score(BASELINES["same-sweep-beam"].run(data.inputs, 64), everyone)["accuracy"]
        assert low < at_best <= high and abs(rule - at_best) < 0.03
        assert torch.equal(bound.run(data.inputs, 64), bound.run(data.inputs, 64))
    many = get_task("beam-64-antennas-4-10db").build([make_site(500, seed=3)])
    everyone = torch.arange(len(many.inputs))
    noisy, rule = many.bounds[0].run(many.inputs, 64), BASELINES["same-sweep-beam"].run(many.inputs, 64)
    clean = get_task("beam-64-antennas-4").build([make_site(500, seed=3)]).bounds[0]
    steps = [many.score(scores, everyone)["accuracy"] for scores in (rule, noisy, clean.run(many.inputs, 64))]
    assert steps == sorted(steps) and steps[0] < steps[2] - 0.05
    assert many.bounds[0].name != clean.name


def test_direction_noise_is_that_of_the_cramer_rao_bound():
    noise = DirectionNoise(n_antennas=4, n_subcarriers=32, snr_db=10.0)
    assert noise.deviation_rad == pytest.approx((6 / (10 * 32 * 4 * 15)) ** 0.5)
    assert DirectionNoise(1, 32, 10.0).deviation_rad == math.pi == DirectionNoise(2, 1, -60.0).deviation_rad
