from __future__ import annotations

import pytest
import torch

from wirelessfm import CSI, WirelessFMError
from wirelessfm.embed import embed_csi
from wirelessfm.models.saved import ModelCard, load_saved, save_model, weights_hash
from wirelessfm.models.zoo import build_model
from wirelessfm.nn.masks import random_mask
from wirelessfm.objectives import OBJECTIVES
from wirelessfm.objectives.statistics import second_order_statistics
from wirelessfm.signal import OFDM, PlanarArray, synthesize

SMALL = {"width": 32, "depth": 2, "patch_delay": 4}


@pytest.fixture
def csi(make_paths) -> CSI:
    return synthesize(make_paths(12, 4).connected(), PlanarArray(8), OFDM(12, 1e5))


@pytest.mark.parametrize(("antennas", "subcarriers"), [(8, 12), (5, 7), (32, 32), (1, 1), (64, 3)])
def test_takes_any_grid(make_paths, antennas, subcarriers) -> None:
    csi = synthesize(make_paths(5, 3).connected(), PlanarArray(antennas), OFDM(subcarriers, 1e5))
    model = build_model("wfm-mae", SMALL)
    assert model.embed(csi).shape == (len(csi), 16 + 32)
    assert torch.isfinite(model.embed(csi, "tokens")).all()


def test_embedding_ignores_global_phase_but_not_power(csi) -> None:
    model = build_model("wfm-mae", SMALL).eval()
    turned = CSI(csi.values * complex(0.6, 0.8), csi.axes, csi.coords)
    louder = CSI(csi.values * 10, csi.axes, csi.coords)
    base = model.embed(csi)
    assert torch.allclose(model.embed(turned), base, atol=1e-3)
    assert not torch.allclose(model.embed(louder), base, atol=1e-2)


def test_a_recorded_normalisation_does_not_change_the_embedding(csi) -> None:
    model = build_model("wfm-mae", SMALL).eval()
    assert torch.allclose(model.embed(csi.normalise()), model.embed(csi), atol=1e-3)


def test_the_encoder_never_sees_masked_patches(csi) -> None:
    model = build_model("wfm-mae", SMALL).eval()
    tokens = model.tokenize(csi)
    visible, masked = random_mask(*tokens.patches.shape[:2], 0.5, torch.Generator().manual_seed(0))
    before = model.decode(model.encode(tokens, visible), tokens, visible)
    tokens.patches.scatter_(1, masked[..., None].expand(-1, -1, tokens.patches.shape[2]), 99.0)
    after = model.decode(model.encode(tokens, visible), tokens, visible)
    assert torch.equal(before, after)


def test_samples_do_not_influence_each_other(csi) -> None:
    model = build_model("wfm-mae", SMALL).eval()
    assert torch.allclose(model.embed(csi)[3:5], model.embed(csi[3:5]), atol=1e-5)
    assert torch.allclose(embed_csi(model, csi, batch_size=2), model.embed(csi), atol=1e-5)


def test_zero_channels_give_finite_embeddings() -> None:
    frequencies = OFDM(4, 1e5).frequencies_hz()
    zero = CSI(torch.zeros(2, 3, 4, dtype=torch.complex64), ("sample", "antenna", "subcarrier"),
               {"subcarrier": frequencies})  # fmt: skip
    assert torch.isfinite(build_model("wfm-mae", SMALL).embed(zero)).all()


def test_bad_input_is_refused(csi) -> None:
    model = build_model("wfm-mae", SMALL)
    with pytest.raises(WirelessFMError, match="unknown pooling 'cls'"):
        model.embed(csi, "cls")
    with pytest.raises(WirelessFMError, match="coords"):
        model.embed(CSI(csi.values, csi.axes))
    with pytest.raises(WirelessFMError, match="missing"):
        model.embed(CSI(csi.values, ("sample", "time", "subcarrier"), {"subcarrier": csi.coords["subcarrier"]}))
    with pytest.raises(WirelessFMError, match=r"unknown setting of wfm-mae 'widht'. Did you mean 'width'"):
        build_model("wfm-mae", {"widht": 3})
    with pytest.raises(WirelessFMError, match="unknown model 'wfm-mea'"):
        build_model("wfm-mea")
    with pytest.raises(WirelessFMError, match="no samples"):
        embed_csi(model, csi[:0])


