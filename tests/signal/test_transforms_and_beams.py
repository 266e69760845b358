from __future__ import annotations

import math

import pytest
import torch

from wirelessfm.signal import antenna_autocorrelation, beam_powers, dft_codebook, from_angle_delay, to_angle_delay


@pytest.mark.parametrize("shape", [(3, 8, 5), (2, 7, 12), (1, 1, 1)])
def test_angle_delay_is_unitary_and_inverted(shape) -> None:
    values = torch.randn(shape, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    bins = to_angle_delay(values)
    assert torch.allclose(bins.norm(), values.norm(), rtol=1e-5)
    assert torch.allclose(from_angle_delay(bins), values, atol=1e-5)


def test_a_plane_wave_is_one_angle_bin_and_one_delay_bin() -> None:
    antenna, subcarrier = torch.arange(16), torch.arange(8)
    cosine, delay_bins = 0.25, 3
    wave = torch.exp(1j * math.pi * cosine * antenna)[:, None] * torch.exp(-2j * math.pi * delay_bins / 8 * subcarrier)
    power = to_angle_delay(wave[None]).abs().square()[0]
    assert divmod(int(power.argmax()), 8) == (int(16 * (cosine + 1) / 2), delay_bins)
    assert float(power.max() / power.sum()) > 0.999


def test_every_beam_of_the_sweep_can_win_and_all_are_distinct() -> None:
    book = dft_codebook(32, 64)
    assert torch.allclose(book.norm(dim=1), torch.ones(64))
    best = beam_powers(book[:, :, None], book).argmax(dim=1)
    assert torch.equal(best, torch.arange(64))


def test_beam_powers_by_hand() -> None:
    values = torch.tensor([[[1.0 + 0j, 2.0], [1.0, 2.0]]])
    book = torch.tensor([[1.0 + 0j, 1.0], [1.0, -1.0]]) / math.sqrt(2)
    assert torch.allclose(beam_powers(values, book), torch.tensor([[2.0 + 8.0, 0.0]]), atol=1e-6)


def test_autocorrelation_of_a_plane_wave_is_its_phase_step() -> None:
    wave = torch.polar(torch.ones(6), 0.7 * torch.arange(6.0))[None, :, None].expand(1, 6, 3) * 5j
    expected = torch.polar(torch.ones(5), 0.7 * torch.arange(1.0, 6.0))
    assert torch.allclose(antenna_autocorrelation(wave)[0], expected, atol=1e-5)
    assert torch.equal(antenna_autocorrelation(torch.zeros(1, 4, 2, dtype=torch.complex64)).abs(), torch.zeros(1, 3))
