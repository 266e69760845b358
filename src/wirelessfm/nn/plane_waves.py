"""Plane waves over physical positions, and the Gaussian estimate of a channel that is a sum of such waves.

A channel with antennas at q and subcarriers at f is h = Σ_ij x_ij · e^{j2π(q·u_i − f τ_j)} with amounts x_ij of mean
power p_ij. Given p, the best linear estimate from noisy entries is a closed form for every grid, array and
numerology: only the phases on the grid enter.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from wirelessfm.nn.wave_solvers import Solver, matched, solve_by_iterations


def unit_phasors(cycles: Tensor) -> Tensor:
    """e^{j2π·cycles}: complex64 of any float tensor; whole turns are removed before float32 would round them."""
    turns = cycles.double()
    angle = (2 * math.pi) * (turns - turns.round()).float()
    return torch.complex(torch.cos(angle), torch.sin(angle))


def antenna_waves(positions_wavelengths: Tensor, directions: Tensor) -> Tensor:
    """Complex64 [antenna, direction] of float [antenna, 3] and direction cosines [direction, 2] along y and z."""
    return unit_phasors(positions_wavelengths[:, 1:].double() @ directions.double().T)


def delay_waves(frequencies_hz: Tensor, delays_s: Tensor) -> Tensor:
    """Complex64 [subcarrier, delay] of float [subcarrier] and [delay]."""
    return unit_phasors(-frequencies_hz.double()[:, None] * delays_s.double())


def direction_grid(positions_wavelengths: Tensor, n_linear: int = 64) -> Tensor:
    """Direction cosines that cover what an array can tell apart, twice as dense: float32 [direction, 2] along y and z.

    An array along one axis gets ``n_linear`` cosines, or as many as its aperture asks for; a planar array two per
    half wavelength of either side. Half-open: −1 and +1 are the same wave at half-wavelength spacing.
    """
    extent = positions_wavelengths.amax(dim=0) - positions_wavelengths.amin(dim=0)
    needed = [2 * (round(float(2 * side)) + 1) for side in extent[1:]]
    if needed[1] == 2:
        sizes = (1 if len(positions_wavelengths) == 1 else max(n_linear, needed[0]), 1)
    elif needed[0] == 2:
        sizes = (1, max(n_linear, needed[1]))
    else:
        sizes = (needed[0], needed[1])
    y, z = (-1 + 2 * torch.arange(n) / n if n > 1 else torch.zeros(1) for n in sizes)
    grid = torch.stack(torch.meshgrid(y, z, indexing="ij"), dim=-1).reshape(-1, 2)
    return grid.to(positions_wavelengths.device)


class WaveEstimate(torch.autograd.Function):
    """Posterior mean of a channel that is a sum of plane waves, and its gradient with respect to their power.

    With a wave's shape L_i over one axis and R_j over the other, amounts of power p_ij, and observed rows and columns
    o: Ĥ = L (p ∘ (L_oᴴ W R_o*)) Rᵀ where W solves (A_o P A_oᴴ + σ²I) vec W = vec Y, by conjugate gradients, in which
    the covariance never becomes a matrix. The gradient needs one more system of the same kind, and no memory of the
    iterations.
    """

    @staticmethod
    def forward(
        ctx: Any,
        power: Tensor,
        seen: Tensor,
        noise: Tensor,
        left: Tensor,
        right: Tensor,
        left_seen: Tensor,
        right_seen: Tensor,
        iterations: int,
    ) -> Tensor:
        """Estimate.

        Args:
            ctx: of autograd.
            power: float32 [sample, i, j], at least 0.
            seen: complex64 [sample, observed row, observed column].
            noise: float32 [sample], noise power per entry, above 0.
            left, right: L [row, i] and R [column, j], complex64.
            left_seen, right_seen: L_o [observed row, i] and R_o [observed column, j], complex64.
            iterations: of conjugate gradients.

        Returns:
            complex64 [sample, row, column].
        """
        solved = solve_by_iterations(power, seen, noise, left_seen, right_seen, iterations)
        amounts = matched(solved, left_seen, right_seen)
        ctx.save_for_backward(power, noise, amounts, left, right, left_seen, right_seen)
        ctx.iterations = iterations
        return left @ (power * amounts) @ right.T

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Of the power only."""
        power, noise, amounts, left, right, left_seen, right_seen = ctx.saved_tensors
        whole = matched(gradients[0], left, right)
        part = left_seen @ (power * whole) @ right_seen.T
        solved = solve_by_iterations(power, part, noise, left_seen, right_seen, ctx.iterations)
        rest = whole - matched(solved, left_seen, right_seen)
        return (rest.conj() * amounts).real, *[None] * 7


def wave_amounts(
    power: Tensor,
    seen: Tensor,
    noise: Tensor,
    left_seen: Tensor,
    right_seen: Tensor,
    iterations: int,
    solver: Solver = solve_by_iterations,
) -> Tensor:
    """Posterior mean of the amounts, complex64 [sample, i, j]: L · amounts · Rᵀ is the estimate, without a gradient.

    Arguments as in :meth:`WaveEstimate.forward`; ``solver`` is one of :mod:`.wave_solvers`.
    """
    return power * matched(solver(power, seen, noise, left_seen, right_seen, iterations), left_seen, right_seen)
