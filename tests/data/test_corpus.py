"""The shipped corpus obeys geometry and free-space physics, and both carriers have the same users."""

from __future__ import annotations

import math

import pytest
import torch

from wirelessfm.data import corpus
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import LOS, SPEED_OF_LIGHT_M_PER_S, Paths

SCENES = ("etoile", "florence", "munich", "san_francisco")
CARRIERS_HZ = (3.5e9, 28e9)
SITES = [(scene, f"bs{number}") for scene in SCENES for number in range(3)]
NAMES = [f"{scene}-{site}-{carrier}" for scene, site in SITES for carrier in ("28GHz", "3.5GHz")]


def test_every_scene_has_three_sites_at_two_carriers() -> None:
    assert corpus.sites() == SITES
    assert corpus.names() == NAMES


def test_package_stays_small() -> None:
    total = sum(file.stat().st_size for file in corpus.folder().rglob("*") if file.is_file())
    assert total <= 25_000_000


@pytest.mark.parametrize("name", NAMES)
def test_line_of_sight_is_geometry_and_free_space(name: str) -> None:
    paths = corpus.load(name)
    seen = paths[paths.los == LOS]
    offset = seen.position_m.double() - torch.tensor(paths.meta.bs_position_m, dtype=torch.float64)
    distance = offset.norm(dim=1)
    direct = seen.n_interactions == 0
    assert bool((direct.sum(dim=1) >= 1).all())

    delay_s = seen.delay_s[:, 0].double()
    assert float((delay_s * SPEED_OF_LIGHT_M_PER_S - distance).abs().max()) < 1e-3
    free_space = SPEED_OF_LIGHT_M_PER_S / paths.meta.carrier_hz / (4 * math.pi * distance)
    gain = seen.gain[:, 0].to(torch.complex128)
    torch.testing.assert_close(gain.abs(), free_space, rtol=1e-3, atol=0)
    turn = torch.polar(torch.ones_like(delay_s), 2 * math.pi * paths.meta.carrier_hz * delay_s)
    # Straight below the base station vertical polarisation has no direction, so its sign there means nothing.
    aside = offset[:, :2].norm(dim=1) > 1e-3
    assert float((gain * turn)[aside].angle().abs().max()) < 1e-3

    unit = offset / distance[:, None]
    departure = direction(seen.departure_azimuth_rad[:, 0], seen.departure_elevation_rad[:, 0])
    arrival = direction(seen.arrival_azimuth_rad[:, 0], seen.arrival_elevation_rad[:, 0])
    torch.testing.assert_close(departure, unit, rtol=0, atol=1e-4)
    torch.testing.assert_close(arrival, -unit, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_enough_users_and_both_kinds(name: str) -> None:
    paths = corpus.load(name)
    connected = paths.connected()
    assert len(connected) >= 4000
    assert 0.1 < float((connected.los == LOS).float().mean()) < 0.9
    assert bool((paths.n_interactions <= paths.meta.extra["depth"]).all())
    mask = paths.path_mask()[:, 1:]
    assert bool((paths.delay_s.diff(dim=1)[mask] >= 0).all())
    assert "ODbL" in paths.meta.licence and "OpenStreetMap" in paths.meta.licence


@pytest.mark.parametrize(("scene", "site"), SITES)
def test_carriers_share_users_and_geometry(scene: str, site: str) -> None:
    low, high = (corpus.load_site(scene, site, carrier_hz) for carrier_hz in CARRIERS_HZ)
    assert torch.equal(low.position_m, high.position_m)
    assert low.meta.bs_position_m == high.meta.bs_position_m
    assert low.meta.bs_orientation_rad == high.meta.bs_orientation_rad
    assert float((low.los == high.los).float().mean()) > 0.99
    both = (low.los == LOS) & (high.los == LOS)
    ratio_db = 20 * torch.log10(low.gain[both, 0].abs() / high.gain[both, 0].abs())
    torch.testing.assert_close(ratio_db, torch.full_like(ratio_db, 20 * math.log10(8)), rtol=0, atol=0.01)


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(WirelessFMError, match="munich-bs0-28GHz"):
        corpus.load_site("munch", "bs0", 28e9)


def test_other_folder(tmp_path, small_paths: Paths) -> None:
    with pytest.raises(WirelessFMError, match="found none"):
        corpus.names(tmp_path)
    small_paths.save(tmp_path / "town-bs7-2GHz")
    assert corpus.sites(tmp_path) == [("town", "bs7")]
    assert corpus.load_site("town", "bs7", 2e9, tmp_path).fingerprint() == small_paths.fingerprint()


@pytest.fixture
def small_paths() -> Paths:
    return corpus.load(NAMES[0])[:5]


def direction(azimuth_rad: torch.Tensor, elevation_rad: torch.Tensor) -> torch.Tensor:
    """Unit vectors [user, 3]."""
    azimuth, elevation = azimuth_rad.double(), elevation_rad.double()
    flat = elevation.cos()
    return torch.stack([flat * azimuth.cos(), flat * azimuth.sin(), elevation.sin()], dim=1)
