"""Uniform planar and linear antenna arrays: where the elements are and how they see a direction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from wirelessfm.errors import WirelessFMError


@dataclass(frozen=True)
class PlanarArray:
    """A uniform planar array in the y–z plane of its own frame, looking along x; isotropic elements.

    Antenna ``v * n_horizontal + h`` sits at column h (along y) and row v (along z), the array centred on the
    origin. ``yaw_rad`` turns it about z (0 looks along x of the scene), ``pitch_rad`` about the turned y axis
    (positive looks down). A linear array has ``n_vertical = 1``.
    """

    n_horizontal: int
    n_vertical: int = 1
    spacing_wavelengths: float = 0.5
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0

    def __post_init__(self) -> None:
        if self.n_horizontal < 1 or self.n_vertical < 1 or not self.spacing_wavelengths > 0:
            raise WirelessFMError(
                "an array needs n_horizontal and n_vertical of at least 1 and a positive spacing, found "
                f"{self.n_horizontal} × {self.n_vertical} at {self.spacing_wavelengths} wavelengths"
            )
        if not (math.isfinite(self.yaw_rad) and math.isfinite(self.pitch_rad)):
            raise WirelessFMError("array orientation must be finite")

    @property
    def size(self) -> int:
        """Number of antennas."""
        return self.n_horizontal * self.n_vertical

    def positions_wavelengths(self) -> Tensor:
        """Element positions in the array frame, float32 [antenna, 3] in wavelengths."""
        y = (torch.arange(self.n_horizontal) - (self.n_horizontal - 1) / 2) * self.spacing_wavelengths
        z = (torch.arange(self.n_vertical) - (self.n_vertical - 1) / 2) * self.spacing_wavelengths
        grid = torch.stack([torch.zeros(self.size), y.repeat(self.n_vertical), z.repeat_interleave(len(y))], dim=1)
        return grid.float()


def direction_cosines(
    azimuth_rad: Tensor, elevation_rad: Tensor, yaw_rad: float | Tensor = 0.0, pitch_rad: float | Tensor = 0.0
) -> tuple[Tensor, Tensor]:
    """Cosines of a scene direction along the y (horizontal) and z (vertical) axes of a turned array.

    Args:
        azimuth_rad, elevation_rad: float [...], direction in the scene.
        yaw_rad, pitch_rad: orientation of the array, numbers or tensors that broadcast with the directions.

    Returns:
        two float tensors [...] in [-1, 1].
    """
    yaw, pitch = torch.as_tensor(yaw_rad), torch.as_tensor(pitch_rad)
    relative = azimuth_rad - yaw
    forward = torch.cos(elevation_rad) * torch.cos(relative)
    horizontal = torch.cos(elevation_rad) * torch.sin(relative)
    vertical = forward * torch.sin(pitch) + torch.sin(elevation_rad) * torch.cos(pitch)
    return horizontal, vertical
