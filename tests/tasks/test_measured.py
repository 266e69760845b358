"""Tasks on recordings: on small files in the published layouts, and on the recordings where they are at hand."""

from pathlib import Path

import numpy as np
import pytest
import torch

from wirelessfm.adapt import fit_head
from wirelessfm.baselines import BASELINES, raw_features
from wirelessfm.csi import CSI
from wirelessfm.data.leakage import count_leakage
from wirelessfm.errors import WirelessFMError
from wirelessfm.evaluate import evaluate
from wirelessfm.tasks import TASKS, UwbLosTask, WifiLocationTask, get_task

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data"
DAYS, PLACES, PACKETS = (3, 7, 10, 14), 8, 12

MEASURED = [name for name, task in TASKS.items() if task.made_from == "files"]


def wifi_file(folder, n_places=PLACES, seed=0):
    """Packets of a place and day are one channel with noise; a place keeps half of its channel from day to day."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return rng.normal(size=(*shape, 30, 3, 2)) + 1j * rng.normal(size=(*shape, 30, 3, 2))

    mean = draw(n_places)[None] + draw(len(DAYS), n_places)
    turned = np.exp(2j * np.pi * rng.random((len(DAYS), n_places, PACKETS, 1, 1, 1)))
    packets = (mean[:, :, None] * turned + 0.03 * draw(len(DAYS), n_places, PACKETS)).reshape(-1, 30, 3, 2)
    day, place, _ = (a.ravel() for a in np.indices((len(DAYS), n_places, PACKETS)))
    np.savez(
        folder / "csi.npz",
        csi=(15 * np.stack([packets.real, packets.imag], -1)).round().astype(np.int8),
        day=np.array(DAYS, np.int8)[day],
        period=np.ones(len(day), np.int8),
        loc=(place + 1).astype(np.int8),
        timestamp_us=np.arange(len(day), dtype=np.uint32),
        rssi_abc_noise_agc=np.tile(np.array([40, 37, 0, -90, 38], np.int16), (len(day), 1)),
    )
    return folder


def uwb_file(folder, n_positions=8, per_position=15, seed=0):
    """Even positions have a strong first path; amplitudes grow with the accumulated symbols, phases are random."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    n = n_positions * per_position
    position = np.repeat(np.arange(n_positions), per_position)
    los = position % 2 == 0
    shape = rng.normal(size=(n_positions, 40)) + 1j * rng.normal(size=(n_positions, 40))
    taps = np.zeros((n, 260), complex)
    taps[:, 20:60] = shape[position] + 0.1 * rng.normal(size=(n, 40))
    taps[:, 20] = np.where(los, 20.0, 0.5)
    symbols = rng.integers(200, 1000, n)
    taps *= (symbols / 10 * np.exp(2j * np.pi * rng.random(n)))[:, None]
    zeros = np.zeros(n, np.float32)
    np.savez(
        folder / "uwb_cir.npz",
        cir=np.stack([taps.real, taps.imag], -1).round().astype(np.int16),
        label=np.where(los, "LOS", np.where(position % 4 == 1, "NLOS", "NDP NLOS")),
        file_id=position.astype(np.int16), first_path=zeros + 20, preamble_count=symbols.astype(np.int16),
        rx_level_dbm=zeros, fp_level_dbm=zeros, range_median_m=zeros,
        anchor_xy=np.zeros((n, 2), np.float32), tag_xy=np.zeros((n, 2), np.float32),
    )  # fmt: skip
    return folder


def writer(task):
    return wifi_file if "wifi" in task else uwb_file


def recording(name):
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"the recording '{name}' is not beside the repository (../shared/data)")
    return path


def linear_accuracy(data, seed=0, every=1):
    split, features = data.split(seed), raw_features(data.inputs)
    train = split.train[::every]
    scorer = fit_head("linear", features[train], data.truth.labels[train], data.task.n_classes, 0)
    return data.score(scorer(features[split.test]), split.test)["accuracy"]


@pytest.mark.parametrize("name", MEASURED)
def test_every_system_gets_csi_and_no_label(name, tmp_path):
    data = get_task(name).build([writer(name)(tmp_path)])
    assert data.inputs.axes == ("sample", "antenna", "subcarrier") and data.inputs.labels == {}
    index = data.split(0).test
    perfect = torch.nn.functional.one_hot(data.truth.labels, data.task.n_classes).float()[index]
    assert set(data.score(perfect, index).values()) == {1.0} and data.task.metric in data.score(perfect, index)
    for system in BASELINES.values():
        if system.kind == "features" and system.applies_to(data.task.kind):
            features = system.run(data.inputs)
            assert features.shape[0] == len(data) and torch.isfinite(features).all()


@pytest.mark.parametrize("name", MEASURED)
def test_a_file_is_as_good_as_its_folder_and_content_tells_recordings_apart(name, tmp_path):
    folder, other = writer(name)(tmp_path / "a"), writer(name)(tmp_path / "b", seed=1)
    task = get_task(name)
    one, same, changed = (task.build([p]).split(0) for p in (folder, next(folder.iterdir()), other))
    assert one.fingerprint == same.fingerprint != changed.fingerprint


