import dataclasses
import math
import pickle

import pytest
import torch

from wirelessfm.baselines import BASELINES, estimation_network, fit_lmmse, ls_dft, ls_linear, omp
from wirelessfm.baselines.estimation_network import nmse_loss
from wirelessfm.baselines.lmmse import shrunk_covariance
from wirelessfm.baselines.ls_linear import linear_weights
from wirelessfm.baselines.true_covariance import low_rank_lmmse, path_signatures
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.metrics import nmse
from wirelessfm.signal import OFDM, PlanarArray, channel_response

AXES = ("sample", "antenna", "subcarrier")
ESTIMATORS = [name for name, system in BASELINES.items() if "estimation" in system.task_kinds]
N_ANTENNAS, N_TONES, N_PATHS = 8, 16, 3


def noise_like(values, seed):
    return torch.randn(values.shape, dtype=values.dtype, generator=torch.Generator().manual_seed(seed))


def observe(clean, antennas=slice(None), tones=slice(None, None, 2), noise_power=0.0, seed=0):
    """CSI as a task hands it out."""
    seen = torch.zeros(clean.shape, dtype=torch.bool)
    seen[:, antennas] = True
    columns = torch.zeros(clean.shape[2], dtype=torch.bool)
    columns[tones] = True
    seen &= columns
    noisy = clean + noise_power**0.5 * noise_like(clean, seed)
    labels = {"observed": seen, "noise_power": torch.full((len(clean),), noise_power)}
    return CSI(torch.where(seen, noisy, 0), AXES, labels=labels)


def waves(angle_cycles, delay_cycles):
    """Signatures of plane waves: complex64 [sample, antenna · tone, path] from cycles per step, [sample, path]."""
    rows = torch.exp(2j * torch.pi * torch.arange(N_ANTENNAS)[:, None] * angle_cycles[:, None])
    columns = torch.exp(-2j * torch.pi * torch.arange(N_TONES)[:, None] * delay_cycles[:, None])
    return (rows[:, :, None] * columns[:, None]).flatten(1, 2).to(torch.complex64)


def gaussian_channels(n, seed=0):
    """Channels A·g with g ~ CN(0, I) and their A: paths from one sector, at delays of up to a fifth of the comb."""
    g = torch.Generator().manual_seed(seed)
    decay = torch.tensor([0.8, 0.5, 0.3])
    angle = 0.1 + 0.2 * torch.rand(n, N_PATHS, generator=g)
    signatures = waves(angle, 0.1 * torch.rand(n, N_PATHS, generator=g)) * decay
    amounts = torch.randn(n, N_PATHS, dtype=torch.complex64, generator=g)
    return (signatures @ amounts[..., None]).reshape(n, N_ANTENNAS, N_TONES), signatures


CLEAN, SIGNATURES = gaussian_channels(300)
NOISY = observe(CLEAN, noise_power=0.05)


