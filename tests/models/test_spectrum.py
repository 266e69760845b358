from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm import CSI, WirelessFMError
from wirelessfm.baselines.autoregression import autoregression
from wirelessfm.baselines.resolved_estimate import resolved_estimate
from wirelessfm.baselines.resolved_path_rules import best_beam_of_resolved_paths, los_from_resolved_paths
from wirelessfm.baselines.same_sweep_beam import best_same_sweep_beam
from wirelessfm.embed import embed_csi
from wirelessfm.models import completion
from wirelessfm.models.beam_tokens import beam_tokens
from wirelessfm.models.path_expert import read_paths, trust
from wirelessfm.models.seen import read_seen
from wirelessfm.models.series_tokens import N_CELLS, continue_series
from wirelessfm.models.zoo import build_model
from wirelessfm.nn.beams import mirrored_beams
from wirelessfm.signal import OFDM, PlanarArray, add_noise, synthesize
from wirelessfm.signal.codebooks import beam_powers, dft_codebook

SMALL = {"width": 32, "depth": 3}


@pytest.fixture
def model():
    return build_model("wfm-spectrum", SMALL).eval()


@pytest.fixture
def csi() -> CSI:
    return synthesize(make_site(40).sub6.connected(), PlanarArray(8), OFDM(16, 3e5))


@pytest.mark.parametrize(("array", "subcarriers"), [((8, 1), 12), ((5, 1), 7), ((1, 1), 16), ((4, 4), 3), ((48, 1), 2)])
def test_takes_any_array_and_grid(model, make_paths, array, subcarriers) -> None:
    csi = synthesize(make_paths(5, 3).connected(), PlanarArray(*array), OFDM(subcarriers, 1e5))
    assert model.embed(csi).shape == (len(csi), 24 + 62 + 14)
    assert bool(torch.isfinite(embed_csi(model, csi, "tokens")).all())


@pytest.mark.parametrize(
    ("depth", "coarse", "seen"), [(3, 4, [33, 17, 33]), (4, 1, [33, 17, 33, 33]), (2, 4, [33] * 2)]
)
def test_blocks_in_the_middle_see_pairs_of_tokens_unless_there_is_no_order(depth, coarse, seen) -> None:
    model = build_model("wfm-spectrum", {**SMALL, "depth": depth, "coarse_blocks": coarse}).eval()
    found: list[int] = []
    for block in model.blocks:
        block.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0].shape[1]))
    model.embed(synthesize(make_site(5).sub6.connected(), PlanarArray(8), OFDM(16, 3e5)))
    assert found == seen
    found.clear()
    moving = one_wave(PlanarArray(4))
    seen_first = torch.zeros(moving.values.shape, dtype=torch.bool)
    seen_first[:, :6] = True
    model.complete(replace(moving, labels={"observed": seen_first}))
    assert len(found) == depth and len(set(found)) == 1
    with pytest.raises(WirelessFMError, match="coarse_blocks must be at least 0, found -1"):
        build_model("wfm-spectrum", {"coarse_blocks": -1})


@pytest.mark.parametrize("subcarriers", [[0, 1, 5, 6, 11], [0, 3, 4, 9, 10, 15], [2, 9]])
def test_delays_are_read_off_neighbouring_subcarriers_however_they_are_spread(subcarriers) -> None:
    """With pilots anywhere, the delay of a single path is that of its phase slope."""
    paths = make_site(30, n_reflections=0).sub6.connected()
    csi = synthesize(paths, PlanarArray(4), OFDM(16, 2e5))
    seen = torch.zeros(csi.values.shape, dtype=torch.bool)
    seen[..., subcarriers] = True
    found = beam_tokens(read_seen(replace(csi, labels={"observed": seen}))).summary
    whole = beam_tokens(read_seen(csi)).summary
    gap = min(b - a for a, b in itertools.pairwise(subcarriers))
    unambiguous = paths.delay_s[:, 0] < 0.9 / (gap * 2e5)
    assert unambiguous.sum() > 5
    assert torch.allclose(found[unambiguous, 1:3], whole[unambiguous, 1:3], atol=1e-2)


