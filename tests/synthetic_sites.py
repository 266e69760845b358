"""Made-up sites: line-of-sight geometry and random reflections, the same users at two carriers."""

import math

import torch

from wirelessfm.paths import Paths, PathsMeta
from wirelessfm.tasks import SitePaths

LIGHT = 299_792_458.0


def make_site(n=600, seed=0, site="bs0", scene="testville", area_m=200.0, bs=(0.0, 0.0, 25.0), n_reflections=3):
    """LoS for users in every other sector; reflections are longer and weaker than free space."""
    g = torch.Generator().manual_seed(seed)
    position = torch.cat([(torch.rand(n, 2, generator=g) - 0.5) * area_m, torch.full((n, 1), 1.5)], dim=1)
    offset = position - torch.tensor(bs)
    distance = offset.norm(dim=1, keepdim=True)
    azimuth = torch.atan2(offset[:, 1:2], offset[:, :1])
    elevation = torch.asin(offset[:, 2:] / distance)
    los = (torch.sin(3 * azimuth[:, 0]) > 0).to(torch.int8)
    n_paths = torch.randint(1, n_reflections + 2, (n,), generator=g)
    turn = torch.randn(n, n_reflections + 1, generator=g) * 0.5
    stretch = 1 + torch.rand(n, n_reflections + 1, generator=g)
    loss_db = 8 + 10 * torch.rand(n, n_reflections + 1, generator=g)
    phase = 2 * math.pi * torch.rand(n, n_reflections + 1, generator=g)
    first = los == 1
    turn[first, 0], stretch[first, 0], loss_db[first, 0] = 0, 1, 0
    carriers = [
        _paths(hz, position, los, n_paths, distance, azimuth, elevation, turn, stretch, loss_db, phase, bs, scene, site)
        for hz in (3.5e9, 28e9)
    ]
    return SitePaths(*carriers)


def _paths(hz, position, los, n_paths, distance, azimuth, elevation, turn, stretch, loss_db, phase, bs, scene, site):
    length = distance * stretch
    mask = torch.arange(turn.shape[1]) < n_paths[:, None]
    amplitude = LIGHT / (4 * math.pi * hz * length) * 10 ** (-loss_db / 20)
    wide = torch.ones_like(turn)
    return Paths(
        gain=torch.polar(amplitude, phase + hz / 1e9) * mask,
        delay_s=length / LIGHT * mask,
        departure_azimuth_rad=(azimuth + turn) * mask,
        departure_elevation_rad=elevation * wide * mask,
        arrival_azimuth_rad=turn * mask,
        arrival_elevation_rad=elevation * wide * mask,
        position_m=position,
        los=los,
        n_paths=n_paths,
        meta=PathsMeta(hz, bs, scene=scene, site=site),
    )
