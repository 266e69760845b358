"""What a simulator knows of a user and a receiver does not: targets for pretraining with a simulator as the teacher."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wirelessfm.paths import LOS, Paths
from wirelessfm.signal.arrays import direction_cosines

KNOWN = (
    "line of sight",
    "log10 of the first delay",
    "excess loss of the first path",
    "power",
    "share of the strongest path",
    "number of paths that count",
    "delay spread",
    "direction of the first path",
    "direction of the strongest path",
)


def known_of_paths(users: Paths, turn_rad: Tensor | None = None) -> Tensor:
    """One number per name of ``KNOWN``, float32 [user, 9], each of about unit spread.

    Line of sight is 0 or 1. Delay in decades from 0.3 µs; losses and powers in units of 10 dB, the excess loss beyond
    free space at the same delay, power above -110 dB; the number of paths is the logarithm of the inverse sum of
    squared power shares; the delay spread in decades from 10 ns; directions are cosines along the array.

    Args:
        users: connected.
        turn_rad: float [user], by which the array was turned beyond the orientation of the site.
    """
    there = users.path_mask()
    power = users.gain.abs().square() * there
    total = power.sum(dim=1).clamp_min(1e-30)
    share = power / total[:, None]
    delay = users.delay_s.masked_fill(~there, torch.inf)
    first, where = delay.min(dim=1)
    delay = users.delay_s * there
    mean = (share * delay).sum(dim=1)
    spread = (share * (delay - mean[:, None]).square()).sum(dim=1).clamp_min(0).sqrt()
    free_db = -20 * torch.log10(4 * math.pi * first.clamp_min(1e-9) * users.meta.carrier_hz)
    first_db = 10 * torch.log10(power.gather(1, where[:, None])[:, 0].clamp_min(1e-30))
    yaw, pitch, _ = users.meta.bs_orientation_rad
    turned = yaw if turn_rad is None else yaw + turn_rad[:, None]
    cosine, _ = direction_cosines(users.departure_azimuth_rad, users.departure_elevation_rad, turned, pitch)
    columns = [
        (users.los == LOS).float(),
        torch.log10(first.clamp_min(1e-9)) + 6.5,
        ((free_db - first_db) / 10).clamp(-2, 6),
        torch.log10(total) + 11,
        torch.log10(share.amax(dim=1)) * 2,
        -share.square().sum(dim=1).log(),
        torch.log10(spread.clamp_min(1e-9)) + 8,
        cosine.gather(1, where[:, None])[:, 0],
        cosine.gather(1, share.argmax(dim=1)[:, None])[:, 0],
    ]
    return torch.stack([column.float() for column in columns], dim=1)