def test_takes_a_single_subcarrier_and_a_time_axis(model, make_paths) -> None:
    times = torch.arange(4) * 1e-3
    moving = synthesize(make_paths(6, 3, doppler=True).connected(), PlanarArray(4), OFDM(1, 1e5), times_s=times)
    assert model.embed(moving).shape == (len(moving), 24 + 62 + 14)


def test_embedding_ignores_global_phase_but_not_power(model, csi) -> None:
    base = model.embed(csi)
    assert torch.allclose(model.embed(replace(csi, values=csi.values * complex(0.6, 0.8))), base, atol=1e-3)
    assert not torch.allclose(model.embed(replace(csi, values=csi.values * 10)), base, atol=1e-2)
    assert torch.allclose(model.embed(csi.normalise()), base, atol=1e-3)


def test_antennas_may_come_in_any_order(model, csi) -> None:
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    coords = {**csi.coords, "antenna": csi.coords["antenna"][order]}
    shuffled = CSI(csi.values[:, order], csi.axes, coords, meta=csi.meta)
    assert torch.allclose(model.embed(shuffled), model.embed(csi), atol=1e-3)


@pytest.mark.parametrize("antennas", [4, 8, 32])
def test_without_an_opinion_of_its_own_it_is_a_beam_sweep(antennas) -> None:
    model = build_model("wfm-spectrum", SMALL).eval()
    for parameter in model.predict_beam.parameters():
        torch.nn.init.zeros_(parameter)
    csi = synthesize(make_site(40).sub6.connected(), PlanarArray(antennas), OFDM(16, 3e5))
    alone = model.predict_beams(csi, resolve=False)
    assert torch.equal(alone.argmax(dim=1), best_same_sweep_beam(csi, 64).argmax(dim=1))


def test_paths_that_leave_nothing_open_outvote_the_network(model) -> None:
    """Random weights know nothing, and few antennas see little: what is right comes from the paths."""
    csi = synthesize(make_site(60).sub6.connected(), PlanarArray(4), OFDM(32, 30e3))
    said, alone = model.predict_beams(csi), model.predict_beams(csi, resolve=False)
    rule = best_beam_of_resolved_paths(csi, 64)
    agree, differ = (float((x.argmax(dim=1) == rule.argmax(dim=1)).double().mean()) for x in (said, alone))
    assert agree > 0.85 > 0.7 > differ
    los = model.predict_los(csi) > 0
    assert float((los == (los_from_resolved_paths(csi).argmax(dim=1) > 0)).double().mean()) > 0.95
    noisy = replace(csi, values=add_noise(csi.values, 10.0, torch.Generator().manual_seed(0)))
    trusts = [float(trust(read_paths(read_seen(each))).median()) for each in (csi, noisy)]
    assert trusts[0] > 10 and trusts[1] < 1.1


@pytest.mark.parametrize("carrier_hz", [3.5e9, 28e9])
def test_paths_interfere_at_the_carrier_that_is_asked_for(model, carrier_hz) -> None:
    """Of 12 antennas that are not the middle of the 32 whose beams are asked for."""
    csi = synthesize(make_site(60).sub6.connected(), PlanarArray(32), OFDM(32, 30e3)).isel(antenna=slice(0, 12))
    asked = csi.asked_at(carrier_hz)
    said, plain = model.predict_beams(asked), model.predict_beams(csi)
    rules = [best_beam_of_resolved_paths(each, 64).argmax(dim=1) for each in (asked, csi)]
    assert float((said.argmax(dim=1) == rules[0]).double().mean()) > 0.9
    assert float((said.argmax(dim=1) != plain.argmax(dim=1)).double().mean()) > 0.03
    unknown = replace(asked, meta=replace(asked.meta, carrier_hz=None))
    assert torch.equal(model.predict_beams(unknown).argmax(dim=1), plain.argmax(dim=1))