@pytest.fixture(scope="module", autouse=True)
def short_training():
    """A fifth of the steps: enough for these small channels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimation_network, "_MIN_STEPS", 100)
        patch.setattr(estimation_network, "_MAX_STEPS", 100)
        patch.setattr(estimation_network, "_N_VIEWS", 2048)
        yield


@pytest.fixture(scope="module")
def fitted(short_training):
    """Every estimator as a function of CSI, those with labels fitted on 150 samples."""
    known = {}
    for name in ESTIMATORS:
        system = BASELINES[name]
        if system.kind == "rule":
            known[name] = lambda csi, run=system.run: run(csi, 0)
        else:
            known[name] = system.run(NOISY[:150], CLEAN[:150], 0, 0)
    return known


@pytest.mark.parametrize("name", ESTIMATORS)
def test_shapes_and_better_than_nothing(name, fitted):
    found = fitted[name](NOISY[150:])
    assert found.shape == (150, N_ANTENNAS, N_TONES) and found.dtype == torch.complex64
    assert nmse(found, CLEAN[150:]) < 0.15


@pytest.mark.parametrize("name", ESTIMATORS)
def test_estimates_scale_with_what_is_observed(name, fitted):
    scaled = observe(CLEAN[150:] * 1e-7, noise_power=0.05e-14)
    scaled = dataclasses.replace(scaled, values=NOISY.values[150:] * 1e-7)
    before, after = fitted[name](NOISY[150:]), fitted[name](scaled) * 1e7
    assert nmse(after, before) < 1e-6


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_is_not_observed_is_not_read(name, fitted):
    noisy = NOISY[150:]
    poisoned = dataclasses.replace(noisy, values=torch.where(noisy.labels["observed"], noisy.values, 1e3))
    found, wanted = fitted[name](poisoned), fitted[name](noisy)
    # Resolved waves not bit for bit: linear algebra rounds as memory is aligned.
    assert torch.equal(found, wanted) or (name == "resolved-waves" and torch.allclose(found, wanted, atol=1e-4))
    if BASELINES[name].kind == "network":
        poison = dataclasses.replace(NOISY, values=torch.where(NOISY.labels["observed"], NOISY.values, 1e3))
        again = BASELINES[name].run(poison[:150], CLEAN[:150], 0, 0)
        assert torch.equal(again(noisy), fitted[name](noisy))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_sample_of_zeros_stays_finite(name, fitted):
    empty = dataclasses.replace(NOISY[:3], values=torch.zeros_like(NOISY.values[:3]))
    assert torch.isfinite(torch.view_as_real(fitted[name](empty))).all()


@pytest.mark.parametrize("name", ["lmmse", "denoising-cnn", "mapping-network"])
def test_fits_are_picklable_and_leave_the_global_generator_alone(name, fitted):
    state = torch.get_rng_state()
    one = BASELINES[name].run(NOISY[:1], CLEAN[:1], 0, 3)
    assert torch.equal(state, torch.get_rng_state()) and one.n_parameters == fitted[name].n_parameters > 0
    again = pickle.loads(pickle.dumps(fitted[name]))
    assert torch.equal(again(NOISY[:5]), fitted[name](NOISY[:5]))


@pytest.mark.parametrize("snr_db", [-10, 0, 10, 20, 30])
def test_the_true_covariance_is_not_beaten_and_equals_the_textbook(snr_db, fitted):
    noise = 10 ** (-snr_db / 10)
    csi = observe(CLEAN, noise_power=noise, seed=1)
    bound = low_rank_lmmse(csi, SIGNATURES)
    seen = csi.labels["observed"][0].flatten()
    covariance = (SIGNATURES @ SIGNATURES.mH).to(torch.complex128)
    inner = covariance[:, seen][:, :, seen] + noise * torch.eye(int(seen.sum()))
    y = csi.values.flatten(1)[:, seen, None].to(torch.complex128)
    textbook = (covariance[:, :, seen] @ torch.linalg.solve(inner, y)).reshape(CLEAN.shape)
    assert nmse(bound.to(torch.complex128), textbook) < 1e-8
    error = float((bound - CLEAN)[150:].abs().square().mean())
    for name, estimate in fitted.items():
        assert error < float((estimate(csi[150:]) - CLEAN[150:]).abs().square().mean()), name


def test_the_bound_fills_in_noiseless_channels():
    assert nmse(low_rank_lmmse(observe(CLEAN), SIGNATURES), CLEAN) < 1e-6


def test_path_signatures_sum_to_the_channel(make_paths):
    paths, array, ofdm = make_paths(6), PlanarArray(4), OFDM(6, 240e3)
    signatures = path_signatures(paths, array, ofdm)
    expected = channel_response(paths, array, ofdm).flatten(1)
    assert signatures.shape == (6, 24, 4) and not signatures[0].any()
    torch.testing.assert_close(signatures.sum(dim=2), expected, rtol=1e-4, atol=1e-10)


def test_linear_interpolation_is_exact_for_a_line_and_holds_far_outside():
    g = torch.Generator().manual_seed(0)
    slope, start = torch.randn(2, 5, 4, 1, dtype=torch.complex64, generator=g)
    line = start + slope * torch.arange(12)
    # Tones 9 to 11 lie beyond the last pilot, within one spacing.
    found = ls_linear(observe(line, tones=slice(0, 12, 4)))
    torch.testing.assert_close(found, line, rtol=0, atol=1e-5)
    both = observe(line.mT.contiguous(), antennas=slice(0, 12, 4), tones=slice(None))
    torch.testing.assert_close(ls_linear(both), line.mT, rtol=0, atol=1e-5)
    weights = linear_weights(torch.tensor([2, 4]), 10).real
    assert torch.equal(weights.sum(dim=1), torch.ones(10)) and torch.equal(weights[6:], weights[6:7].expand(4, 2))
    assert torch.equal(linear_weights(torch.tensor([3]), 4).real, torch.ones(4, 1))


def test_dft_is_exact_for_delays_on_taps_and_drops_noise():
    # A comb of 2 on 16 tones has 8 taps a sixteenth of a cycle apart, two of them before the first path.
    on_taps = waves(torch.full((1, 2), 0.13), torch.tensor([[0.0, 3 / 16]])).sum(dim=2).reshape(1, N_ANTENNAS, N_TONES)
    torch.testing.assert_close(ls_dft(observe(on_taps)), on_taps, rtol=0, atol=1e-5)
    many = on_taps.expand(400, -1, -1)
    noisy = observe(many, noise_power=0.1)
    # Two of eight taps are kept, and so is a quarter of the noise.
    error = float((ls_dft(noisy) - many).abs().square().mean())
    assert error == pytest.approx(0.1 * 2 / 8, rel=0.15)


@pytest.mark.parametrize("antennas", [slice(None), slice(0, 6)])
def test_omp_recovers_waves_on_its_grid(antennas):
    angles = torch.tensor([[-12.0, 2.0, 13.0], [0.0, 8.0, -6.0]]) / 32
    delays = torch.tensor([[0.0, 8.0, 20.0], [4.0, -4.0, 12.0]]) / 64
    signatures = waves(angles, delays) * torch.tensor([1, 0.6j, -0.3])
    clean = signatures.sum(dim=2).reshape(2, N_ANTENNAS, N_TONES)
    found = omp(observe(clean, antennas=antennas))
    assert nmse(found, clean) < (1e-6 if antennas == slice(None) else 1e-2)
    alone = (signatures[:, :, 0]).reshape(2, N_ANTENNAS, N_TONES)
    assert nmse(omp(observe(alone, antennas=antennas)), alone) < 1e-8


def test_omp_stops_at_the_noise():
    wave = waves(torch.tensor([[0.25]]), torch.tensor([[0.0625]])).reshape(1, N_ANTENNAS, N_TONES).expand(500, -1, -1)
    noisy = observe(wave, noise_power=0.1)
    # One complex number fitted to 64 entries.
    assert float((omp(noisy) - wave).abs().square().mean()) == pytest.approx(0.1 / 64, rel=0.5)


def test_sample_covariance_approaches_the_bound_with_labels():
    steering = waves(torch.tensor([[0.05, 0.2, -0.3]]), torch.tensor([[0.0, 0.05, 0.02]])) * torch.tensor([1, 0.7, 0.5])
    g = torch.Generator().manual_seed(0)
    amounts = torch.randn(3000, N_PATHS, 1, dtype=torch.complex64, generator=g)
    clean = (steering @ amounts).reshape(-1, N_ANTENNAS, N_TONES)
    csi = observe(clean, noise_power=0.3)
    test, labelled = slice(2500, 3000), (3, 30, 2500)
    errors = [nmse(fit_lmmse(csi[:n], clean[:n], 0, 0)(csi[test]), clean[test]) for n in labelled]
    bound = nmse(low_rank_lmmse(csi[test], steering.expand(500, -1, -1)), clean[test])
    assert errors[0] > errors[1] > errors[2] and errors[2] < 1.15 * bound


def test_shrinkage_goes_from_kronecker_to_sample():
    few, many = shrunk_covariance(CLEAN[:1]), shrunk_covariance(CLEAN)
    blocks = few.reshape(N_ANTENNAS, N_TONES, N_ANTENNAS, N_TONES)
    row = blocks[0, :, 0, :] / blocks[0, 0, 0, 0]
    torch.testing.assert_close(blocks[2, :, 5, :], row * blocks[2, 0, 5, 0] / row[0, 0], rtol=1e-3, atol=1e-3)
    for matrix in (few, many):
        torch.testing.assert_close(matrix, matrix.mH, rtol=0, atol=1e-5)
        assert float(torch.linalg.eigvalsh(matrix).min()) > -1e-3
    repeated = CLEAN[:1].expand(50, -1, -1)
    exact = repeated[0].flatten()[:, None] * repeated[0].flatten().conj()
    torch.testing.assert_close(shrunk_covariance(repeated), exact, rtol=1e-3, atol=1e-3)


def test_nmse_loss_is_the_metric_and_has_a_gradient():
    estimate = (CLEAN[:9] + 0.1).requires_grad_()
    loss = nmse_loss(estimate, CLEAN[:9])
    assert float(loss.detach()) == pytest.approx(nmse(estimate.detach(), CLEAN[:9]), rel=1e-4)
    loss.backward()
    assert estimate.grad.abs().min() > 0


def drop(csi, *names):
    return dataclasses.replace(csi, labels={k: v for k, v in csi.labels.items() if k not in names})


@pytest.mark.parametrize("name", ESTIMATORS)
def test_bad_input_is_explained(name, fitted):
    estimate = fitted[name]
    with pytest.raises(WirelessFMError, match="'observed'"):
        estimate(drop(NOISY, "observed"))
    with pytest.raises(WirelessFMError, match="'noise_power'"):
        estimate(drop(NOISY, "noise_power"))
    with pytest.raises(WirelessFMError, match="must be bool"):
        estimate(NOISY.with_labels(observed=torch.ones(len(NOISY), 1, 1, dtype=torch.bool)))
    ragged = NOISY.labels["observed"].clone()
    ragged[3, 0] = False
    with pytest.raises(WirelessFMError, match="same observed antennas × subcarriers"):
        estimate(NOISY.with_labels(observed=ragged))
    with pytest.raises(WirelessFMError, match="same observed"):
        estimate(NOISY.with_labels(observed=torch.zeros_like(ragged)))
    with pytest.raises(WirelessFMError, match="axes"):
        estimate(dataclasses.replace(NOISY, axes=("sample", "rx", "subcarrier"), coords={}))
    if BASELINES[name].kind == "network":
        with pytest.raises(WirelessFMError, match="clean channels"):
            BASELINES[name].run(NOISY, CLEAN.real.flatten(1), 0, 0)


def test_estimators_say_what_they_cannot_do():
    uneven = observe(CLEAN, tones=torch.tensor([0, 1, 5]))
    with pytest.raises(WirelessFMError, match=r"equally spaced.*\[0, 1, 5\]"):
        ls_dft(uneven)
    assert torch.isfinite(torch.view_as_real(omp(uneven))).all()
    with pytest.raises(WirelessFMError, match="fitted on channels of 128 entries, found 4 antennas"):
        predictor = fit_lmmse(NOISY, CLEAN, 0, 0)
        predictor(observe(CLEAN[:, :4]))
    with pytest.raises(WirelessFMError, match="power"):
        fit_lmmse(NOISY[:2], torch.zeros_like(CLEAN[:2]), 0, 0)
    assert math.isfinite(nmse(ls_linear(observe(CLEAN, tones=slice(0, 1))), CLEAN))
