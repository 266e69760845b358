"""Objectives that compare users: what they do not change with, what they learn from, and from what they cannot."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from wirelessfm import CSI, WirelessFMError
from wirelessfm.data.views import ViewSampler, ViewSpec
from wirelessfm.models.saved import weights_hash
from wirelessfm.models.zoo import build_model
from wirelessfm.objectives import OBJECTIVES
from wirelessfm.objectives.charting import draw_triplets, triplet_error
from wirelessfm.objectives.contrastive import info_nce, second_view

SMALL = {"width": 32, "depth": 1, "patch_delay": 8, "n_project": 8}
SPEC = ViewSpec(antennas=(8,), subcarriers=(8,), noiseless=1.0, reference_antennas=16, positions=True, turn=False)
contrastive, charting = OBJECTIVES["contrastive"], OBJECTIVES["charting"]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def csi(make_paths) -> CSI:
    return ViewSampler([make_paths(64, 1)], SPEC).draw(48, rng())


def losses_of_training(name: str, batches, steps: int = 30, **options: object) -> list[float]:
    model = build_model("wfm-mae", SMALL, seed=0)
    optimizer, generator, losses = torch.optim.Adam(model.parameters(), 3e-3), rng(), []
    for step in range(steps):
        loss = OBJECTIVES[name](model, batches(step), generator, **options)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses


def unrelated(csi: CSI, step: int) -> CSI:
    generator = rng(step)
    shapes = csi.values.shape, csi.labels["reference"].shape
    values, reference = (torch.randn(shape, dtype=torch.complex64, generator=generator) for shape in shapes)
    return replace(csi, values=values, labels={"reference": reference})


@pytest.mark.parametrize(
    "options",
    [
        {"positive": "noise", "snr_db": (10, 20), "gain_db": 20.0},
        {"positive": "mask", "gain_db": 20.0},
        {"positive": "view", "mask_ratio": 0.1},
    ],
)
def test_contrast_is_learnt_from_views_of_one_user_and_not_from_noise(make_paths, options) -> None:
    sampler = ViewSampler([make_paths(500, 1)], replace(SPEC, bandwidth_hz=(2e7, 2e7)))
    learnt = losses_of_training("contrastive", lambda i: sampler.draw(32, rng(i)), **options)
    example = sampler.draw(32, rng())
    drowned = {**options, "snr_db": (-60, -60)}
    lost = losses_of_training("contrastive", lambda i: unrelated(example, i), **drowned)
    assert sum(learnt[-5:]) / 5 < 0.75 * math.log(32)
    assert sum(lost[-5:]) / 5 > 0.93 * math.log(32)


@pytest.mark.parametrize("positive", ["noise", "mask", "view"])
def test_global_phases_do_not_change_the_contrast(csi, positive) -> None:
    model = build_model("wfm-mae", SMALL).requires_grad_(False)
    turns = torch.polar(torch.ones(48), torch.rand(48, generator=rng(5)) * 6)[:, None, None]
    turned = replace(
        csi, values=csi.values * turns, labels={**csi.labels, "reference": csi.labels["reference"] * turns}
    )
    options = {"positive": positive, "snr_db": (90.0, 90.0)}
    a, b = (contrastive(model, each, rng(), **options) for each in (csi, turned))
    assert float(a) == pytest.approx(float(b), abs=1e-2)


def test_scale_reaches_the_contrast_through_the_summary_alone(csi) -> None:
    model = build_model("wfm-mae", SMALL).requires_grad_(False)
    louder = replace(csi, values=csi.values * 100)
    assert float(contrastive(model, louder, rng())) != pytest.approx(float(contrastive(model, csi, rng())), abs=1e-4)
    torch.nn.init.zeros_(model.embed_summary[0].weight)
    assert float(contrastive(model, louder, rng())) == pytest.approx(float(contrastive(model, csi, rng())), abs=1e-3)


def test_info_nce_by_hand() -> None:
    one = torch.eye(5)
    assert float(info_nce(one, 7 * one, 0.5)) == pytest.approx(math.log(math.exp(2) + 4) - 2, rel=1e-5)
    assert float(info_nce(torch.ones(5, 3), torch.ones(5, 3), 0.1)) == pytest.approx(math.log(5), rel=1e-5)


def test_the_second_view_is_what_the_other_array_sees(csi) -> None:
    other = second_view(csi, "view", (0, 0), rng())
    assert other.size("antenna") == 16 and torch.equal(other.values, csi.labels["reference"])
    spacing = other.coords["subcarrier"].diff()
    assert torch.allclose(spacing, torch.full_like(spacing, 2e7 / 32))
    noisy = second_view(csi, "noise", (10.0, 10.0), rng()).values - csi.values
    assert float(csi.values.abs().square().sum() / noisy.abs().square().sum()) == pytest.approx(10, rel=0.2)


def test_gains_are_drawn_for_each_view(csi) -> None:
    model = build_model("wfm-mae", SMALL).requires_grad_(False)
    plain, amplified = (contrastive(model, csi, rng(), gain_db=g) for g in (0.0, 30.0))
    assert torch.isfinite(amplified) and not torch.isclose(plain, amplified)


def test_positions_are_labels_only_if_asked_for(make_paths) -> None:
    sites = [make_paths(20, 3), make_paths(20, 3, seed=1)]
    without = ViewSampler(sites, replace(SPEC, positions=False)).draw(9, rng(3))
    given = ViewSampler(sites, SPEC).draw(9, rng(3))
    assert torch.equal(given.values, without.values) and list(without.labels) == ["reference"]
    number = int(given.labels["site"][0])
    assert (given.labels["site"] == number).all()
    known = {tuple(p) for p in sites[number].position_m.tolist()}
    assert {tuple(p) for p in given.labels["position_m"].tolist()} <= known


def test_triplets_are_near_and_far_and_of_one_site(csi) -> None:
    site = torch.arange(48) % 2
    triplets = draw_triplets(csi.with_labels(site=site), 40.0, 100.0, rng())
    position = csi.labels["position_m"][triplets]
    near, far = ((position[:, 0] - position[:, i]).norm(dim=1) for i in (1, 2))
    assert len(triplets) > 20 and (near <= 40).all() and (far > 40).all() and (far <= 100).all()
    assert (site[triplets] == site[triplets[:, :1]]).all() and (triplets[:, 0] != triplets[:, 1]).all()


def test_the_triplet_loss_is_zero_where_the_order_is_perfect(csi) -> None:
    position = csi.labels["position_m"]
    triplets = draw_triplets(csi, 40.0, math.inf, rng())
    assert float(triplet_error(position, triplets, 0.0)) == 0
    assert float(triplet_error(torch.zeros(48, 2), triplets, 1.5)) == pytest.approx(1.5)
    by_hand = torch.tensor([[0.0], [3.0], [4.0]])
    assert float(triplet_error(by_hand, torch.tensor([[0, 1, 2], [0, 2, 1]]), 2.0)) == pytest.approx((1 + 3) / 2)


def test_a_chart_is_learnt_from_geometry_and_not_from_strangers(make_paths) -> None:
    paths = make_paths(200, 1).connected()
    offset = paths.position_m - torch.tensor([100.0, -50.0, 20.0])
    azimuth, elevation = torch.atan2(offset[:, 1], offset[:, 0]), torch.zeros(len(offset))
    distance = offset.norm(dim=1, keepdim=True)
    paths = replace(
        paths,
        gain=(1e-2 / distance).to(torch.complex64),
        delay_s=distance / 3e8,
        departure_azimuth_rad=azimuth[:, None],
        departure_elevation_rad=elevation[:, None],
    )

    def batches(step: int, shuffle: bool = False) -> CSI:
        csi = ViewSampler([paths], SPEC).draw(64, rng(step))
        order = torch.randperm(64, generator=rng(step)) if shuffle else torch.arange(64)
        return csi.with_labels(position_m=csi.labels["position_m"][order])

    learnt = losses_of_training("charting", batches, near_m=40.0)
    lost = losses_of_training("charting", lambda i: batches(i, shuffle=True), near_m=40.0)
    assert sum(learnt[-5:]) / 5 < 0.6 and sum(lost[-5:]) / 5 > 0.9


def test_a_batch_without_neighbours_has_no_loss(csi) -> None:
    apart = csi.with_labels(position_m=100.0 * torch.arange(48)[:, None].expand(-1, 3))
    loss = charting(build_model("wfm-mae", SMALL), apart, rng(), near_m=20.0)
    loss.backward()
    assert float(loss.detach()) == 0


def test_what_is_missing_is_named(csi) -> None:
    plain, model = build_model("wfm-mae", {**SMALL, "n_project": 0}), build_model("wfm-mae", SMALL)
    bare = replace(csi, labels={})
    for loss, which, content, options, message in (
        (contrastive, plain, csi, {}, "set n_project"),
        (charting, plain, csi, {}, "set n_project"),
        (contrastive, model, bare, {"positive": "view"}, "reference_antennas above 0"),
        (charting, model, bare, {}, "data.positions to true"),
        (contrastive, model, csi, {"positive": "veiw"}, "Did you mean 'view'"),
    ):
        with pytest.raises(WirelessFMError, match=message):
            loss(which, content, rng(), **options)


def test_a_projection_leaves_the_other_random_weights_as_they_were() -> None:
    plain, more = (build_model("wfm-mae", {"width": 32, "n_project": n}, seed=4).state_dict() for n in (0, 8))
    assert weights_hash(plain) == weights_hash({k: v for k, v in more.items() if not k.startswith("projection")})
    assert len(more) == len(plain) + 4