def test_the_same_band_is_that_of_the_csi(model) -> None:
    csi = synthesize(make_site(60).sub6.connected(), PlanarArray(8), OFDM(32, 30e3))
    said = model.predict_same_band_beams(csi)
    assert torch.equal(said, model.predict_same_band_beams(csi.asked_at(28e9)))
    rule = best_beam_of_resolved_paths(csi.asked_at(csi.meta.carrier_hz), 64)
    assert float((said.argmax(dim=1) == rule.argmax(dim=1)).double().mean()) > 0.9


def test_where_paths_cannot_be_resolved_the_network_speaks_alone(model, make_paths) -> None:
    users = make_paths(5, 3, doppler=True).connected()
    planar = synthesize(users, PlanarArray(4, 2), OFDM(16, 3e5))
    moving = synthesize(users, PlanarArray(4), OFDM(16, 3e5), times_s=torch.arange(3) * 1e-3)
    single = synthesize(users, PlanarArray(1), OFDM(16, 3e5))
    one_tone = synthesize(users, PlanarArray(4), OFDM(1, 3e5))
    for csi in (planar, moving, single, one_tone):
        assert not model.embed(csi, "paths")[:, 62:].any()
        assert torch.equal(model.predict_los(csi), model.predict_los(csi, resolve=False))
        assert torch.equal(model.predict_beams(csi), model.predict_beams(csi, resolve=False))


def test_a_silent_user_changes_nothing_for_the_others(model, csi) -> None:
    silent = replace(csi, values=csi.values.clone())
    silent.values[0] = 0
    assert torch.allclose(model.embed(silent)[1:], model.embed(csi)[1:], atol=1e-3)
    assert not model.embed(silent, "paths")[0, 62:].any() and bool(torch.isfinite(model.embed(silent)).all())
    assert float(model.predict_los(silent)[0].detach()) == float(
        model.predict_los(silent, resolve=False)[0].detach().clamp(-4, 4)
    )


def test_power_that_is_no_path_gain_says_nothing_of_a_line_of_sight(model, csi) -> None:
    loud = replace(csi, values=csi.values * 1e6)
    assert torch.allclose(model.predict_los(loud), model.predict_los(loud, resolve=False).clamp(-4, 4), atol=1e-5)


def test_the_best_beam_in_the_mirror_is_the_mirrored_beam(model, csi) -> None:
    mirrored = replace(csi, values=csi.values.flip(1))
    expected = beam_powers(csi.values, dft_codebook(8, 64))
    assert torch.allclose(mirrored_beams(beam_powers(mirrored.values, dft_codebook(8, 64))), expected, rtol=1e-4)
    answers = model.predict_beams(csi)
    assert torch.allclose(model.predict_beams(mirrored), mirrored_beams(answers), atol=1e-3)
    assert not torch.allclose(answers, mirrored_beams(answers), atol=0.1)


def test_where_the_array_is_does_not_matter(model, csi) -> None:
    """The first antennas of a larger array are a small one."""
    small = synthesize(make_site(40).sub6.connected(), PlanarArray(8), OFDM(16, 3e5))
    moved = replace(small, coords={**small.coords, "antenna": small.coords["antenna"] + 3.0})
    assert torch.allclose(model.embed(moved), model.embed(small), atol=1e-3)
    assert torch.allclose(model.predict_beams(moved), model.predict_beams(small), atol=1e-2)


def test_a_linear_array_is_assumed_where_positions_are_missing(model, csi) -> None:
    bare = replace(csi, coords={"subcarrier": csi.coords["subcarrier"]})
    assert torch.allclose(model.embed(bare), model.embed(csi), atol=1e-4)


def pilots(csi: CSI, every: int, snr_db: float) -> CSI:
    seen = torch.zeros(csi.values.shape, dtype=torch.bool)
    seen[:, :, ::every] = True
    noise = csi.values.abs().square().mean(dim=(1, 2)) * 10 ** (-snr_db / 10)
    values = torch.where(seen, add_noise(csi.values, snr_db, torch.Generator().manual_seed(0)), 0)
    return replace(csi, values=values, labels={"observed": seen, "noise_power": noise})


def nmse(found, wanted) -> float:
    dims = tuple(range(1, found.dim()))
    return float(((found - wanted).abs().square().sum(dims) / wanted.abs().square().sum(dims)).mean().detach())


