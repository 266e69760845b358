"""Does a Paths agree with its own positions? On the line of sight everything is known in closed form."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wirelessfm.paths import LOS, SPEED_OF_LIGHT_M_PER_S, Paths


def los_geometry(paths: Paths) -> dict[str, float]:
    """Compare the earliest path of every line-of-sight user with the straight line to the base station.

    Returns:
        ``users``: how many were compared (the rest is absent when 0). Medians over them:
        ``departure_error_rad`` and ``arrival_error_rad``, angle between the path and the straight line;
        ``delay_error_m``, delay times c minus distance; ``gain_over_free_space_db``, power against
        (wavelength / 4 pi distance)^2; ``carrier_phase``, |mean of gain e^{+j 2 pi f delay}| of unit-power
        gains: near 1 when the phases include the carrier phase -2 pi f delay, near 0 when not.
    """
    users = paths[paths.los == LOS]
    offset = users.position_m.double() - torch.tensor(paths.meta.bs_position_m, dtype=torch.float64)
    distance_m = offset.norm(dim=1)
    users, offset, distance_m = users[distance_m > 0], offset[distance_m > 0], distance_m[distance_m > 0]
    if not len(users):
        return {"users": 0}
    first = users.delay_s.masked_fill(~users.path_mask(), math.inf).argmin(dim=1, keepdim=True)
    column = {
        name: value.gather(1, first)[:, 0]
        for name, value in users.tensors().items()
        if value.dim() == 2 and name != "position_m"
    }
    delay_s = column["delay_s"].double()
    wavelength_m = SPEED_OF_LIGHT_M_PER_S / paths.meta.carrier_hz
    free_space = 20 * torch.log10(wavelength_m / (4 * math.pi * distance_m))
    gain = column["gain"].to(torch.complex128)
    phasor = gain / gain.abs() * torch.exp(2j * math.pi * paths.meta.carrier_hz * delay_s)
    line = offset / distance_m[:, None]
    return {
        "users": len(users),
        "departure_error_rad": _angle_between(line, column, "departure"),
        "arrival_error_rad": _angle_between(-line, column, "arrival"),
        "delay_error_m": float((delay_s * SPEED_OF_LIGHT_M_PER_S - distance_m).median()),
        "gain_over_free_space_db": float((20 * torch.log10(gain.abs()) - free_space).median()),
        "carrier_phase": float(phasor.mean().abs()),
    }


def _angle_between(line: Tensor, column: dict[str, Tensor], end: str) -> float:
    azimuth, elevation = (column[f"{end}_{name}_rad"].double() for name in ("azimuth", "elevation"))
    direction = torch.stack((elevation.cos() * azimuth.cos(), elevation.cos() * azimuth.sin(), elevation.sin()), dim=1)
    # atan2 of cross and dot: acos of a dot product near 1 would lose half of the digits.
    return float(torch.atan2(torch.linalg.cross(direction, line).norm(dim=1), (direction * line).sum(1)).median())
