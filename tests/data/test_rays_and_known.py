from __future__ import annotations

import math

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.data.known import KNOWN, known_of_paths
from wirelessfm.data.rays import scattered
from wirelessfm.data.views import ViewSampler, ViewSpec
from wirelessfm.errors import WirelessFMError


def test_scattering_keeps_the_power_of_every_path_and_the_line_of_sight() -> None:
    paths = make_site(80).sub6.connected()
    cloud = scattered(paths, 10, torch.Generator().manual_seed(0))
    before = paths.gain.abs().square()
    after = cloud.gain.abs().square().unflatten(1, (-1, 10)).sum(dim=2)
    earliest = paths.delay_s.masked_fill(~paths.path_mask(), torch.inf).argmin(dim=1)
    direct = (torch.arange(paths.gain.shape[1]) == earliest[:, None]) & (paths.los == 1)[:, None]
    assert torch.allclose(after[~direct], before[~direct], rtol=1e-4)
    # Ten equal rays in phase at one place are the one ray they were.
    coherent = cloud.gain.unflatten(1, (-1, 10)).sum(dim=2)
    assert torch.allclose(coherent[direct], paths.gain[direct], rtol=1e-4)
    assert torch.equal(cloud.path_mask(), paths.path_mask().repeat_interleave(10, dim=1))
    assert bool((cloud.delay_s.unflatten(1, (-1, 10)) >= paths.delay_s[..., None] - 1e-12).all())


def test_known_numbers_of_a_single_direct_path() -> None:
    site = make_site(200, n_reflections=0).sub6
    users = site[site.los == 1]
    found = dict(zip(KNOWN, known_of_paths(users).T, strict=True))
    assert bool((found["line of sight"] == 1).all())
    assert float(found["excess loss of the first path"].abs().max()) < 1e-3
    assert torch.allclose(10 ** (found["log10 of the first delay"] - 6.5), users.delay_s[:, 0], rtol=1e-3)
    assert float(found["share of the strongest path"].abs().max()) < 1e-5
    assert torch.equal(found["direction of the first path"], found["direction of the strongest path"])


def test_turning_the_array_turns_the_known_directions() -> None:
    users = make_site(30).sub6.connected()
    turned = known_of_paths(users, torch.full((len(users),), math.pi))
    assert torch.allclose(turned[:, -1], -known_of_paths(users)[:, -1], atol=1e-5)
    assert torch.allclose(turned[:, :-2], known_of_paths(users)[:, :-2])


def test_both_carriers_of_a_view_show_the_same_users() -> None:
    site = make_site(60, n_reflections=0)
    spec = ViewSpec((8,), noiseless=1.0, other_carrier=True, known=True, carriers_hz=(3.5e9,))
    view = ViewSampler([site.sub6, site.mmwave], spec).draw(20, torch.Generator().manual_seed(0))
    assert view.meta.carrier_hz == 3.5e9 and view.labels["known"].shape == (20, len(KNOWN))
    low, high = view.labels["reference"], view.labels["other_carrier"]
    # One path, so the same steering vector up to a factor: what differs is frequency, gain and phase.
    match = (low * high.conj()).sum(dim=1).abs() / (low.norm(dim=1) * high.norm(dim=1))
    assert bool((match > 0.999).all()) and not torch.allclose(low, high)


def test_what_views_refuse() -> None:
    site = make_site(20)
    with pytest.raises(WirelessFMError, match="second carrier"):
        ViewSampler([site.sub6], ViewSpec(other_carrier=True))
    with pytest.raises(WirelessFMError, match=r"carrier in Hz '6e\+09'.*3.5e\+09"):
        ViewSampler([site.sub6], ViewSpec(carriers_hz=(6e9,)))
    with pytest.raises(WirelessFMError, match="reference_antennas"):
        ViewSpec(reference_antennas=0, other_carrier=True)
    with pytest.raises(WirelessFMError, match="rows"):
        ViewSpec(rows=())
