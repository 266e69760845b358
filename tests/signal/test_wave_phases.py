"""Phases of waves at another place: exact without noise, of no use where noise leaves too much open."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from wirelessfm.signal.wave_fit import Waves, fit_waves
from wirelessfm.signal.wave_phases import _phase_covariance, expected_products

SHAPE = (8, 16)


def two_waves(rest: float, apart: float = 0.2) -> Waves:
    rows = torch.tensor([[0.1, 0.1 + apart]], dtype=torch.float64)
    columns = torch.tensor([[-0.02, -0.05]], dtype=torch.float64)
    gain = torch.tensor([[1.0 + 0.5j, -0.7j]], dtype=torch.complex128)
    return Waves(rows, columns, gain, torch.full((1,), rest, dtype=torch.float64))


def entries(waves: Waves, place: tuple[float, float]) -> Tensor:
    """Of each wave there."""
    angle = 2 * math.pi * (place[0] * waves.rows + place[1] * waves.columns)
    return waves.gain * torch.polar(torch.ones_like(angle), angle)


@pytest.mark.parametrize("place", [(0.0, 0.0), (3.5, -7.5), (-40.0, 8e5)])
def test_without_noise_waves_interfere_as_their_phases_say(place: tuple[float, float]) -> None:
    waves = two_waves(0.0)
    there = entries(waves, place)
    expected = there[:, :, None] * there[:, None].conj()
    assert torch.allclose(expected_products(waves, SHAPE, place), expected, atol=1e-9)


def test_far_off_in_noise_powers_are_all_that_is_left() -> None:
    waves = two_waves(1e-3)
    products = expected_products(waves, SHAPE, (0.0, 1e6))[0]
    assert torch.allclose(products.diagonal().real, waves.gain[0].abs().square())
    assert float(products[0, 1].abs()) < 1e-9
    near = expected_products(waves, SHAPE, (0.0, 0.0))[0]
    assert float(near[0, 1].abs()) > 0.99 * float(waves.gain[0].abs().prod())


def test_the_farther_the_less_is_known_and_never_a_negative_power() -> None:
    waves = two_waves(1e-4, apart=0.03)
    products = [expected_products(waves, SHAPE, (0.0, columns))[0] for columns in (0.0, 300.0, 1000.0, 3000.0)]
    kept = [float(each[0, 1].abs()) for each in products]
    assert kept == sorted(kept, reverse=True) and kept[-1] < kept[0] / 2
    assert all(float(torch.linalg.eigvalsh(each).min()) > -1e-12 for each in products)


def test_phases_are_the_less_known_the_more_noise_and_not_at_all_where_waves_fit_anything() -> None:
    own = [float(_phase_covariance(two_waves(rest), SHAPE, (0.0, 0.0))[0, 0, 0]) for rest in (0.1, 1.0, 10.0, 100.0)]
    assert all(more == pytest.approx(10 * less) for less, more in pairwise(own))
    anything = expected_products(two_waves(0.0), (1, 4), (0.0, 1e3))[0]
    assert float(anything[0, 1].abs()) < 1e-6


def test_phases_are_as_uncertain_as_fits_to_noise_are() -> None:
    """The variance over 400 draws of noise, of each phase and of their difference, at the middle and far from it."""
    true, generator = two_waves(0.0), torch.Generator().manual_seed(0)
    noise = 0.05 * torch.randn(400, *SHAPE, dtype=torch.complex128, generator=generator)
    values = true.on_grid(*SHAPE) + noise
    start = (each.expand(400, -1) for each in (true.rows, true.columns))
    found = fit_waves(values, *start, torch.full((400,), 1e-12).double(), 30)
    for place in ((0.0, 0.0), (2.0, 12.0)):
        off = (entries(found, place) / entries(true, place)).angle()
        expected = _phase_covariance(two_waves(0.05**2 * (1 - 8 / (2 * 8 * 16))), SHAPE, place)[0]
        measured = off.T.cov()
        assert torch.allclose(measured.diagonal(), expected.diagonal(), rtol=0.25)
        apart = expected[0, 0] + expected[1, 1] - 2 * expected[0, 1]
        assert torch.allclose((off[:, 0] - off[:, 1]).var(), apart, rtol=0.25)


def test_waves_that_are_missing_or_cannot_be_told_apart_stay_finite() -> None:
    waves = two_waves(1e-6, apart=0.0)
    same = Waves(waves.rows, torch.full_like(waves.columns, -0.02), waves.gain, waves.rest)
    assert bool(torch.isfinite(torch.view_as_real(expected_products(same, SHAPE, (0.0, 1e6)))).all())
    none = Waves(*(torch.zeros_like(each) for each in (waves.rows, waves.columns, waves.gain, waves.rest)))
    assert not expected_products(none, SHAPE, (0.0, 1e6)).any()
