"""LWM 1.0 and 1.1: tokens, shapes, masking, loss."""

from __future__ import annotations

import pytest
import torch

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.models.lwm import INPUT_SCALE, LWM, LWMConfig, UnbiasedNorm
from wirelessfm.objectives.lwm import loss

SMALL = {"width": 16, "depth": 2, "heads": 3, "head_dim": 5, "hidden": 32}


def small(release: str = "1.0") -> LWM:
    torch.manual_seed(0)
    extra = {"patch": (4, 4), "positions": 65} if release == "1.1" else {}
    return LWM(LWMConfig(**SMALL, **extra, release=release)).eval()  # type: ignore[arg-type]


def channels(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.complex64, generator=torch.Generator().manual_seed(seed))


def csi(*shape: int) -> CSI:
    return CSI(channels(*shape) / INPUT_SCALE, ("sample", "antenna", "subcarrier"))


@pytest.mark.parametrize(
    ("release", "shape"), [("1.0", (8, 64)), ("1.0", (3, 16)), ("1.1", (8, 20)), ("1.1", (7, 13)), ("1.1", (1, 2))]
)
def test_untokenize_inverts_tokenize(release: str, shape: tuple[int, int]) -> None:
    values, model = channels(3, *shape), small(release)
    assert torch.equal(model.untokenize(model.tokenize(values), shape), values)


def test_token_order() -> None:
    values = channels(1, 32, 32)
    first, second = small("1.0").tokenize(values)[0], small("1.1").tokenize(values)[0]
    assert torch.equal(first[3], values.real[0, 1, 16:]) and torch.equal(first[67], values.imag[0, 1, 16:])
    block = torch.view_as_real(values[0, 4:8, 8:12]).reshape(4, 8)
    assert torch.equal(second[8 + 2], block.flatten())


def test_embeddings_of_every_pooling_agree() -> None:
    model, given = small(), csi(5, 32, 32)
    tokens = model.embed(given, "tokens", batch_size=2)
    hidden = model.encode(model.tokenize(given.values * INPUT_SCALE))
    assert torch.allclose(tokens, hidden[:, 1:], atol=1e-5) and tokens.shape == (5, 128, 16)
    assert torch.allclose(model.embed(given, "mean"), tokens.mean(1), atol=1e-5)
    assert torch.allclose(model.embed(given, "cls"), hidden[:, 0], atol=1e-5)


def test_the_published_scaling_undoes_a_recorded_normalisation() -> None:
    model, given = small(), csi(3, 32, 32)
    assert torch.allclose(model.embed(given.normalise()), model.embed(given), atol=1e-4)
    unscaled = CSI(given.values * INPUT_SCALE, given.axes)
    assert torch.allclose(model.embed(unscaled, scaling="none"), model.embed(given), atol=1e-4)


def test_other_shapes_are_refused_unless_asked_for() -> None:
    model = small()
    with pytest.raises(WirelessFMError, match=r"LWM 1\.0 takes 32 antennas x 32 subcarriers, found 8 x 16"):
        model.embed(csi(2, 8, 16))
    padded = torch.zeros(2, 32, 32, dtype=torch.complex64)
    padded[:, :8, :16] = csi(2, 8, 16).values
    expected = model.embed(CSI(padded, ("sample", "antenna", "subcarrier")))
    assert torch.allclose(model.embed(csi(2, 8, 16), resize="pad"), expected, atol=1e-5)
    assert model.embed(csi(2, 64, 48), "tokens", resize="interpolate").shape == (2, 2 * 64 * 3, 16)
    for shape, resize in (((64, 32), "pad"), ((32, 20), "interpolate")):
        with pytest.raises(WirelessFMError, match=f"found {shape[0]} x {shape[1]}"):
            model.embed(csi(2, *shape), resize=resize)


def test_lwm_1_1_takes_any_shape_up_to_its_positions() -> None:
    model = small("1.1")
    assert model.embed(csi(2, 7, 33), "tokens").shape == (2, 2 * 9, 16)
    with pytest.raises(WirelessFMError, match="at most 64 patches"):
        model.embed(csi(2, 32, 40))
    assert model.embed(csi(2, 32, 40), "cls", resize="interpolate").shape == (2, 16)


def test_wrong_options_and_inputs_are_explained() -> None:
    model, given = small(), csi(2, 32, 32)
    for options, message in (({"pooling": "max"}, "pooling 'max'"), ({"resize": "crop"}, "resize 'crop'")):
        with pytest.raises(WirelessFMError, match=message):
            model.embed(given, **options)  # type: ignore[arg-type]
    with pytest.raises(WirelessFMError, match="scaling 'db'"):
        model.embed(given, scaling="db")
    with pytest.raises(WirelessFMError, match="encodes all tokens"):
        model.encode(model.tokenize(given.values), torch.zeros(2, 1, dtype=torch.int64))
    with pytest.raises(WirelessFMError, match=r"expected complex values \[sample, antenna, subcarrier\]"):
        model.tokenize(torch.zeros(2, 32, 32))
    with pytest.raises(WirelessFMError, match="patches of 16"):
        model.tokenize(channels(2, 3, 5))
    with pytest.raises(WirelessFMError, match=r"\[sample, token, 16\]"):
        model.encode(torch.zeros(2, 128, 17))
    with pytest.raises(WirelessFMError, match="128 positions, found 200 tokens"):
        model.encode(torch.zeros(2, 200, 16))
    with pytest.raises(WirelessFMError, match="time=4"):
        model.embed(CSI(channels(2, 4, 32, 32), ("sample", "time", "antenna", "subcarrier")))


def test_reading_few_positions_gives_the_same_rows() -> None:
    model = small()
    ids = model.with_cls(model.tokenize(channels(3, 32, 32)))
    read = torch.tensor([[0, 5], [7, 128], [1, 2]])
    full = model(ids)
    assert torch.allclose(model(ids, read), full[torch.arange(3)[:, None], read], atol=1e-5)


def test_reconstruction_does_not_see_what_is_hidden() -> None:
    model, values = small(), channels(2, 32, 32)
    tokens, visible = model.tokenize(values), torch.arange(0, 128, 2).expand(2, -1)
    changed = tokens.clone()
    changed[:, 1::2] = 9.0
    found = model.reconstruct(tokens, visible)
    assert found.shape == tokens.shape and torch.equal(found, model.reconstruct(changed, visible))


def test_norm_is_the_published_formula() -> None:
    torch.manual_seed(0)
    norm, x = UnbiasedNorm(16), torch.randn(50, 16) * torch.logspace(-2, 2, 50)[:, None]
    published = (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6)
    assert (norm(x) - published).abs().max() < 5e-4
    assert torch.isfinite(norm(torch.ones(1, 16))).all()


@pytest.mark.parametrize("release", ["1.0", "1.1"])
def test_training_lowers_the_loss_and_reaches_every_parameter(release: str) -> None:
    model, given = small(release).train(), csi(16, 32, 32)
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


def test_the_loss_is_the_formula() -> None:
    model, given = small(), csi(4, 32, 32)
    first, again = (loss(model, given, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, loss(model, given, torch.Generator().manual_seed(2)))
    for parameter in model.decode.parameters():
        parameter.data.zero_()
    # Predicting zero costs mean square over variance, which is 1 for zero-mean targets.
    assert loss(model, given, torch.Generator().manual_seed(1)).item() == pytest.approx(1.0, abs=0.02)