def test_completion_beats_the_noise_and_keeps_the_scale(model, csi) -> None:
    """Random weights: the matched filter and the Gaussian estimate alone."""
    observed = pilots(csi, 1, 0.0)
    assert nmse(model.complete(observed), csi.values) < 0.6 < nmse(observed.values, csi.values)
    louder = replace(
        observed,
        values=observed.values * 1e3,
        labels={"observed": observed.labels["observed"], "noise_power": observed.labels["noise_power"] * 1e6},
    )
    assert nmse(model.complete(louder), csi.values * 1e3) < 0.6


def test_completion_does_not_read_what_is_not_observed(model, csi) -> None:
    observed = pilots(csi, 2, 20.0)
    spoilt = replace(observed, values=torch.where(observed.labels["observed"], observed.values, 7.0))
    assert torch.equal(model.complete(spoilt), model.complete(observed))
    assert torch.allclose(model.embed(spoilt), model.embed(observed), atol=1e-5)


def one_wave(array: PlanarArray, n_times: int = 12) -> CSI:
    """Users with one path, moving: lines in every domain."""
    site = make_site(20, n_reflections=0).sub6.connected()
    moving = replace(site, doppler_hz=torch.linspace(-200, 200, len(site))[:, None].repeat(1, site.gain.shape[1]))
    return synthesize(moving, array, OFDM(16, 3e5), times_s=torch.arange(n_times, dtype=torch.float64) * 5e-4)