def test_later_days_are_tested_on_the_last_and_trained_on_those_before(tmp_path):
    folder = wifi_file(tmp_path)
    for seed in range(3):
        data = WifiLocationTask(n_tested_days=2).build([folder])
        split = data.split(seed)
        assert set(data.truth.group[split.test].tolist()) == {10, 14}
        assert set(data.truth.group[split.train].tolist()) == {3, 7}


def test_day_out_draws_one_whole_day(tmp_path):
    data = get_task("wifi-location-day-out").build([wifi_file(tmp_path)])
    tested = [set(data.truth.group[data.split(seed).test].tolist()) for seed in range(12)]
    assert all(len(days) == 1 for days in tested) and len({*map(frozenset, tested)}) > 1
    assert len(data.split(0).test) == PLACES * PACKETS


def test_positions_are_never_on_both_sides(tmp_path):
    data = UwbLosTask().build([uwb_file(tmp_path)])
    for seed in range(3):
        split = data.split(seed)
        train, test = (set(data.truth.group[part].tolist()) for part in (split.train, split.test))
        assert train and test and not train & test


@pytest.mark.parametrize("kind", ["wifi-location", "uwb-los"])
def test_only_the_random_split_leaks(kind, tmp_path):
    folder = writer(kind)(tmp_path)
    honest, leaky = (get_task(name).build([folder]) for name in (kind, f"{kind}-random-leaky"))
    counts = [count_leakage(d.inputs, d.split(0), threshold=0.99) for d in (honest, leaky)]
    assert counts[0].near_duplicates == 0 and counts[1].near_duplicates > 0.9 * counts[1].n_test


def test_wifi_power_is_what_the_card_reported(tmp_path):
    data = WifiLocationTask().build([wifi_file(tmp_path)])
    power_dbm = 10 * torch.log10(data.inputs.values.abs().square().mean(dim=(1, 2)))
    expected = 10 * np.log10(10**4.0 + 10**3.7) - 44 - 38
    torch.testing.assert_close(power_dbm, torch.full_like(power_dbm, expected), rtol=0, atol=1e-3)


def test_wifi_phase_is_left_out_or_kept(tmp_path):
    folder = wifi_file(tmp_path)
    plain, phased = (WifiLocationTask(phase=p).build([folder]).inputs.values for p in (False, True))
    assert torch.equal(plain.imag, torch.zeros_like(plain.imag)) and phased.imag.abs().max() > 0
    torch.testing.assert_close(plain.real, phased.abs())


def test_uwb_responses_of_a_position_agree_whatever_the_symbols_and_the_carrier_phase(tmp_path):
    inputs = UwbLosTask().build([uwb_file(tmp_path)]).inputs
    taps = torch.fft.ifft(torch.fft.ifftshift(inputs.tensor("sample subcarrier"), dim=-1), dim=-1)
    strong = taps[:15, 20]
    assert float(strong.abs().std() / strong.abs().mean()) < 0.03 and float(strong.angle().abs().max()) < 0.2
    assert inputs.size("antenna") == 1 and inputs.size("subcarrier") == 128
    assert inputs.coords["subcarrier"][64] == 0


def test_first_path_rule_needs_no_label(tmp_path):
    data = UwbLosTask().build([uwb_file(tmp_path)])
    (row,) = evaluate([data], [BASELINES["first-path-power"]], [1.0], [0], progress=False)
    assert row.metrics["accuracy"] == 1.0 and row.n_labels == 0 and row.notes["measured"] is True
    with pytest.raises(WirelessFMError, match="first_path_tap"):
        BASELINES["first-path-power"].run(CSI(data.inputs.values, data.inputs.axes), 2)


def test_bad_files_are_explained(tmp_path):
    with pytest.raises(WirelessFMError, match="one npz file"):
        WifiLocationTask().build([tmp_path])
    with pytest.raises(WirelessFMError, match="found 2"):
        WifiLocationTask().build([wifi_file(tmp_path / "a"), wifi_file(tmp_path / "b")])
    with pytest.raises(WirelessFMError, match="places 1 … 8"):
        WifiLocationTask().build([wifi_file(tmp_path / "c", n_places=9)])
    with pytest.raises(WirelessFMError, match="cannot test 4 of the 4 days"):
        WifiLocationTask(n_tested_days=4).build([wifi_file(tmp_path / "a")])
    with pytest.raises(WirelessFMError, match="unknown split"):
        WifiLocationTask(split="random")
    with pytest.raises(WirelessFMError, match="n_taps"):
        UwbLosTask(n_taps=300).build([uwb_file(tmp_path / "d")])


def test_published_places_a_later_day_is_harder_than_a_random_packet():
    folder = recording("iwl5300-csi-loc8-polyu")
    later, leaky = (
        linear_accuracy(get_task(n).build([folder]), every=3) for n in ("wifi-location", "wifi-location-random-leaky")
    )
    assert 0.5 < later < 0.9 < 0.98 < leaky


def test_published_line_of_sight_a_new_position_is_harder_than_a_random_response():
    folder = recording("uwb-cir-apartment")
    honest, leaky = (get_task(n).build([folder]) for n in ("uwb-los", "uwb-los-random-leaky"))
    accuracy = np.mean([linear_accuracy(honest, seed, every=3) for seed in range(3)])
    assert 0.75 < accuracy < 0.97 < linear_accuracy(leaky, every=3)
    rule = BASELINES["first-path-power"].run(honest.inputs, 2)
    assert honest.score(rule, torch.arange(len(honest)))["accuracy"] > 0.8
