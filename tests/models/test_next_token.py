"""Words of a codebook and the transformer that predicts them: what sees what, and what learns from what."""

from __future__ import annotations

import math

import pytest
import torch

from wirelessfm import CSI, WirelessFMError
from wirelessfm.embed import embed_csi
from wirelessfm.models.next_token import NextTokenModel
from wirelessfm.models.saved import ModelCard, load_saved, save_model
from wirelessfm.models.zoo import build_model
from wirelessfm.nn.attention import Attention, attend
from wirelessfm.nn.codebook import Codebook, codebook_error, perplexity, straight_through, unused_error
from wirelessfm.objectives import OBJECTIVES
from wirelessfm.signal import OFDM, PlanarArray, synthesize

SMALL = {"width": 32, "depth": 1, "n_codes": 32, "code_width": 8, "patch_delay": 8}
TOKENISER = ("patch_encoder", "codebook", "patch_decoder")


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def csi(make_paths) -> CSI:
    return synthesize(make_paths(12, 4).connected(), PlanarArray(8), OFDM(12, 1e5))


def model(seed: int = 0, **config: object) -> NextTokenModel:
    built = build_model("wfm-next-token", {**SMALL, **config}, seed)
    assert isinstance(built, NextTokenModel)
    return built


def test_a_word_is_predicted_from_earlier_words_alone(csi) -> None:
    reader = model(depth=2).requires_grad_(False)
    tokens = reader.tokenize(csi)
    ids = reader.ids(tokens)
    changed = torch.cat([ids[:, :10], (ids[:, 10:] + 7) % 32], dim=1)
    before, after = (reader.predict(reader.read(tokens, each)) for each in (ids, changed))
    assert torch.equal(before[:, :11], after[:, :11])
    assert (before[:, 11:] != after[:, 11:]).any(dim=2).all()


def test_causal_attention_is_that_of_the_fused_kernel() -> None:
    q, k, v = torch.randn(3, 2, 4, 9, 8, generator=rng())
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert torch.allclose(attend(q, k, v, causal=True), expected, atol=1e-6)
    layer, x = Attention(16, 4), torch.randn(2, 7, 16, generator=rng())
    assert torch.allclose(layer(x, causal=True)[:, :1], layer(x[:, :1]), atol=1e-6)


def test_the_nearest_code_is_nearest() -> None:
    book = Codebook(20, 5)
    vectors = torch.nn.functional.normalize(torch.randn(3, 7, 5, generator=rng()), dim=-1)
    codes = book(torch.arange(20))
    assert torch.allclose(codes.norm(dim=1), torch.ones(20))
    expected = (vectors[..., None, :] - codes).norm(dim=-1).argmin(dim=-1)
    assert torch.equal(book.nearest(vectors), expected) and torch.equal(book.nearest(codes), torch.arange(20))


def test_straight_through_is_the_code_forward_and_the_vector_backward() -> None:
    vectors, codes = torch.randn(2, 4, 3, generator=rng(), requires_grad=True).unbind()
    out = straight_through(vectors, codes)
    assert torch.allclose(out, codes)
    for wanted, expected in ((vectors, torch.ones(4, 3)), (codes, None)):
        (found,) = torch.autograd.grad(out.sum(), wanted, retain_graph=True, allow_unused=True)
        assert found is None if expected is None else torch.equal(found, expected)
    error = codebook_error(vectors, codes, 0.25)
    to_vectors, to_codes = torch.autograd.grad(error, (vectors, codes))
    assert torch.allclose(to_vectors, -0.25 * to_codes, atol=1e-6)
    assert float(error.detach()) == pytest.approx(1.25 * float((vectors - codes).detach().square().sum()) / 4, rel=1e-5)


