"""Two-dimensional ESPRIT: the few plane waves that a regular grid of antennas and subcarriers sees.

Every window of the grid is another combination of the same waves, so windows span a space that a step along either
axis maps to itself; the eigenvalues of that map are how far a step turns each wave. No grid of directions or delays is
searched, and waves closer than the resolution of the array are told apart as far as noise allows.

R. Roy and T. Kailath, "ESPRIT: estimation of signal parameters via rotational invariance techniques", IEEE Trans.
Acoust., Speech, Signal Process. 37(7), 1989; in two dimensions with pairing by a joint map: S. Rouquette and M. Najim,
IEEE Trans. Signal Process. 49(1), 2001.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

# Eigenvalues below this share of the largest are rounding of complex64.
_ROUNDING = 1e-12
# How far above the mean of the smaller half of the eigenvalues a wave must be; those of noise alone spread about it.
_ABOVE_NOISE = 8.0
_WINDOW_SIZE, _MOST_ROWS, _MOST_COLUMNS, _MOST_STRIDE = 80, 20, 12, 32


@dataclass(frozen=True)
class Windows:
    """Shape of the windows: ``rows`` × ``columns`` entries, the columns ``stride`` apart."""

    rows: int
    columns: int
    stride: int

    @classmethod
    def of(cls, n_rows: int, n_columns: int) -> Windows:
        """Half of the rows, more of few, and columns over two thirds of the width; about 80 entries."""
        rows = min(n_rows, 3) if n_rows in (2, 4) else min(-(-n_rows // 2), _MOST_ROWS)
        columns = max(1, min(_WINDOW_SIZE // rows, _MOST_COLUMNS, -(-3 * n_columns // 5)))
        stride = max(1, (2 * n_columns // 3) // (columns - 1)) if columns > 1 else 1
        return cls(rows, columns, min(stride, _MOST_STRIDE))

    @property
    def most_waves(self) -> int:
        """How many a step along either axis can still tell apart."""
        along = (self.rows - 1) * self.columns, self.rows * (self.columns - 1)
        return min((n for n in along if n), default=1)

    def entries(self, n_rows: int, n_columns: int) -> int:
        """Of all windows of a grid together."""
        width = (self.columns - 1) * self.stride + 1
        return (n_rows - self.rows + 1) * (n_columns - width + 1) * self.rows * self.columns


def esprit(values: Tensor, most: int = 16) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """How far each wave turns from row to row and from column to column, and the noise power of an entry.

    Args:
        values: complex128 [sample, row, column], regular along both axes.
        most: waves at most.

    Returns:
        For every sample two float64 [wave] in cycles per step, in [−0.5, 0.5) along rows; along columns known but for
        whole turns of ``Windows.stride`` steps, of which the one is taken that matches ``values`` best. And float64
        [sample].
    """
    windows = Windows.of(*values.shape[1:])
    powers, vectors = _eigen(values, windows)
    half = powers.shape[1] // 2
    noise = powers[:, :half].clamp_min(0).sum(dim=1) / max(1, half)
    counts = _counts(powers, noise, min(most, windows.most_waves))
    turns = []
    for sample, count in enumerate(counts.tolist()):
        rows, columns = _turns(vectors[sample, :, -count:], windows)
        turns.append((rows, _unwrapped(values[sample], rows, columns, windows.stride)))
    return turns, noise


def _eigen(values: Tensor, windows: Windows) -> tuple[Tensor, Tensor]:
    """Eigenvalues, ascending, and vectors of the covariance of all windows, read forwards and backwards."""
    seen = values.unfold(1, windows.rows, 1).unfold(2, (windows.columns - 1) * windows.stride + 1, 1)
    seen = seen[..., :: windows.stride].flatten(3).flatten(1, 2)
    covariance = seen.transpose(1, 2) @ seen.conj() / seen.shape[1]
    covariance = (covariance + covariance.conj().flip(1, 2)) / 2
    powers, vectors = torch.linalg.eigh(covariance)
    return powers, vectors


def _counts(powers: Tensor, noise: Tensor, most: int) -> Tensor:
    """Waves of each sample, at least 1: eigenvalues above noise and above rounding."""
    counts = (powers > torch.maximum(_ABOVE_NOISE * noise, _ROUNDING * powers[:, -1])[:, None]).sum(dim=1)
    return counts.clamp(1, most)


def _turns(space: Tensor, windows: Windows) -> tuple[Tensor, Tensor]:
    """Cycles per row, and per ``stride`` columns, of complex128 [window entry, wave]."""
    grid = space.unflatten(0, (windows.rows, windows.columns))
    # One map for both axes has the eigenvectors of both, which pairs what they say.
    maps = [_step(grid[:-1], grid[1:]), _step(grid[:, :-1], grid[:, 1:])]
    joint = maps[0] + (0.7 + 0.5j) * maps[1]
    vectors = torch.linalg.eig(joint).eigenvectors
    inverse = torch.linalg.pinv(vectors)
    rows, columns = ((inverse @ each @ vectors).diagonal().angle() / (2 * math.pi) for each in maps)
    return rows, columns


def _step(before: Tensor, after: Tensor) -> Tensor:
    """The map of the space that one step along an axis is, by least squares; 0 along an axis without a step."""
    # Not linalg.lstsq: its default driver reads memory that nobody has set, and what it says differs from run to run
    # (https://github.com/pytorch/pytorch/issues/71222).
    return torch.linalg.pinv(before.flatten(0, 1)) @ after.flatten(0, 1)


def _unwrapped(values: Tensor, rows: Tensor, columns: Tensor, stride: int) -> Tensor:
    """Cycles per column out of cycles per ``stride`` columns: of all that fit, the best matched one."""
    fits = (columns[:, None] + torch.arange(stride, device=columns.device)) / stride
    fits = fits - fits.round()
    row, column = (torch.arange(n, device=values.device, dtype=torch.float64) for n in values.shape)
    heard = torch.polar(torch.ones_like(rows), -2 * math.pi * rows)[:, None] ** row @ values
    tones = torch.exp(-2j * math.pi * fits[..., None] * column)
    best = (heard[:, None] * tones).sum(dim=2).abs().argmax(dim=1)
    return fits.gather(1, best[:, None])[:, 0]
