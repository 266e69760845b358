"""Training views with a time axis: the same users and arrays, moving."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from wirelessfm import Paths, PathsMeta, WirelessFMError
from wirelessfm.data.views import ViewSampler, ViewSpec, doppler_hz

STATIC = ViewSpec(antennas=(4, 8), subcarriers=(6,), noiseless=1.0)
MOVING = replace(STATIC, times=5, interval_s=(2e-3, 2e-3), speed_m_per_s=(10.0, 20.0))
LIGHT = 299_792_458.0


def draw(paths: Paths, spec: ViewSpec, seed: int = 0, n: int = 6):
    return ViewSampler([paths], spec).draw(n, torch.Generator().manual_seed(seed))


def one_path(azimuth: float, elevation: float, carrier_hz: float = 3e9) -> Paths:
    def angle(value: float) -> torch.Tensor:
        return torch.full((1, 1), value)

    return Paths(
        gain=torch.ones(1, 1, dtype=torch.complex64),
        delay_s=angle(1e-7),
        departure_azimuth_rad=angle(0.0),
        departure_elevation_rad=angle(0.0),
        arrival_azimuth_rad=angle(azimuth),
        arrival_elevation_rad=angle(elevation),
        position_m=torch.zeros(1, 3),
        los=torch.ones(1, dtype=torch.int8),
        n_paths=torch.ones(1, dtype=torch.int64),
        meta=PathsMeta(carrier_hz, (0.0, 0.0, 0.0)),
    )


@pytest.mark.parametrize("seed", range(3))
def test_at_time_zero_a_moving_view_is_the_static_one(make_paths, seed: int) -> None:
    still, moving = (draw(make_paths(20, 3), spec, seed) for spec in (STATIC, MOVING))
    assert moving.axes == ("sample", "time", "antenna", "subcarrier") and moving.size("time") == 5
    assert moving.coords["time"].tolist() == pytest.approx([0, 2e-3, 4e-3, 6e-3, 8e-3])
    assert torch.allclose(moving.values[:, 0], still.values, atol=1e-9)
    assert not torch.allclose(moving.values[:, 1], still.values, atol=1e-9)
    assert torch.equal(moving.labels["reference"], still.labels["reference"])


def test_users_that_stand_still_do_not_change(make_paths) -> None:
    view = draw(make_paths(20, 3), replace(MOVING, speed_m_per_s=(0.0, 0.0)))
    assert torch.allclose(view.values, view.values[:, :1].expand_as(view.values), atol=1e-9)


def test_doppler_is_the_speed_of_approach_over_the_wavelength() -> None:
    paths = one_path(azimuth=math.pi / 3, elevation=math.pi / 6)
    towards = torch.tensor([[10 * math.cos(math.pi / 3), 10 * math.sin(math.pi / 3), 0.0]])
    expected = 10 * math.cos(math.pi / 6) * 3e9 / LIGHT
    assert float(doppler_hz(paths, towards)) == pytest.approx(expected, rel=1e-5)
    assert float(doppler_hz(paths, -towards)) == pytest.approx(-expected, rel=1e-5)
    across = torch.tensor([[-math.sin(math.pi / 3), math.cos(math.pi / 3), 0.0]])
    assert float(doppler_hz(paths, across)) == pytest.approx(0, abs=1e-5)
    assert float(doppler_hz(paths, torch.tensor([[0.0, 0.0, 10.0]]))) == pytest.approx(5 * 3e9 / LIGHT, rel=1e-5)


def test_the_phase_of_one_path_turns_at_its_doppler() -> None:
    spec = replace(MOVING, antennas=(1,), subcarriers=(1,), interval_s=(1e-3, 1e-3), reference_antennas=0)
    view = draw(one_path(0.7, 0.2), spec, n=200)
    turned = view.values[:, 1:, 0, 0] * view.values[:, :-1, 0, 0].conj()
    rate_hz = torch.angle(turned) / (2 * math.pi * 1e-3)
    assert torch.allclose(rate_hz, rate_hz[:, :1].expand_as(rate_hz), atol=0.1)
    largest = 20 * math.cos(0.2) * 3e9 / LIGHT
    assert 0.9 * largest < float(rate_hz.max()) <= largest * 1.01 and float(rate_hz.min()) < -0.9 * largest


@pytest.mark.parametrize("wrong", [{"times": -1}, {"interval_s": (0.0, 1e-3)}, {"speed_m_per_s": (3.0, 1.0)}])
def test_impossible_time_axes_are_refused(wrong) -> None:
    with pytest.raises(WirelessFMError, match="times is 0 or"):
        replace(MOVING, **wrong)
