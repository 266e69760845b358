"""Two encoders of one channel: what they see, that they come to agree, and that they have to."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from wirelessfm import CSI, WirelessFMError
from wirelessfm.embed import embed_csi
from wirelessfm.models.csi_clip import CSIClip, impulse_response
from wirelessfm.models.saved import ModelCard, load_saved, save_model
from wirelessfm.models.zoo import build_model
from wirelessfm.objectives import OBJECTIVES
from wirelessfm.signal import OFDM, PlanarArray, synthesize

SMALL = {"width": 32, "depth": 1, "n_project": 16}


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def csi(make_paths) -> CSI:
    return synthesize(make_paths(24, 4).connected(), PlanarArray(8), OFDM(24, 1e5))


def model(seed: int = 0, **config: object) -> CSIClip:
    built = build_model("csi-clip", {**SMALL, **config}, seed)
    assert isinstance(built, CSIClip)
    return built


def losses(csi: CSI, steps: int = 60) -> list[float]:
    one, found = model(), []
    optimizer = torch.optim.Adam(one.parameters(), 3e-3)
    for _ in range(steps):
        loss = OBJECTIVES["cir-csi"](one, csi, rng())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    return found


def test_both_views_of_a_user_are_found_among_those_of_others(csi) -> None:
    found = losses(csi)
    assert found[0] > 0.5 * math.log(len(csi)) and found[-1] < 0.2 * found[0]


def test_users_that_do_not_differ_cannot_be_told_apart(csi) -> None:
    alike = replace(csi, values=csi.values[:1].expand_as(csi.values))
    assert losses(alike, 20)[-1] == pytest.approx(math.log(len(csi)), abs=1e-3)


def test_the_second_view_is_the_first_over_delay() -> None:
    delay = torch.zeros(1, 2, 16, dtype=torch.complex64)
    delay[:, :, 3] = 4.0
    tone = torch.exp(-2j * math.pi * 3 * torch.arange(16) / 16).expand(1, 2, 16).to(torch.complex64)
    assert torch.allclose(impulse_response(tone), delay, atol=1e-5)


def test_encoders_share_no_weights_and_power_is_not_a_clue(csi) -> None:
    one = model()
    first, second = one.views(csi)
    louder = one.views(replace(csi, values=10 * csi.values))
    assert torch.allclose(first, louder[0], atol=1e-5) and torch.allclose(second, louder[1], atol=1e-5)
    first.sum().backward()
    assert one.cir_tower.project.weight.grad is None and one.csi_tower.project.weight.grad is not None


def test_embeddings_of_any_grid_know_the_power(csi, make_paths, tmp_path) -> None:
    one = model()
    save_model(one, ModelCard("csi-clip", SMALL), tmp_path / "m")
    loaded, _ = load_saved(tmp_path / "m")
    odd = synthesize(make_paths(3, 4).connected(), PlanarArray(5), OFDM(13, 1e5))
    assert torch.equal(embed_csi(loaded, odd), one.embed(odd)) and one.embed(odd).shape == (len(odd), 33)
    assert one.embed(csi, "tokens").shape == (len(csi), 2 * 3, 32)
    louder = one.embed(replace(csi, values=10 * csi.values)) - one.embed(csi)
    assert torch.allclose(louder[:, -1], torch.full_like(louder[:, -1], 2.0), atol=1e-4)
    assert torch.allclose(louder[:, :-1], torch.zeros_like(louder[:, :-1]), atol=1e-4)


def test_silence_is_no_error(csi) -> None:
    silent = replace(csi, values=torch.zeros_like(csi.values))
    assert torch.isfinite(model().embed(silent)).all()


def test_the_temperature_stays_within_bounds() -> None:
    one = model()
    assert float(one.temperature().detach()) == pytest.approx(0.07)
    one.log_scale.data.fill_(99.0)
    assert float(one.temperature().detach()) == pytest.approx(0.01)


def test_bad_settings_and_poolings(csi) -> None:
    with pytest.raises(WirelessFMError, match=r"unknown setting of csi-clip 'widht'. Did you mean 'width'"):
        build_model("csi-clip", {"widht": 3})
    with pytest.raises(WirelessFMError, match=r"unknown pooling 'cls'"):
        model().embed(csi, "cls")
