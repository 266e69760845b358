"""CSI as the tokens of our models: angle–delay patches and a summary.

- Patches are cut from the angle–delay domain, where a channel is sparse, of any number of antennas and subcarriers.
- Power and global phase are taken out of the patches (a common phase means nothing, power spans 80 dB).
- The summary carries what that removes and what patches hide: log power and the frequency correlation, whose phase
  is the absolute delay.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.nn.positions import harmonic_code, octave_code
from wirelessfm.nn.tokens import PatchGrid, patch
from wirelessfm.signal.transforms import to_angle_delay

_HARMONICS, _OCTAVES = 32, 6
SUMMARY_FEATURES, POSITION_FEATURES = 6, 2 * _HARMONICS + 2 * _OCTAVES


@dataclass(frozen=True)
class Tokens:
    """A tokenised batch: ``summary`` float [sample, feature], ``patches`` float [sample, token, feature],
    ``positions`` float [token, 2] (direction cosine, delay in units of 64 bins), and the grid for the way back."""

    summary: Tensor
    patches: Tensor
    positions: Tensor
    grid: PatchGrid


def tokenize(csi: CSI, patch_angle: int, patch_delay: int, oversampling: int, compand: float) -> Tokens:
    """CSI with axes (sample, antenna, subcarrier) and any sizes to tokens.

    Args:
        csi: its normalisations are undone.
        patch_angle, patch_delay: bins of a patch.
        oversampling: angle bins per antenna.
        compand: exponent that the magnitude of every bin is raised to.

    Raises:
        WirelessFMError: other axes longer than 1, or no subcarrier coordinates.
    """
    if "subcarrier" not in csi.coords:
        raise WirelessFMError("this model needs coords['subcarrier'] in Hz; give the CSI its frequencies")
    values = csi.denormalise().tensor("sample antenna subcarrier").to(torch.complex64)
    n_bins = values.shape[1] * oversampling
    bins = to_angle_delay(nn.functional.pad(values, (0, 0, 0, n_bins - values.shape[1])))
    grid = PatchGrid(bins.shape[1], bins.shape[2], patch_angle, patch_delay)
    power = bins.abs().square().mean(dim=(1, 2))
    summary = _summary_features(values, power, csi.coords["subcarrier"])
    return Tokens(summary, patch(_standardised(bins, power, compand), grid), _positions(grid, values.device), grid)


def position_code(positions: Tensor) -> Tensor:
    """Float [token, 2] of :class:`Tokens` to [token, POSITION_FEATURES]."""
    cosine, delay = positions.unbind(dim=-1)
    return torch.cat([harmonic_code(cosine, _HARMONICS), octave_code(delay, _OCTAVES)], dim=-1)


def _standardised(bins: Tensor, power: Tensor, compand: float) -> Tensor:
    """Unit mean power, the strongest bin real and positive, magnitudes companded.

    Neither power nor global phase is left. Without companding the few strongest bins are all that counts, and a
    masked one among them can hardly be told from the faint side lobes that stay visible.
    """
    flat = bins.flatten(1)
    strongest = flat.gather(1, flat.abs().argmax(dim=1, keepdim=True))
    turn = torch.where(strongest.abs() > 0, strongest.conj() / strongest.abs().clamp_min(1e-30), 1)
    unit = bins * turn[..., None] / power.sqrt().clamp_min(1e-30)[:, None, None]
    return unit * unit.abs().clamp_min(1e-6) ** (compand - 1)


def _summary_features(values: Tensor, power: Tensor, frequencies_hz: Tensor) -> Tensor:
    """Float [sample, 6]: log power, log delay and log delay times power, frequency correlation, log bandwidth."""
    spacing_hz = (frequencies_hz[1] - frequencies_hz[0]).float() if len(frequencies_hz) > 1 else torch.tensor(1.0)
    lag = (values[..., 1:] * values[..., :-1].conj()).sum(dim=(1, 2)) / values.shape[1] / values.shape[2]
    correlation = lag / power.clamp_min(1e-30)
    # A delay τ turns the phase by -2π·spacing·τ from one subcarrier to the next; negative slopes are aliases.
    delay_s = torch.remainder(-torch.angle(correlation), 2 * torch.pi) / (2 * torch.pi * spacing_hz)
    log_power = (10 * torch.log10(power.clamp_min(1e-20)) + 110) / 20
    log_delay = torch.log10(delay_s.clamp_min(1e-9)) + 6.5
    bandwidth = torch.log10(spacing_hz * values.shape[2] / 1e7).expand_as(log_power)
    parts = [log_power, log_delay, log_power + log_delay, correlation.real, correlation.imag, bandwidth]
    return torch.stack(parts, dim=1)


def _positions(grid: PatchGrid, device: torch.device) -> Tensor:
    down, right = grid.shape
    # Middle of the bins of a patch; bin i of n is the direction cosine 2i/n - 1.
    row = torch.arange(down, device=device) * grid.patch_rows + (grid.patch_rows - 1) / 2
    column = torch.arange(right, device=device) * grid.patch_columns + (grid.patch_columns - 1) / 2
    cosine, delay = 2 * row / grid.rows - 1, column / 64
    return torch.stack([cosine.repeat_interleave(right), delay.repeat(down)], dim=1)
