from __future__ import annotations

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.data.views import ViewSampler, ViewSpec
from wirelessfm.errors import WirelessFMError
from wirelessfm.models.zoo import build_model
from wirelessfm.objectives import OBJECTIVES
from wirelessfm.objectives.better_view import beam_divergence
from wirelessfm.signal import beam_powers, dft_codebook

STATIC = ViewSpec((8, 16), bandwidth_hz=(5e6, 2e7), noiseless=1.0)
MOVING = ViewSpec((4,), (1, 2), (16,), (5e6, 2e7), noiseless=1.0, reference_antennas=0, times=10, synchronised=True)
KNOWING = ViewSpec((8,), noiseless=0.5, known=True, other_carrier=True)
CASES = {
    "better-view": (KNOWING, {"known": 1.0, "other_carrier": 1.0}),
    "estimation": (STATIC, {}),
    "continuation": (MOVING, {}),
}


def losses(name: str, steps: int) -> list[float]:
    site, (spec, options) = make_site(200), CASES[name]
    sampler = ViewSampler([site.sub6, site.mmwave], spec)
    model = build_model("wfm-spectrum", {"width": 32, "depth": 3})
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    found = []
    for step in range(steps):
        csi = sampler.draw(16, torch.Generator().manual_seed(step % 4))
        loss = OBJECTIVES[name](model, csi, torch.Generator().manual_seed(step % 4), **options)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(float(loss.detach()))
    return found


@pytest.mark.parametrize("name", CASES)
def test_loss_falls(name) -> None:
    found = losses(name, 24)
    assert sum(found[-4:]) < sum(found[:4]) - 0.02


@pytest.mark.parametrize(("mask", "whole"), [("comb", 1), ("frequency", 1), ("antenna", 2)])
def test_estimation_hides_whole_subcarriers_or_antennas(mask, whole) -> None:
    csi = ViewSampler([make_site(30).sub6], STATIC).draw(4, torch.Generator().manual_seed(0))
    model, shown = build_model("wfm-spectrum", {"width": 16, "depth": 1, "n_heads": 2}), []
    observe, model.observe = model.observe, lambda csi: (shown.append(csi), observe(csi))[1]
    for seed in range(12):
        options = {"masks": [mask], "hidden_share": (0.2, 0.9)}
        loss = OBJECTIVES["estimation"](model, csi, torch.Generator().manual_seed(seed), **options)
        assert torch.isfinite(loss)
    seen = torch.stack([csi.labels["observed"][0] for csi in shown])
    assert torch.equal(seen, seen.all(dim=whole, keepdim=True).expand_as(seen))
    counts = seen.any(dim=whole).sum(dim=1)
    assert counts.min() >= 1 and len(counts.unique()) > 2
    assert all(torch.equal(csi.values != 0, csi.labels["observed"]) for csi in shown)
    with pytest.raises(WirelessFMError, match=r"unknown mask 'antennas'\. Did you mean 'antenna'"):
        OBJECTIVES["estimation"](model, csi, torch.Generator(), masks=["comb", "antennas"])
    with pytest.raises(WirelessFMError, match=r"ratio in \(0, 1\)"):
        OBJECTIVES["estimation"](model, csi, torch.Generator(), masks=["antenna"], hidden_share=(1.5, 2))


def test_beam_divergence_is_zero_for_the_truth_and_blind_to_scale() -> None:
    values = torch.randn(6, 32, 4, dtype=torch.complex64, generator=torch.Generator().manual_seed(0))
    logits = 2 * beam_powers(values, dft_codebook(32, 64)).log()
    assert abs(float(beam_divergence(logits, values, 2.0))) < 1e-4
    assert torch.allclose(beam_divergence(logits, values * 1e-4, 2.0), beam_divergence(logits, values, 2.0), atol=1e-4)
    assert float(beam_divergence(logits.roll(1, dims=1), values, 2.0)) > 0.1


@pytest.mark.parametrize(("option", "remedy"), [("known", "known: true"), ("other_carrier", "other_carrier: true")])
def test_missing_labels_are_named(option, remedy) -> None:
    site = make_site(30)
    csi = ViewSampler([site.sub6], STATIC).draw(4, torch.Generator().manual_seed(0))
    with pytest.raises(WirelessFMError, match=remedy):
        OBJECTIVES["better-view"](
            build_model("wfm-spectrum", {"width": 16, "depth": 1, "n_heads": 2}),
            csi,
            torch.Generator(),
            **{option: 1.0},
        )
