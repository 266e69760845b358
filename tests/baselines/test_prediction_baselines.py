"""What every predictor of CSI must do, on processes whose answer is known."""

import dataclasses
import math
from functools import cache, partial

import pytest
import torch

from wirelessfm.baselines import BASELINES, llm4cp_system
from wirelessfm.baselines.autoregression import burg, extrapolate
from wirelessfm.baselines.csi_network import Grid, Training
from wirelessfm.baselines.kalman import kalman_predict
from wirelessfm.baselines.known_part import AXES, known_part
from wirelessfm.baselines.llm4cp import LLM4CPConfig, train_llm4cp
from wirelessfm.baselines.lstm_prediction import LSTMConfig, train_lstm
from wirelessfm.baselines.prony_angle_delay import linear_prediction, n_rows
from wirelessfm.baselines.resnet3d_prediction import ResNet3dConfig, train_resnet3d
from wirelessfm.baselines.transformer_prediction import TransformerConfig, train_transformer
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.metrics import nmse
from wirelessfm.signal import PlanarArray
from wirelessfm.tasks import PredictionTask

WHOLE, APART = Training(5e-3, 120, max_batch=16), Training(5e-3, 120, max_batch=32, antennas_apart=True)
NETWORKS = {
    "lstm": partial(train_lstm, config=LSTMConfig(32, training=APART)),
    "transformer": partial(train_transformer, config=TransformerConfig(32, 1, 1, training=WHOLE)),
    "resnet3d": partial(train_resnet3d, config=ResNet3dConfig((1,), 8, training=WHOLE)),
    "llm4cp-random": partial(train_llm4cp, config=LLM4CPConfig(1, 32, 2, 4, training=APART)),
}
RULES = {"time": ("sample-and-hold", "ar", "kalman", "pad"), "subcarrier": ("sample-and-hold", "ar")}
METHODS = [(axis, name) for axis, rules in RULES.items() for name in (*rules, "wiener", *NETWORKS)]


def rotation(n=96, times=8, antennas=4, subcarriers=8, step=0.8, seed=0):
    """The same phase step for everyone along time and subcarriers: a linear predictor is exact."""
    generator = torch.Generator().manual_seed(seed)
    gain = torch.randn(n, 1, antennas, 1, dtype=torch.complex64, generator=generator)
    phase = step * (torch.arange(times)[:, None, None] + torch.arange(subcarriers))
    return CSI(1e-6 * gain * torch.polar(torch.ones(()), phase), AXES)


def few_paths(axis, n=5, times=16, antennas=8, subcarriers=16, seed=0):
    """Three paths, each in a delay tap and an angle bin of its own, with any Doppler shift or any delay."""
    generator = torch.Generator().manual_seed(seed)

    def wave(size, cycles):
        return torch.polar(torch.ones(n, size), 2 * math.pi * cycles[:, None] * torch.arange(size) / size)

    total = torch.zeros(n, times, antennas, subcarriers, dtype=torch.complex64)
    for path in range(3):
        free = 0.7 + 0.9 * path + torch.rand(n, generator=generator)
        bins = torch.randint(1, 3, (n,), generator=generator) + 2 * path
        doppler, delay = (free, -bins.float()) if axis == "time" else (torch.zeros(n), -free)
        gain = torch.randn(n, dtype=torch.complex64, generator=generator)[:, None, None, None]
        angles = wave(antennas, bins.float())[:, None, :, None]
        total += gain * wave(times, doppler)[:, :, None, None] * angles * wave(subcarriers, delay)[:, None, None]
    return CSI(1e-6 * total, AXES)


def built(csi, axis="time", snr_db=None):
    return PredictionTask("p", axis, snr_db=snr_db).build([csi])


def error(data, predicted):
    """NMSE of the asked part."""
    return data.score(predicted, torch.arange(len(data)))["nmse"]


@cache
def method(axis, name):
    """A rule, or a network fitted to the rotating process, as a function of CSI."""
    system = BASELINES[name]
    if system.kind == "rule":
        return lambda csi: system.run(csi, 0)
    data = built(rotation(), axis, 20.0)
    return NETWORKS.get(name, system.run)(data.inputs, data.truth.labels, 0, 0)


@pytest.fixture(autouse=True)
def _transformers_or_skip(request):
    parameters = getattr(request.node, "callspec", None)
    if parameters is not None and "llm4cp-random" in parameters.params.values():
        pytest.importorskip("transformers")