def test_codes_nobody_uses_are_drawn_towards_vectors_and_the_others_are_not() -> None:
    book = Codebook(6, 3)
    vectors = torch.nn.functional.normalize(torch.randn(40, 3, generator=rng()), dim=-1).requires_grad_()
    ids = torch.arange(40) % 4
    error = unused_error(book, vectors, ids, rng())
    error.backward()
    assert book.codes.grad is not None and vectors.grad is None
    assert book.codes.grad.any(dim=1).tolist() == [False] * 4 + [True] * 2
    assert float(unused_error(book, vectors, torch.arange(40) % 6, rng()).detach()) == 0


def test_perplexity_counts_codes() -> None:
    assert perplexity(torch.arange(8).repeat(5), 32) == pytest.approx(8, rel=1e-5)
    assert perplexity(torch.zeros(9, dtype=torch.long), 32) == pytest.approx(1)


def trained_parts(name: str, csi: CSI) -> set[str]:
    one = model()
    OBJECTIVES[name](one, csi, rng()).backward()
    return {n.split(".")[0] for n, p in one.named_parameters() if p.grad is not None and bool(p.grad.any())}


def test_each_objective_trains_its_own_part(csi) -> None:
    vq, next_token = trained_parts("vq", csi), trained_parts("next-token", csi)
    assert vq == set(TOKENISER)
    assert next_token == {name.split(".")[0] for name, _ in model().named_parameters()} - vq


def trained(one: NextTokenModel, name: str, batches, steps: int) -> list[float]:
    optimizer, losses = torch.optim.Adam(one.parameters(), 3e-3), []
    for step in range(steps):
        loss = OBJECTIVES[name](one, batches(step), rng(step))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses


def noise_like(csi: CSI, step: int) -> CSI:
    return CSI(torch.randn(csi.values.shape, dtype=torch.complex64, generator=rng(step)), csi.axes, csi.coords)


def test_words_of_channels_become_better_and_predictable_and_those_of_noise_do_not(make_paths) -> None:
    csi = synthesize(make_paths(64, 1).connected(), PlanarArray(8), OFDM(8, 1e5))
    gains = []
    for batches, learnable in ((lambda _: csi, True), (lambda step: noise_like(csi, step), False)):
        one = model()
        trained(one, "vq", batches, 40)
        nmse, used = one.quantisation(batches(99))
        assert used > 10 and (nmse < 0.5) == learnable
        # As many nats as the frequencies of the words give need no context.
        gains.append(math.log(used) - sum(trained(one, "next-token", batches, 40)[-5:]) / 5)
    assert gains[0] > 0.5 and gains[1] < 0.1


def test_it_is_evaluated_like_any_encoder(csi, tmp_path) -> None:
    one = model(seed=3)
    assert one.embed(csi).shape == one.embed(csi, "last").shape == (len(csi), 32)
    assert one.embed(csi, "tokens").shape == (len(csi), 32, 32)
    assert torch.allclose(embed_csi(one, csi, batch_size=2), one.embed(csi), atol=1e-5)
    turned = CSI(csi.values * complex(0.6, 0.8), csi.axes, csi.coords)
    assert torch.allclose(one.embed(turned), one.embed(csi), atol=1e-2)
    save_model(one, ModelCard("wfm-next-token", SMALL), tmp_path / "m")
    assert torch.equal(load_saved(tmp_path / "m")[0].embed(csi), one.embed(csi))


@pytest.mark.parametrize(("antennas", "subcarriers"), [(5, 7), (1, 1), (64, 3)])
def test_takes_any_grid(make_paths, antennas, subcarriers) -> None:
    csi = synthesize(make_paths(5, 3).connected(), PlanarArray(antennas), OFDM(subcarriers, 1e5))
    assert torch.isfinite(model().embed(csi)).all() and torch.isfinite(OBJECTIVES["next-token"](model(), csi, rng()))


def test_bad_settings_are_refused(csi) -> None:
    with pytest.raises(WirelessFMError, match=r"unknown setting of wfm-next-token 'n_cods'. Did you mean 'n_codes'"):
        build_model("wfm-next-token", {"n_cods": 3})
    with pytest.raises(WirelessFMError, match="unknown pooling 'cls'"):
        model().embed(csi, "cls")