@pytest.mark.parametrize(("dim", "known"), [(1, 8), (3, 10)])
@pytest.mark.parametrize("array", [PlanarArray(4), PlanarArray(4, 2)])
def test_a_wave_is_continued(model, dim, known, array) -> None:
    clean = one_wave(array)
    seen = torch.zeros(clean.values.shape, dtype=torch.bool)
    seen.narrow(dim, 0, known).fill_(True)
    labels = {"observed": seen, "noise_power": torch.zeros(len(clean))}
    found = model.complete(replace(clean, values=torch.where(seen, clean.values, 0), labels=labels))
    n = clean.values.shape[dim] - known
    asked, wanted = (v.narrow(dim, known, n) for v in (found, clean.values))
    assert nmse(asked, wanted) < 0.5
    assert torch.allclose(found.narrow(dim, 0, known), clean.values.narrow(dim, 0, known), rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize(("axis", "dim", "known"), [("time", 1, 8), ("subcarrier", 3, 10)])
def test_a_continuation_listens_to_an_autoregression_too(model, axis, dim, known) -> None:
    clean = one_wave(PlanarArray(4))
    seen = torch.zeros(clean.values.shape, dtype=torch.bool)
    seen.narrow(dim, 0, known).fill_(True)
    observed = replace(clean, values=torch.where(seen, clean.values, 0), labels={"observed": seen})
    n = clean.values.shape[dim] - known
    own, other = model.continue_csi(observed), autoregression(observed).narrow(dim, known, n)
    assert nmse(other, own) > 1e-4, f"continued along {axis}, both say the same, so that nothing is tested"
    assert nmse(model.complete(observed).narrow(dim, known, n), 0.6 * own + 0.4 * other) < 1e-6


@pytest.mark.parametrize("known", [100, 120, 150, 300])
def test_long_series_are_continued_as_well_as_short_ones(known) -> None:
    """Three lines, their spectrum given: more than N_CELLS entries are nothing special."""
    cells, entries = torch.tensor([5, 40, 99]), torch.arange(known + 20)
    lines = torch.exp(2j * torch.pi * cells[:, None] * entries / N_CELLS).sum(dim=0)[None]
    spectrum = torch.zeros(1, N_CELLS).index_fill(1, cells, 1.0)
    found = continue_series(lines[:, :known].to(torch.complex64), spectrum, torch.full((1,), 1e-4), 20)
    assert nmse(found, lines[:, known:]) < 1e-2


def test_more_entries_than_cells_are_known(model) -> None:
    clean = one_wave(PlanarArray(2), n_times=1)
    many = synthesize(make_site(20, n_reflections=0).sub6.connected(), PlanarArray(2), OFDM(300, 1e5))
    values = many.values[:, None]
    seen = torch.zeros(values.shape, dtype=torch.bool)
    seen[..., :280] = True
    labels = {"observed": seen, "noise_power": torch.zeros(len(values))}
    whole = CSI(torch.where(seen, values, 0), clean.axes, many.coords, labels, meta=many.meta)
    assert nmse(model.complete(whole)[..., 280:], values[..., 280:]) < 0.1


def test_observed_entries_follow_the_order_of_the_axes(model, csi) -> None:
    observed = pilots(csi, 2, 20.0)
    turned = replace(
        observed,
        values=observed.values.transpose(1, 2),
        axes=("sample", "subcarrier", "antenna"),
        labels={**observed.labels, "observed": observed.labels["observed"].transpose(1, 2)},
    )
    assert torch.allclose(model.embed(turned), model.embed(observed), atol=1e-5)
    with pytest.raises(WirelessFMError, match="bring the axes"):
        model.complete(turned)


@pytest.mark.parametrize("moving", [False, True])
def test_normalisation_is_undone_in_what_is_completed(model, csi, moving) -> None:
    if moving:
        clean = one_wave(PlanarArray(4))
        seen = torch.zeros(clean.values.shape, dtype=torch.bool)
        seen[:, :8] = True
        observed = replace(clean, labels={"observed": seen})
    else:
        observed = replace(pilots(csi, 2, 20.0), labels={"observed": pilots(csi, 2, 20.0).labels["observed"]})
    wanted = model.complete(observed)
    assert nmse(model.complete(observed.normalise()), wanted) < 1e-3


def test_training_and_evaluation_mode_say_the_same(model, csi) -> None:
    alone = model.embed(csi, "summary+beams"), model.predict_beams(csi, resolve=False)
    evaluated = model.embed(csi), model.predict_beams(csi)
    trained = model.train().embed(csi), model.predict_beams(csi)
    trained_alone = model.embed(csi, "summary+beams"), model.predict_beams(csi, resolve=False)
    assert all(torch.equal(*pair) for pair in zip(alone, trained_alone, strict=True))
    assert all(torch.equal(*pair) for pair in zip(evaluated, trained, strict=True))


def test_what_it_refuses(model, csi) -> None:
    with pytest.raises(WirelessFMError, match="at least one sample"):
        model.complete(pilots(csi, 2, 10.0)[:0])
    with pytest.raises(WirelessFMError, match="must be bool"):
        model.complete(replace(csi, labels={"observed": torch.ones(csi.values.shape)}))
    with pytest.raises(WirelessFMError, match="beams_per_token must be at least 1"):
        build_model("wfm-spectrum", {**SMALL, "beams_per_token": 0})
    with pytest.raises(WirelessFMError, match="frequencies"):
        model.embed(CSI(csi.values, csi.axes))
    with pytest.raises(WirelessFMError, match="pooling"):
        model.embed(csi, "max")
    ragged = pilots(csi, 2, 10.0)
    ragged.labels["observed"][0, 0, 0] = False
    with pytest.raises(WirelessFMError, match="same observed"):
        model.complete(ragged)


@pytest.mark.parametrize(("size", "parameters"), [("-100k", 1e5), ("-300k", 3e5), ("", 7.7e5), ("-3m", 3e6)])
def test_sizes_are_what_they_are_called(size, parameters) -> None:
    model = build_model(f"wfm-spectrum{size}")
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(parameters, rel=0.1)


def test_the_spectrum_follows_the_estimate_farther_where_everything_is_observed(model, csi, monkeypatch) -> None:
    monkeypatch.setattr(completion, "_resolved", lambda seen: None)
    power = csi.values.abs().square().mean(dim=(1, 2))
    noisy = add_noise(csi.values, 30.0, torch.Generator().manual_seed(0))

    def errors(seen: torch.Tensor) -> list[float]:
        labels = {"observed": seen.expand_as(noisy), "noise_power": power / 1e3}
        asked = replace(csi, values=torch.where(seen, noisy, 0), labels=labels)
        found = []
        for times in (1, 4):
            monkeypatch.setattr(completion, "_OF_EVERYTHING", times)
            found.append(nmse(model.complete(asked), csi.values))
        return found

    once, often = errors(torch.ones(16, dtype=torch.bool))
    assert often < 0.8 * once and once < 1e-3
    once, often = errors(torch.arange(16) % 4 == 0)
    assert once == often


def test_waves_count_the_more_the_less_noise_and_alone_without_any(model, monkeypatch) -> None:
    csi = synthesize(make_site(40).sub6.connected(), PlanarArray(16), OFDM(16, 3e5))
    seen = torch.zeros(csi.values.shape, dtype=torch.bool)
    seen[:, :12] = True
    power = csi.values.abs().square().mean(dim=(1, 2))
    quiet = replace(csi, values=torch.where(seen, csi.values, 0), labels={"observed": seen, "noise_power": 0 * power})
    assert float(error_of(model.complete(quiet), csi.values).median()) < 1e-6
    for snr_db, about in ((0.0, 0.405), (20.0, 0.575)):
        noisy = add_noise(csi.values, snr_db, torch.Generator().manual_seed(0))
        labels = {"observed": seen, "noise_power": power * 10 ** (-snr_db / 10)}
        loud = replace(csi, values=torch.where(seen, noisy, 0), labels=labels)
        waves, both = resolved_estimate(loud), model.complete(loud)
        with monkeypatch.context() as changed:
            changed.setattr(completion, "_resolved", lambda seen: None)
            alone = model.complete(loud)
        away = (waves - alone).flatten(1)
        counts = ((both - alone).flatten(1) * away.conj()).sum(dim=1).real / away.abs().square().sum(dim=1)
        assert float(counts.median()) == pytest.approx(about, abs=0.03)
        assert torch.allclose(
            both, alone + counts[:, None, None] * (waves - alone), atol=1e-3 * float(power.sqrt().max())
        )


@pytest.mark.parametrize("axis", [1, 2])
def test_estimates_do_not_depend_on_the_order_of_entries(model, csi, axis) -> None:
    observed = pilots(csi, 2, 10.0)
    name = observed.axes[axis]
    turned = observed.isel(**{name: torch.arange(observed.size(name)).flip(0)})
    turned = replace(turned, labels={**turned.labels, "observed": observed.labels["observed"].flip(axis)})
    assert nmse(model.complete(turned).flip(axis), model.complete(observed)) < 1e-5


def test_far_beyond_what_was_observed_waves_count_little_in_noise(model, monkeypatch) -> None:
    csi = synthesize(make_site(100).sub6.connected(), PlanarArray(16), OFDM(8, 30e3))
    seen = torch.zeros(csi.values.shape, dtype=torch.bool)
    seen[:, :2] = True
    power = csi.values.abs().square().mean(dim=(1, 2))
    noisy = add_noise(csi.values, 0.0, torch.Generator().manual_seed(0))
    asked = replace(csi, values=torch.where(seen, noisy, 0), labels={"observed": seen, "noise_power": power})
    both, waves = error_of(model.complete(asked), csi.values), error_of(resolved_estimate(asked), csi.values)
    assert float(waves.mean()) > 1.5 and float(both.mean()) < 1.1


def test_where_directions_are_ambiguous_the_network_estimates_alone(model, monkeypatch) -> None:
    csi = synthesize(make_site(20).sub6.connected(), PlanarArray(16), OFDM(16, 3e5))
    seen = torch.zeros(csi.values.shape, dtype=torch.bool)
    seen[:, ::4] = True
    asked = replace(csi, values=torch.where(seen, csi.values, 0), labels={"observed": seen})
    found = model.complete(asked)
    monkeypatch.setattr(completion, "_resolved", lambda seen: None)
    assert torch.equal(found, model.complete(asked))


def error_of(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return (found - wanted).abs().square().sum(dim=(1, 2)) / wanted.abs().square().sum(dim=(1, 2))