@pytest.mark.parametrize(("axis", "name"), METHODS)
def test_prediction_follows_the_scale_and_never_reads_what_is_not_observed(axis, name):
    predict, inputs = method(axis, name), built(rotation(6, seed=3), axis, 20.0).inputs
    plain = predict(inputs)
    assert plain.shape == inputs.values.shape and plain.dtype == torch.complex64
    observed = inputs.labels["observed"]
    torch.testing.assert_close(plain[observed], inputs.values[observed], rtol=1e-5, atol=0)
    garbage = torch.where(observed, inputs.values, torch.full((), 7.0 + 3j))
    assert torch.equal(predict(dataclasses.replace(inputs, values=garbage)), plain)
    larger = dataclasses.replace(inputs, values=inputs.values * 1e4)
    larger = larger.with_labels(noise_power=inputs.labels["noise_power"] * 1e8)
    torch.testing.assert_close(predict(larger) / 1e4, plain, rtol=1e-3, atol=1e-3 * float(plain.abs().max()))
    torch.testing.assert_close(predict(inputs[:2]), plain[:2], rtol=1e-4, atol=1e-4 * float(plain.abs().max()))


@pytest.mark.parametrize("axis", RULES)
def test_hold_is_exact_on_constant_channels(axis):
    data = built(rotation(5, step=0.0), axis)
    assert error(data, BASELINES["sample-and-hold"].run(data.inputs, 0)) < 1e-12


@pytest.mark.parametrize(("axis", "name"), [("time", "ar"), ("time", "kalman"), ("time", "pad"), ("subcarrier", "ar")])
def test_rules_extend_noiseless_sums_of_exponentials(axis, name):
    data = built(few_paths(axis), axis)
    assert error(data, BASELINES["sample-and-hold"].run(data.inputs, 0)) > 0.5
    assert error(data, BASELINES[name].run(data.inputs, 0)) < 1e-4


def test_prony_coefficients_of_two_exponentials_by_hand():
    poles = torch.polar(torch.ones(2, dtype=torch.float64), torch.tensor([0.5, -1.1], dtype=torch.float64))
    series = (poles[:, None] ** torch.arange(8)).sum(dim=0)[None]
    found = linear_prediction(series, torch.zeros(1), 2)[0]
    torch.testing.assert_close(found, torch.stack([poles.sum(), -poles.prod()]), rtol=0, atol=1e-6)
    torch.testing.assert_close(
        extrapolate(series[..., None], found[None], 2)[0, :, 0], torch.stack([(poles**8).sum(), (poles**9).sum()])
    )


def test_burg_finds_the_model_and_its_error():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(2, 4000, 1, dtype=torch.complex64, generator=generator)
    entries = [noise[:, 0], noise[:, 1]]
    for n in range(2, 4000):
        entries.append(0.5j * entries[-1] + 0.3 * entries[-2] + noise[:, n])
    coefficients, power = burg(torch.stack(entries, dim=1), 2)
    torch.testing.assert_close(coefficients, torch.tensor([[0.5j, 0.3]]).expand(2, -1), rtol=0, atol=0.04)
    torch.testing.assert_close(power, torch.ones(2), rtol=0, atol=0.06)


def test_kalman_beats_hold_in_noise():
    generator = torch.Generator().manual_seed(0)
    clean = torch.polar(torch.ones(50, 4), 6 * torch.rand(50, 4, generator=generator))[:, None]
    clean = (
        clean
        * torch.polar(torch.ones(50, 17), 0.4 * torch.rand(50, 1, generator=generator) * torch.arange(17))[..., None]
    )
    noisy = clean + 0.5 * torch.randn(clean.shape, dtype=torch.complex64, generator=generator)
    predicted = kalman_predict(noisy[:, :16], torch.full((50,), 0.25), 2, 1)
    assert nmse(predicted, clean[:, 16:]) < 0.9 * nmse(noisy[:, 15:16], clean[:, 16:])


@pytest.mark.parametrize("axis", RULES)
def test_wiener_is_the_conditional_mean_of_a_markov_process(axis):
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(400, 8, 4, 8, dtype=torch.complex64, generator=generator)
    dim, entries = AXES.index(axis), []
    for part in noise.unbind(dim):
        entries.append(0.9 * entries[-1] + (1 - 0.81) ** 0.5 * part if entries else part)
    data = built(CSI(torch.stack(entries, dim), AXES), axis)
    half = torch.arange(200)
    predictor = BASELINES["wiener"].run(data.inputs[half], data.truth.labels[half], 0, 0)
    predicted, held = predictor(data.inputs)[200:], BASELINES["sample-and-hold"].run(data.inputs, 0)[200:]
    expected = sum(1 - 0.81**k for k in range(1, 5)) / 4
    assert data.score(predicted, half + 200)["nmse"] == pytest.approx(expected, abs=0.03)
    assert data.score(held, half + 200)["nmse"] > 1.15 * expected
    assert predictor.n_parameters == 2 * 4 * 4


