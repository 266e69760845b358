"""WiFo: tokens, position code, masks, prediction, loss."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from wirelessfm.csi import CSI
from wirelessfm.embed import embed_csi
from wirelessfm.errors import WirelessFMError
from wirelessfm.models.wifo import CONFIGS, WiFo, WiFoConfig, position_code
from wirelessfm.models.zoo import build_model
from wirelessfm.nn.published_masks import wifo_random, wifo_time
from wirelessfm.objectives.wifo import loss, noisy
from wirelessfm.tasks import get_task

SMALL = WiFoConfig(16, encoder_depth=2, decoder_depth=1, heads=2, patch=(2, 2, 4))
AXES = ("sample", "time", "antenna", "subcarrier")
SHAPE = (8, 4, 12)
AS_IT_IS = replace(SMALL, input_scaling=(0.0, 1.0))


def small(config: WiFoConfig = SMALL) -> WiFo:
    torch.manual_seed(0)
    return WiFo(config).eval()


def channels(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(2, 4, 12), (8, 2, 4), (4, 6, 8)])
def test_untokenize_inverts_tokenize(shape: tuple[int, int, int]) -> None:
    model, values = small(), channels(3, *shape)
    assert torch.equal(model.untokenize(model.tokenize(values), shape), values)


def test_token_order_has_real_and_imaginary_parts_fastest() -> None:
    values = channels(1, *SHAPE)
    token = small().tokenize(values)[0, (1 * 2 + 1) * 3 + 2]
    assert torch.equal(token, torch.view_as_real(values[0, 2:4, 2:4, 8:12]).flatten())


def test_position_code_widths_and_values() -> None:
    for width, third in ((64, 22), (128, 42), (256, 86), (512, 170), (768, 256)):
        code = position_code((2, 3, 4), width)
        assert code.shape == (24, width)
        # At index zero every sine is 0 and every cosine 1.
        expected = [v for w in (third, third, width - 2 * third) for v in [0.0] * (w // 2) + [1.0] * (w // 2)]
        assert code[0].tolist() == expected
    code = position_code((2, 1, 1), 64)
    assert code[1, 3].item() == pytest.approx(torch.sin(torch.tensor(10000.0 ** (-6 / 22))).item())


def test_the_encoder_sees_the_visible_tokens_only() -> None:
    model, tokens = small(), small().tokenize(channels(2, *SHAPE))
    everything = torch.randperm(tokens.shape[1]).expand(2, -1)
    full = model.encode(tokens, shape=SHAPE)
    assert torch.allclose(model.encode(tokens, everything, SHAPE), full[:, everything[0]], atol=1e-5)
    assert model.encode(tokens, everything[:, :5], SHAPE).shape == (2, 5, 16)


def test_time_and_frequency_masks_carry_the_code_of_their_slice_as_released() -> None:
    model, tokens = small(), small().tokenize(channels(2, *SHAPE))
    visible = wifo_time(2, model.grid(SHAPE))
    code = position_code(model.grid(SHAPE), 16)
    x = model.project(tokens[:, :12]) + code[torch.arange(12) // 6]
    expected = model.encoder_norm(model.encoder(x))
    assert torch.allclose(model.encode(tokens, visible, SHAPE, "time"), expected, atol=1e-5)
    assert not torch.allclose(model.encode(tokens, visible, SHAPE), expected, atol=1e-3)


@pytest.mark.parametrize(("along", "axis"), [("time", 1), ("frequency", 3)])
def test_prediction_keeps_the_past_and_never_reads_the_future(along: str, axis: int) -> None:
    model, values = small(), channels(2, 8, 4, 16)
    known = values.shape[axis] // 2
    changed = values.clone()
    changed.narrow(axis, known, known).zero_()
    found = model.predict(values, along)
    assert torch.equal(found, model.predict(changed, along))
    assert torch.equal(found.narrow(axis, 0, known), values.narrow(axis, 0, known))
    assert not torch.equal(found.narrow(axis, known, known), values.narrow(axis, known, known))


def test_embeddings_and_shapes() -> None:
    model, given = small(), CSI(channels(3, *SHAPE) * 5, AXES)
    tokens = model.embed(given, "tokens", batch_size=2)
    assert tokens.shape == (3, 24, 16)
    assert torch.allclose(model.embed(given), tokens.mean(1), atol=1e-5)
    assert torch.allclose(model.embed(CSI(given.values * 100, AXES)), tokens.mean(1), atol=1e-4)
    with pytest.raises(WirelessFMError, match="no cls token"):
        model.embed(given, "cls")
    odd = CSI(channels(3, 8, 3, 10), AXES)
    with pytest.raises(WirelessFMError, match=r"multiples of \(2, 2, 4\) .* found \(8, 3, 10\); use resize='pad'"):
        model.embed(odd)
    assert model.embed(odd, "tokens", resize="pad").shape == (3, 24, 16)
    with pytest.raises(WirelessFMError, match="takes CSI with a time axis"):
        model.embed(CSI(channels(3, 4, 12), ("sample", "antenna", "subcarrier")))


def test_an_embedding_does_not_depend_on_the_batch_it_is_in() -> None:
    given = CSI(channels(6, *SHAPE) * torch.arange(1, 7)[:, None, None, None], AXES)
    whole = embed_csi(small(), given)
    assert torch.allclose(whole, small().embed(given), atol=1e-5)
    assert torch.allclose(embed_csi(small(), given, batch_size=2), whole, atol=1e-5)
    fixed = small(replace(SMALL, input_scaling=(0.0, 2.0)))
    assert torch.allclose(fixed.embed(given)[:1], fixed.embed(given[:1]), atol=1e-5)
    assert torch.allclose(fixed.embed(given), small(AS_IT_IS).embed(replace(given, values=given.values / 2)), atol=1e-5)
    with pytest.raises(WirelessFMError, match="input_scaling is 2 numbers"):
        small(replace(SMALL, input_scaling=(0.0, -1.0)))


def test_wrong_inputs_are_explained() -> None:
    model, tokens = small(), small().tokenize(channels(2, *SHAPE))
    visible = wifo_random(2, 24, torch.Generator())
    for call, message in (
        (lambda: model.encode(tokens), "needs shape="),
        (lambda: model.encode(tokens, shape=(8, 4, 16)), "found 24 tokens"),
        (lambda: model.encode(tokens, visible, SHAPE, "space"), "mask rule 'space'"),
        (lambda: model.predict(channels(2, *SHAPE), "space"), "direction of prediction 'space'"),
        (lambda: model.tokenize(channels(2, 8, 4, 13)), r"found \(8, 4, 13\)"),
        (lambda: model.tokenize(channels(2, 8, 4)), "expected complex values"),
        (lambda: WiFo(WiFoConfig(20)), "multiple of the heads"),
    ):
        with pytest.raises(WirelessFMError, match=message):
            call()


def test_published_sizes_are_the_named_ones() -> None:
    assert {n: c.width for n, c in CONFIGS.items()} == {
        "wifo-tiny": 64,
        "wifo-little": 128,
        "wifo-small": 256,
        "wifo-base": 512,
        "wifo-large": 768,
    }
    assert (CONFIGS["wifo-large"].encoder_depth, CONFIGS["wifo-large"].mlp_ratio) == (8, 4)


def test_noise_power_is_relative_to_the_batch() -> None:
    values = channels(50, *SHAPE) * torch.arange(50)[:, None, None, None]
    noise = noisy(values, torch.Generator().manual_seed(1), 20.0) - values
    ratio = float(noise.abs().square().mean() / values.abs().square().mean())
    assert ratio == pytest.approx(0.01, rel=0.05)
    assert float(noise[:5].abs().square().mean()) == pytest.approx(float(noise[-5:].abs().square().mean()), rel=0.2)


def test_the_loss_of_predicting_nothing_is_the_power() -> None:
    model, values = small(AS_IT_IS), channels(16, *SHAPE)
    for parameter in model.predict_tokens.parameters():
        parameter.data.zero_()
    value = loss(model, CSI(values, AXES), torch.Generator().manual_seed(0), snr_db=None)
    assert value.item() == pytest.approx(float(values.abs().square().mean()), rel=0.05)


def test_training_lowers_the_loss_and_reaches_every_parameter() -> None:
    model, given = small().train(), CSI(channels(8, 1, 1, 12).expand(8, 8, 4, 12), AXES)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for step in range(30):
        optimiser.zero_grad()
        value = loss(model, given, torch.Generator().manual_seed(step % 3))
        value.backward()
        optimiser.step()
        losses.append(value.item())
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    assert sum(losses[-3:]) < 0.8 * sum(losses[:3])


@pytest.mark.parametrize("name", ["predict-time", "predict-frequency"])
def test_prediction_fills_in_what_is_asked_and_reads_nothing_else(name):
    generator = torch.Generator().manual_seed(0)
    values = torch.view_as_complex(torch.randn(6, 8, 4, 8, 2, generator=generator)) * 1e-5
    data = get_task(name).build([CSI(values, ("sample", "time", "antenna", "subcarrier"))])
    model = build_model("wifo-tiny").eval()
    found = model.complete(data.inputs)
    seen = data.inputs.labels["observed"]
    assert torch.allclose(found[seen], data.inputs.values[seen], rtol=1e-4)
    assert bool((found[~seen].abs() > 0).all())
    spoilt = replace(data.inputs, values=torch.where(seen, data.inputs.values, 7.0))
    assert torch.allclose(model.complete(spoilt), found)
    louder = replace(data.inputs, values=data.inputs.values * 100)
    assert torch.allclose(model.complete(louder), 100 * found, rtol=1e-3)
    assert 0 < 10 ** (data.score(found, torch.arange(6))["nmse_db"] / 10) < 10
