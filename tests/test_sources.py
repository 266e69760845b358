"""Generalisation cases from names: what varies, and what is refused before anything is computed."""

from __future__ import annotations

import pytest
import torch

from wirelessfm import sources
from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.data import corpus
from wirelessfm.errors import WirelessFMError
from wirelessfm.sources import city_cases, city_data, simulated_cases


def test_turned_arrays_see_the_same_users_another_way() -> None:
    (data,) = city_cases(["los"], ["florence"], "2", max_users=20, factor="array")
    (alone,) = city_data(["los"], ["florence"], max_users=20)
    standing, turned = (data.truth.domain == i for i in (0, 1))
    assert torch.equal(data.inputs.values[standing], alone.inputs.values)
    assert torch.equal(data.truth.labels[standing], data.truth.labels[turned])
    assert not torch.allclose(data.inputs.values[standing], data.inputs.values[turned])
    split = data.split(0)
    assert bool(standing[split.test].all()) and bool(turned[split.train].all())
    assert data.notes["factor"] == "array"


def test_carriers_of_one_place() -> None:
    (data,) = city_cases(["los"], ["florence"], "3", max_users=20, factor="carrier")
    assert data.inputs.meta.carrier_hz is None and data.notes["domain"] == "3.5 GHz"


def test_speed_is_a_factor_of_simulated_sets(monkeypatch) -> None:
    asked = []

    def drawn(request):
        asked.append(request)
        generator = torch.Generator().manual_seed(len(asked))
        values = torch.view_as_complex(torch.randn(12, 16, 4, 8, 2, generator=generator))
        meta = CSIMeta(request.carrier_hz)
        return CSI(values, ("sample", "time", "antenna", "subcarrier"), meta=meta)

    monkeypatch.setattr(sources, "simulate", drawn)
    (data,) = simulated_cases(["predict-time"], ["D17"], 12, "2", factor="speed")
    slow, fast = asked
    assert fast.max_speed_m_per_s == pytest.approx(3 * slow.max_speed_m_per_s)
    assert (fast.n_times, fast.carrier_hz) == (slow.n_times, slow.carrier_hz)
    split = data.split(0)
    assert set(data.truth.domain[split.test].tolist()) == {0} and set(data.truth.domain[split.train].tolist()) == {1}


def test_wrong_factors_are_refused() -> None:
    with pytest.raises(WirelessFMError, match="Known: array, carrier, city"):
        city_cases(["los"], ["florence"], "2", factor="speed")
    with pytest.raises(WirelessFMError, match="Known: scenario, speed"):
        simulated_cases(["predict-time"], ["D1"], 5, "2", factor="array")
    with pytest.raises(WirelessFMError, match="at least two different domains"):
        simulated_cases(["predict-time"], ["D1"], 5, "2")


def test_cities_of_another_folder(tmp_path) -> None:
    for carrier in ("3.5", "28"):
        corpus.load(f"florence-bs1-{carrier}GHz")[:200].save(tmp_path / f"elsewhere-bs0-{carrier}GHz")
    (data,) = city_data(["beam-64-antennas-8"], ["elsewhere"], root=tmp_path)
    assert 0 < len(data) <= 200
    with pytest.raises(WirelessFMError, match=r"unknown scene 'florence'.*Known: elsewhere"):
        city_data(["los"], ["florence"], root=tmp_path)


def test_a_city_at_one_carrier_serves_the_tasks_that_need_no_other(tmp_path) -> None:
    corpus.load("florence-bs1-3.5GHz")[:200].save(tmp_path / "elsewhere-bs0-3.5GHz")
    (data,) = city_data(["los"], ["elsewhere"], root=tmp_path)
    assert 0 < len(data) <= 200
    with pytest.raises(WirelessFMError, match=r"needs a millimetre-wave carrier.*second --carrier-hz"):
        city_data(["beam-64-antennas-8"], ["elsewhere"], root=tmp_path)