@pytest.mark.parametrize("axis", RULES)
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_learn_and_repeat(axis, name):
    data = built(rotation(24, seed=1), axis, 20.0)
    fitted = method(axis, name)
    assert error(data, fitted(data.inputs)) < 0.5 < error(data, BASELINES["sample-and-hold"].run(data.inputs, 0))
    assert fitted.n_parameters > 0


def test_training_repeats_and_leaves_the_global_generator_alone():
    data = built(rotation(20), "time", 20.0)
    state = torch.get_rng_state()
    short = LSTMConfig(8, training=Training(max_steps=20))
    first, again, other = (
        train_lstm(data.inputs, data.truth.labels, 0, seed, short)(data.inputs) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(state, torch.get_rng_state())


def test_odd_sizes_and_one_sample():
    csi = CSI(torch.randn(1, 8, 3, 5, dtype=torch.complex64, generator=torch.Generator().manual_seed(0)), AXES)
    data = built(csi)
    short = Training(max_steps=20)
    for train, config in ((train_transformer, TransformerConfig(16, 1, 1, training=short)),
                          (train_resnet3d, ResNet3dConfig((1,), 4, training=short))):  # fmt: skip
        predicted = train(data.inputs, data.truth.labels, 0, 0, config)(data.inputs)
        assert predicted.shape == csi.values.shape and torch.isfinite(predicted).all()


def test_training_is_bounded_whatever_the_sizes():
    training = Training(max_steps=200, max_entries=1e6, max_batch=16)
    assert training.n_steps(Grid(4, 4, 1, 8), 1000) == 200
    assert training.n_steps(Grid(8, 8, 8, 16), 1000) == 61
    assert training.n_steps(Grid(64, 64, 64, 64), 1000) == 20


def test_a_language_model_from_a_folder_stays_frozen(tmp_path):
    transformers = pytest.importorskip("transformers")
    sizes = {"vocab_size": 3, "n_embd": 16, "n_head": 2, "n_layer": 3, "n_positions": 8}
    config = transformers.GPT2Config(**sizes, bos_token_id=None, eos_token_id=None)
    given = transformers.GPT2Model(config)
    given.save_pretrained(tmp_path)
    data = built(rotation(20), "time", 20.0)
    short = LLM4CPConfig(2, channels=4, training=dataclasses.replace(APART, max_steps=20))
    system = llm4cp_system(str(tmp_path), short)
    assert system.pretrained and len(system.weights) == 16
    backbone = system.run(data.inputs, data.truth.labels, 0, 0).network.backbone
    assert len(backbone.h) == 2
    assert torch.equal(backbone.h[1].mlp.c_fc.weight, given.h[1].mlp.c_fc.weight)
    assert not torch.equal(backbone.h[1].ln_1.weight, given.h[1].ln_1.weight)
    with pytest.raises(WirelessFMError, match="at least 4 layers and 4 positions, found 3 and 8"):
        train_llm4cp(data.inputs, data.truth.labels, 0, 0, dataclasses.replace(short, layers=4, weights=str(tmp_path)))
    with pytest.raises(WirelessFMError, match="found no such file"):
        llm4cp_system(str(tmp_path / "nothing"))


def test_rows_of_an_array_from_its_positions():
    csi = rotation(2)
    assert n_rows(csi) == 1
    assert n_rows(dataclasses.replace(csi, coords={"antenna": PlanarArray(2, 2).positions_wavelengths()})) == 2


def test_bad_input_is_explained():
    inputs = built(rotation(3)).inputs
    with pytest.raises(WirelessFMError, match="the label 'observed'"):
        known_part(dataclasses.replace(inputs, labels={}))
    last = inputs.with_labels(observed=inputs.labels["observed"].flip(1))
    with pytest.raises(WirelessFMError, match="marks something else"):
        known_part(last)
    mixed = inputs.labels["observed"].clone()
    mixed[0, 0, 0, 0] = False
    with pytest.raises(WirelessFMError, match="marks something else"):
        known_part(inputs.with_labels(observed=mixed))
    across = built(rotation(3), "subcarrier").inputs
    for name in ("kalman", "pad"):
        with pytest.raises(WirelessFMError, match="predicts times"):
            BASELINES[name].run(across, 0)
    first = torch.zeros_like(inputs.labels["observed"])
    first[:, :1] = True
    with pytest.raises(WirelessFMError, match="at least 2 known"):
        BASELINES["ar"].run(inputs.with_labels(observed=first), 0)