def final_loss(name: str, batches) -> float:
    """Mean of the last ten of sixty losses."""
    model = build_model("wfm-mae", {"width": 32, "depth": 2, "patch_delay": 8}, seed=0)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    generator, losses = torch.Generator().manual_seed(0), []
    for _ in range(60):
        loss = OBJECTIVES[name](model, next(batches), generator)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return sum(losses[-10:]) / 10


@pytest.mark.parametrize("name", ["autocorrelation", "masked", "statistics"])
def test_loss_falls_on_structured_channels_and_not_on_noise(make_paths, name) -> None:
    """One path per user is predictable from a part. White noise is not, nor is what somebody else has seen."""
    csi = synthesize(make_paths(64, 1).connected(), PlanarArray(16), OFDM(8, 1e5))
    generator = torch.Generator().manual_seed(1)

    def structured():
        while True:
            yield csi.with_labels(reference=csi.values)

    def unrelated():
        while True:
            if name == "masked":
                noise = torch.randn(csi.values.shape, dtype=torch.complex64, generator=generator)
                yield CSI(noise, csi.axes, csi.coords)
            else:
                yield csi.with_labels(reference=csi.values[torch.randperm(len(csi), generator=generator)])

    limit = 0.95 if name == "masked" else 0.8  # complex values are harder to come by than their statistics
    assert final_loss(name, structured()) < limit * final_loss(name, unrelated())


def test_statistics_by_hand() -> None:
    values = torch.ones(1, 4, 8, dtype=torch.complex64)  # one path from broadside, no delay, power 1
    assert torch.allclose(second_order_statistics(values), torch.tensor([[11.0, 0, 0, 0, 0]]), atol=1e-4)


def test_a_reference_replaces_the_target(csi) -> None:
    model = build_model("wfm-mae", SMALL)
    better = csi.with_labels(reference=csi.values.flip(1))
    for name in ("autocorrelation", "statistics"):
        a, b = (OBJECTIVES[name](model, c, torch.Generator().manual_seed(0)) for c in (csi, better))
        assert torch.isfinite(b) and (name == "statistics" or not torch.isclose(a, b))


def test_saved_weights_come_back_with_their_card(tmp_path, csi) -> None:
    model = build_model("wfm-mae", SMALL, seed=3)
    card = save_model(model, ModelCard("wfm-mae", SMALL, corpora=("munich",), seed=3), tmp_path / "m")
    again, found = load_saved(tmp_path / "m")
    assert found == card and card.weights == weights_hash(again.state_dict())
    assert card.n_parameters == sum(p.numel() for p in model.parameters())
    assert torch.equal(again.embed(csi), model.eval().embed(csi))


def test_seeds_decide_the_weights_and_leave_the_global_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    hashes = [weights_hash(build_model("wfm-mae", SMALL, seed=s).state_dict()) for s in (0, 0, 1)]
    assert hashes[0] == hashes[1] != hashes[2] and torch.equal(torch.rand(1), expected)


def test_damaged_weights_are_refused(tmp_path) -> None:
    save_model(build_model("wfm-mae", SMALL), ModelCard("wfm-mae", SMALL), tmp_path / "m")
    weights = tmp_path / "m" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(WirelessFMError, match="corrupt"):
        load_saved(tmp_path / "m")
    save_model(build_model("wfm-mae", SMALL), ModelCard("wfm-mae", {**SMALL, "width": 64}), tmp_path / "n")
    with pytest.raises(WirelessFMError, match="do not fit wfm-mae"):
        load_saved(tmp_path / "n")
    with pytest.raises(WirelessFMError, match="not a model folder"):
        load_saved(tmp_path)
