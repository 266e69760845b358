from __future__ import annotations

import pytest
import torch

from wirelessfm import WirelessFMError
from wirelessfm.nn.attention import Attention, attend
from wirelessfm.nn.masks import random_mask
from wirelessfm.nn.positions import harmonic_code, octave_code
from wirelessfm.nn.tokens import PatchGrid, patch, unpatch


@pytest.mark.parametrize("grid", [PatchGrid(32, 32, 1, 16), PatchGrid(7, 13, 4, 5), PatchGrid(1, 1, 3, 2)])
def test_unpatch_is_the_inverse_of_patch(grid) -> None:
    values = torch.randn(3, grid.rows, grid.columns, dtype=torch.complex64, generator=torch.Generator().manual_seed(1))
    tokens = patch(values, grid)
    assert tokens.shape == (3, grid.n_tokens, grid.features)
    assert torch.equal(unpatch(tokens, grid), values)


def test_a_token_holds_real_and_imaginary_parts_of_one_patch() -> None:
    values = torch.zeros(1, 4, 4, dtype=torch.complex64)
    values[0, 3, 2] = 5 - 7j
    tokens = patch(values, PatchGrid(4, 4, 2, 2))
    assert tokens[0, 3].tolist() == [0, 0, 5, 0, 0, 0, -7, 0] and float(tokens[0, :3].abs().sum()) == 0


def test_patch_refuses_another_size() -> None:
    with pytest.raises(WirelessFMError, match=r"expected \[sample, 4, 4\], found \[1, 5, 4\]"):
        patch(torch.zeros(1, 5, 4, dtype=torch.complex64), PatchGrid(4, 4, 2, 2))


@pytest.mark.parametrize(("n_tokens", "ratio", "kept"), [(64, 0.75, 16), (7, 0.5, 4), (2, 0.99, 1), (9, 0.001, 8)])
def test_masks_part_the_tokens(n_tokens, ratio, kept) -> None:
    visible, masked = random_mask(5, n_tokens, ratio, torch.Generator().manual_seed(0))
    assert visible.shape == (5, kept)
    assert torch.equal(torch.cat([visible, masked], 1).sort(dim=1).values, torch.arange(n_tokens).expand(5, -1))
    again, _ = random_mask(5, n_tokens, ratio, torch.Generator().manual_seed(0))
    assert torch.equal(visible, again)


def test_masks_are_uniform() -> None:
    visible, _ = random_mask(4000, 8, 0.5, torch.Generator().manual_seed(0))
    share = torch.bincount(visible.flatten(), minlength=8) / 4000
    assert float((share - 0.5).abs().max()) < 0.03


def test_impossible_masks_are_refused() -> None:
    for tokens, ratio in ((4, 0.0), (4, 1.0), (1, 0.5)):
        with pytest.raises(WirelessFMError, match=r"ratio in \(0, 1\)"):
            random_mask(1, tokens, ratio, torch.Generator())


def test_plain_attention_equals_the_fused_kernel() -> None:
    q, k, v = torch.randn(3, 2, 4, 9, 8, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    assert torch.allclose(attend(q, k, v), expected, atol=1e-6)


def test_attention_does_not_care_about_order() -> None:
    layer = Attention(16, 4)
    x, order = torch.randn(2, 7, 16), torch.randperm(7)
    assert torch.allclose(layer(x[:, order]), layer(x)[:, order], atol=1e-6)


@pytest.mark.parametrize("code", [octave_code, harmonic_code])
def test_position_codes_tell_neighbours_apart_and_are_bounded(code) -> None:
    values = code(torch.linspace(-1, 0.97, 64), 6)
    assert values.shape == (64, 12) and float(values.abs().max()) <= 1
    assert float(torch.pdist(values).min()) > 0.1


def test_harmonics_are_the_phases_of_antennas() -> None:
    cosine = torch.tensor([0.3])
    sines, cosines = harmonic_code(cosine, 5)[0].chunk(2)
    phases = torch.pi * 0.3 * torch.arange(1, 6)
    assert torch.allclose(torch.complex(cosines, sines), torch.polar(torch.ones(5), phases), atol=1e-6)
