"""Regular places: antennas on a line, subcarriers, observed entries."""

from __future__ import annotations

from torch import Tensor

# Antennas farther apart, in wavelengths, do not tell directions from each other; with room for rounding.
HALF_A_WAVE = 0.51


def regular_step(places: Tensor, alone: float = 1.0) -> float:
    """From each of the places [n], ascending, to the next; ``alone`` for a single one; 0 where steps differ."""
    if len(places) < 2:
        return alone
    steps = places.double().diff()
    step = float(steps.mean())
    return step if float((steps - step).abs().max()) <= 1e-3 * abs(step) else 0.0


def line_step(positions_wavelengths: Tensor) -> float:
    """Distance of antennas [antenna, 3], ascending, on a regular line along y; 0 for others, ½ for a single one."""
    off_line = positions_wavelengths[:, [0, 2]].double()
    if float((off_line - off_line.mean(dim=0)).abs().max()) > 1e-3:
        return 0.0
    return regular_step(positions_wavelengths[:, 1], 0.5)


def regular_grid(positions: Tensor | None, frequencies_hz: Tensor | None) -> bool:
    """Whether antennas [antenna, 3] are on a regular line along y, and subcarriers regular; those not known are."""
    line = positions is None or line_step(positions) > 0
    return line and (frequencies_hz is None or regular_step(frequencies_hz) > 0)
