"""Two ways to solve (A P Aᴴ + σ²I) vec W = vec Y for every sample, where A = L ⊗ R has plane waves as columns.

All take power p float32 [sample, i, j] at least 0, Y complex64 [sample, row, column], noise σ² float32 [sample] above
0, L [row, i] and R [column, j] complex64, and return W complex64 [sample, row, column].
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from wirelessfm.signal.power import squared_magnitude

# Power, values, noise, left, right, iterations to the solution.
Solver = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, int], Tensor]
# Entries up to which a matrix is quicker than iterations; bytes that the matrices of some samples at once may take, of
# which factors and copies are some three more.
_FEW_ENTRIES = 256
_MATRIX_BYTES = 2**27
# With less noise than this, 300 iterations in single precision end well before the solution: 4 dB when extrapolating.
_LITTLE_NOISE = 3e-4
_MANY_ENTRIES = 1024


def solve(power: Tensor, values: Tensor, noise: Tensor, left: Tensor, right: Tensor, iterations: int) -> Tensor:
    """Directly where there are few entries, or next to no noise and not too many; else by so many ``iterations``.

    Every sample is solved in its own way, whatever else is in the batch.
    """
    found, little = torch.empty_like(values), noise < _LITTLE_NOISE
    for group, most in ((little, _MANY_ENTRIES), (~little, _FEW_ENTRIES)):
        if group.any():
            asked = (power[group], values[group], noise[group], left, right)
            direct = values.shape[1] * values.shape[2] <= most and _is_compact(left, right)
            found[group] = solve_directly(*asked) if direct else solve_by_iterations(*asked, iterations)
    return found


def _is_compact(left: Tensor, right: Tensor) -> bool:
    """Whether what :func:`covariance` goes through is not much larger than its result.

    It is for planar arrays, which have as many directions as antennas, and for a few antennas with many subcarriers.
    """
    (rows, n_left), (columns, n_right) = left.shape, right.shape
    return max(n_left * rows**2, n_right * columns**2, n_left * columns**2) <= 4 * (rows * columns) ** 2


def solve_directly(power: Tensor, values: Tensor, noise: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """By Cholesky's factors of the covariance, in double precision where there is little noise."""
    n_entries = values.shape[1] * values.shape[2]
    dtype = torch.complex128 if float(noise.min()) < _LITTLE_NOISE else torch.complex64
    left, right = left.to(dtype), right.to(dtype)
    at_once = max(1, _MATRIX_BYTES // (16 * n_entries**2))
    parts = zip(power.split(at_once), values.split(at_once), noise.split(at_once), strict=True)
    return torch.cat([_solved_directly(p, v, n, left, right) for p, v, n in parts])


def _solved_directly(power: Tensor, values: Tensor, noise: Tensor, left: Tensor, right: Tensor) -> Tensor:
    matrix = covariance(power, left, right)
    matrix.diagonal(dim1=1, dim2=2).add_(noise[:, None])
    wanted = values.to(matrix.dtype).flatten(1)[..., None]
    solved = torch.cholesky_solve(wanted, torch.linalg.cholesky(matrix))
    return solved.view(values.shape).to(values.dtype)


def covariance(power: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """A P Aᴴ, complex [sample, row · column, row · column]: first over the second axis, then over the first."""
    (rows, _), (columns, _) = left.shape, right.shape
    of_left, of_right = (torch.einsum("ai,bi->iab", waves, waves.conj()).flatten(1) for waves in (left, right))
    halves = power.to(right.dtype) @ of_right
    whole = (of_left.T @ halves).view(len(power), rows, rows, columns, columns)
    return whole.transpose(2, 3).reshape(len(power), rows * columns, rows * columns)


def solve_by_iterations(
    power: Tensor, values: Tensor, noise: Tensor, left: Tensor, right: Tensor, iterations: int
) -> Tensor:
    """By conjugate gradients, in which the covariance never becomes a matrix; fewer where fewer are enough."""
    solution, residual = torch.zeros_like(values), values
    direction, size = values, _energy(values)
    # Far below the noise that is there anyway: what is left then changes nothing.
    enough = 1e-5 * noise.clamp(max=1)[:, None, None] * size
    for step_number in range(iterations):
        if step_number % 10 == 9 and bool((size <= enough).all()):
            break
        image = left @ (power * matched(direction, left, right)) @ right.T + noise[:, None, None] * direction
        curvature = (direction.conj() * image).real.sum(dim=(1, 2), keepdim=True)
        step = size / curvature.clamp_min(1e-30)
        solution, residual = solution + step * direction, residual - step * image
        new = _energy(residual)
        direction, size = residual + new / size.clamp_min(1e-30) * direction, new
    return solution


def matched(values: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Aᴴ vec Y, complex64 [sample, i, j]."""
    return left.mH @ values @ right.conj()


def _energy(values: Tensor) -> Tensor:
    return squared_magnitude(values).sum(dim=(1, 2), keepdim=True)
