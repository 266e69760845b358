"""The nineteen configurations, against what the paper says of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wirelessfm.data.simulate.wifo_sets import WIFO_SETS


def test_nineteen_distinct_sets_of_twelve_thousand() -> None:
    assert list(WIFO_SETS) == [f"D{i}" for i in range(1, 20)]
    assert len({replace(r, seed=0) for r in WIFO_SETS.values()}) == 19
    assert len({r.seed for r in WIFO_SETS.values()}) == 19
    assert all(r.n_samples == 12_000 for r in WIFO_SETS.values())


def test_sizes_suit_patches_of_four() -> None:
    for name, request in WIFO_SETS.items():
        assert request.n_times % 4 == request.array.size % 4 == request.n_subcarriers % 4 == 0, name


def test_speeds_belong_to_scenarios() -> None:
    km_per_h = {"umi": (3, 50), "uma": (30, 100), "rma": (120, 300), "inh": (0, 10)}
    for name, request in WIFO_SETS.items():
        found = (request.min_speed_m_per_s * 3.6, request.max_speed_m_per_s * 3.6)
        assert found == pytest.approx(km_per_h[request.scenario]), name


def test_two_rows_of_the_table() -> None:
    seven, nineteen = WIFO_SETS["D7"], WIFO_SETS["D19"]
    assert (seven.carrier_hz, seven.n_subcarriers, seven.subcarrier_spacing_hz) == (2.5e9, 32, 360e3)
    assert (seven.n_times, seven.interval_s, seven.n_vertical, seven.n_horizontal) == (16, 5e-4, 4, 8)
    assert (seven.scenario, seven.los) == ("uma", True)
    assert (nineteen.carrier_hz, nineteen.interval_s, nineteen.scenario) == (28e9, 2.5e-4, "uma")
