"""WiMAE and ContraWiMAE: tokens, shapes, masking, losses."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.models.wimae import CONFIGS, WiMAE, WiMAEConfig
from wirelessfm.nn.published_masks import complement, wimae_paired
from wirelessfm.objectives.wimae import loss, noisy, nt_xent

SMALL = WiMAEConfig(width=16, encoder_depth=2, encoder_heads=4, decoder_depth=1, decoder_heads=2, hidden=32)
CONTRASTIVE = replace(SMALL, contrastive=(24, 8))
AXES = ("sample", "antenna", "subcarrier")


def small(config: WiMAEConfig = SMALL) -> WiMAE:
    torch.manual_seed(0)
    return WiMAE(config).eval()


def channels(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("patch", "shape"), [((16, 1), (32, 5)), ((1, 16), (3, 48)), ((4, 4), (8, 20)), ((2, 3), (4, 9))]
)
def test_untokenize_inverts_tokenize(patch: tuple[int, int], shape: tuple[int, int]) -> None:
    model, values = small(replace(SMALL, patch=patch)), channels(3, *shape)
    tokens = model.tokenize(values)
    assert tokens.shape[1] == 2 * values[0].numel() // (patch[0] * patch[1])
    assert torch.equal(model.untokenize(tokens, shape), values)


def test_token_order() -> None:
    values = channels(1, 32, 32)
    tokens = small(replace(SMALL, patch=(4, 4))).tokenize(values)[0]
    assert torch.equal(tokens[8 + 2], values.real[0, 4:8, 8:12].flatten())
    assert torch.equal(tokens[64 + 8 + 2], values.imag[0, 4:8, 8:12].flatten())


def test_the_encoder_sees_the_visible_tokens_only_with_their_positions() -> None:
    model = small()
    tokens = model.tokenize(channels(2, 32, 32))
    visible = wimae_paired(2, 128, torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[0, complement(visible, 128)[0]] = 9.0
    encoded = model.encode(tokens, visible)
    assert encoded.shape == (2, 50, 16)
    assert torch.equal(encoded[0], model.encode(changed, visible)[0])
    everything = torch.randperm(128).expand(2, -1)
    assert torch.allclose(model.encode(tokens, everything), model.encode(tokens)[:, everything[0]], atol=1e-5)


def test_reconstruction_puts_tokens_back_in_place() -> None:
    model = small()
    tokens = model.tokenize(channels(2, 32, 32))
    everything = torch.randperm(128).expand(2, -1)
    expected = model.decode(model.encode(tokens), None, 128)
    assert torch.allclose(model.reconstruct(tokens, everything), expected, atol=1e-5)
    assert model.reconstruct(tokens, everything[:, :9]).shape == tokens.shape


def test_published_scaling() -> None:
    scaled = small().scaled(torch.tensor([[[30.7452392578125e-6 + 0j]]]))
    assert scaled.real.item() == pytest.approx((30.7452392578125 - 0.021121172234416008) / 30.7452392578125)
    assert CONFIGS["wimae"].input_scaling == CONFIGS["contrawimae-4x4"].input_scaling


def test_another_input_scaling_is_used_and_checked() -> None:
    scaled = small(replace(SMALL, input_scaling=(1.0, 2.0, -1.0, 4.0))).scaled(torch.tensor([[[5.0 + 7.0j]]]))
    assert scaled.item() == 2 + 2j
    for wrong in ((0.0, 1.0), (0.0, 1.0, 0.0, 0.0), (0.0, 1.0, 0.0, "1")):
        with pytest.raises(WirelessFMError, match="input_scaling is 4 numbers"):
            small(replace(SMALL, input_scaling=wrong))


def test_embeddings_and_shapes() -> None:
    model, given = small(), CSI(channels(3, 32, 32) * 3e-5, AXES)
    assert torch.allclose(model.embed(given), model.embed(given, "tokens", batch_size=1).mean(1), atol=1e-5)
    with pytest.raises(WirelessFMError, match="WiMAE has no cls token"):
        model.embed(given, "cls")
    other = CSI(channels(3, 16, 20), AXES)
    with pytest.raises(WirelessFMError, match="WiMAE takes 32 antennas x 32 subcarriers, found 16 x 20"):
        model.embed(other)
    assert model.embed(other, "tokens", resize="pad").shape == (3, 128, 16)
    assert model.embed(other, "tokens", resize="interpolate").shape == (3, 40, 16)
    with pytest.raises(WirelessFMError, match="found 48 x 20"):
        model.embed(CSI(channels(1, 48, 20), AXES), resize="pad")
    with pytest.raises(WirelessFMError, match="patches of 16 antennas x 1"):
        model.tokenize(channels(1, 20, 3))
    with pytest.raises(WirelessFMError, match="128 positions, found 40 tokens"):
        model.encode(model.tokenize(channels(3, 16, 20)))
    with pytest.raises(WirelessFMError, match="multiple of the heads"):
        WiMAE(replace(SMALL, width=18))


def test_contrastive_vectors_are_unit_and_only_there() -> None:
    model = small(CONTRASTIVE)
    vectors = model.contrast(model.encode(model.tokenize(channels(3, 32, 32))))
    assert torch.allclose(vectors.norm(dim=1), torch.ones(3))
    with pytest.raises(WirelessFMError, match="no contrastive head"):
        small().contrast(torch.zeros(1, 4, 16))


def test_nt_xent_against_a_loop() -> None:
    torch.manual_seed(0)
    a, b = (torch.nn.functional.normalize(torch.randn(4, 6), dim=1) for _ in range(2))
    rows, total = torch.cat([a, b]), 0.0
    for i in range(8):
        others = torch.stack([rows[i] @ rows[j] / 0.2 for j in range(8) if j != i])
        total -= float(rows[i] @ rows[(i + 4) % 8] / 0.2 - others.logsumexp(0))
    assert float(nt_xent(a, b, 0.2)) == pytest.approx(total / 8, rel=1e-5)


def test_noise_has_the_snr_asked_for() -> None:
    values = channels(200, 32, 32)
    noise = noisy(values, torch.Generator().manual_seed(1), (10.0, 10.0)) - values
    assert float(noise.abs().square().mean()) == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("config", [SMALL, CONTRASTIVE])
def test_training_lowers_the_loss_and_reaches_every_parameter(config: WiMAEConfig) -> None:
    model, given = small(config).train(), CSI(channels(8, 1, 32).expand(8, 32, 32) * 3e-5, AXES)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for step in range(30):
        optimiser.zero_grad()
        value = loss(model, given, torch.Generator().manual_seed(step % 3))
        value.backward()
        optimiser.step()
        losses.append(value.item())
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    assert sum(losses[-3:]) < 0.95 * sum(losses[:3])
