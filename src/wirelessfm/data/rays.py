"""Clusters out of paths: a rough wall or foliage scatters one ray of a tracer into many."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from wirelessfm.paths import LOS, Paths

# Smallest and largest spread of a user's clusters, drawn log-uniformly: the range of TR 38.901's cluster spreads and a
# little beyond (Table 7.5-6: departure 1° to 10°, arrival 5° to 25° in azimuth; delays of sub-clusters 0 to 5 ns and
# delay spreads within a cluster of tens of ns for rich scattering).
DEPARTURE_RAD = (math.radians(0.2), math.radians(8))
ARRIVAL_RAD = (math.radians(1), math.radians(40))
DELAY_S = (1e-9, 1e-7)


def scattered(paths: Paths, n_rays: int, generator: torch.Generator) -> Paths:
    """Every path as ``n_rays`` rays of equal power and random phase around it, but the line of sight.

    Azimuths deviate by a Laplace distribution, delays grow by an exponential one; how much is drawn for each user. The
    mean power of a path is kept. Positions, ``los`` and ``n_paths`` (times ``n_rays``) stay true to the paths.

    Args:
        paths: of connected users.
        n_rays: 1 or more.
        generator: CPU, draws spreads, deviations and phases.
    """
    users, width = paths.gain.shape
    shape = (users, width, n_rays)
    earliest = paths.delay_s.masked_fill(~paths.path_mask(), math.inf).argmin(dim=1).cpu()
    direct = ((torch.arange(width) == earliest[:, None]) & (paths.los.cpu() == LOS)[:, None])[..., None]
    loose = ~direct

    def spread(limits: tuple[float, float]) -> Tensor:
        low, high = (math.log(limit) for limit in limits)
        return torch.exp(low + (high - low) * torch.rand(users, 1, 1, generator=generator))

    def laplace() -> Tensor:
        uniform = torch.rand(shape, generator=generator) - 0.5
        return -uniform.sign() * torch.log1p(-2 * uniform.abs() + 1e-7) / math.sqrt(2)

    device = paths.gain.device
    phase = torch.rand(shape, generator=generator) * loose
    turn = torch.polar(torch.full(shape, 1 / math.sqrt(n_rays)), 2 * math.pi * phase)
    turn = torch.where(direct, torch.full(shape, 1 / n_rays, dtype=turn.dtype), turn).to(device)
    late = -torch.log1p(-torch.rand(shape, generator=generator)) * spread(DELAY_S) * loose
    away = (spread(DEPARTURE_RAD) * laplace() * loose).to(device)
    arriving = (spread(ARRIVAL_RAD) * laplace() * loose).to(device)
    changed: dict[str, Any] = {
        "gain": paths.gain[..., None] * turn,
        "delay_s": paths.delay_s[..., None] + late.to(device),
        "departure_azimuth_rad": paths.departure_azimuth_rad[..., None] + away,
        "arrival_azimuth_rad": paths.arrival_azimuth_rad[..., None] + arriving,
    }
    kept = {
        name: value[..., None].expand(*value.shape, n_rays)
        for name, value in paths.tensors().items()
        if value.shape == paths.gain.shape and name not in changed
    }
    flat: dict[str, Any] = {name: value.flatten(1).contiguous() for name, value in {**changed, **kept}.items()}
    return replace(paths, n_paths=paths.n_paths * n_rays, **flat)
