"""Waves fitted to a channel: least squares over the direction, delay and complex gain of all of them at once.

Variable projection (G. Golub and V. Pereyra, SIAM J. Numer. Anal. 10(2), 1973; without the term of second order: L.
Kaufman, BIT 15, 1975): gains are always the best ones for the present turns, and Levenberg–Marquardt steps move the
turns. A wave over a grid is an outer product, so inner products of waves are products of two short ones, and a step
costs next to nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from wirelessfm.signal.power import squared_magnitude

# A sample is done after so many steps in a row that made it better by less than a thousandth, or none.
_SLOW_STEPS = 3
_MOST_DAMPING = 1e8
# So much of a period below zero is noise about zero, not a delay of a whole period.
_EARLY = 0.05
# Of a wave, what is always said to be missed of it: float64 cannot tell more of waves at one place.
_LEAST_SHARE = 1e-12


@dataclass(frozen=True)
class Waves:
    """Waves of many samples; entry [row, column] is Σ gain · e^{j2π(row · rows + column · columns)}.

    Rows and columns are counted from the middle of the grid.

    Attributes:
        rows, columns: float64 [sample, wave], cycles per step.
        gain: complex128 [sample, wave].
        rest: float64 [sample], mean power of what the waves leave of an entry.
    """

    rows: Tensor
    columns: Tensor
    gain: Tensor
    rest: Tensor

    def noise(self, n_entries: int) -> Tensor:
        """Noise power of an entry, float64 [sample]: the rest, for the freedom that 4 real numbers a wave leave it.

        Infinite where they leave none: so many waves fit anything.
        """
        free = 2 * n_entries - 4 * (self.gain != 0).sum(dim=1)
        return torch.where(free > 0, self.rest * 2 * n_entries / free.clamp_min(1), torch.inf)

    def unexplained(self, values: Tensor) -> Tensor:
        """Share of noise in ``values`` [sample, row, column], float64 [sample]; 1 where there is no power."""
        power = squared_magnitude(values.to(torch.complex128)).mean(dim=(1, 2))
        return torch.where(power > 0, self.noise(values.shape[1:].numel()) / power.clamp_min(1e-300), 1.0)

    def delayed(self, n_columns: int, early: float = _EARLY) -> Waves:
        """The same entries by turns that are delays: none of them less than ``-early`` of a turn per column."""
        whole = (self.columns - early).ceil()
        return self._less(torch.zeros_like(whole), whole, 1, n_columns)

    def missed(self, n_rows: int, n_columns: int) -> Tensor:
        """By how much ``rest`` grows without one of them, by least squares without a ridge, the others where they are.

        Float64 [sample, wave], infinite where there is none. By less, if the others may move, too.
        """
        left, right = about_middle(self.rows, n_rows), about_middle(self.columns, n_columns)
        there, n = self.gain != 0, n_rows * n_columns
        gram = (left.mH @ left) * (right.mH @ right) * (there[:, :, None] & there[:, None])
        inverse = torch.linalg.inv(gram + torch.diag_embed(_LEAST_SHARE * n + (~there).double()))
        own = inverse.diagonal(dim1=1, dim2=2).real.clamp_min(1e-300)
        return torch.where(there, squared_magnitude(self.gain) / own / n, torch.inf)

    def split(self, n: int) -> list[Waves]:
        """So many samples each, the last ones fewer."""
        parts = zip(*(getattr(self, part.name).split(n) for part in fields(self)), strict=True)
        return [Waves(rows, columns, gain, rest) for rows, columns, gain, rest in parts]

    def wrapped(self, n_rows: int, n_columns: int) -> Waves:
        """The same entries by turns in [−0.5, 0.5]: a whole turn about a middle between two entries is half a turn."""
        return self._less(self.rows.round(), self.columns.round(), n_rows, n_columns)

    def _less(self, rows: Tensor, columns: Tensor, n_rows: int, n_columns: int) -> Waves:
        """With so many whole turns taken off each wave."""
        at_first = rows * (n_rows - 1) / 2 + columns * (n_columns - 1) / 2
        gain = self.gain * torch.polar(torch.ones_like(at_first), -2 * math.pi * at_first)
        return Waves(self.rows - rows, self.columns - columns, gain, self.rest)

    def on_grid(self, n_rows: int, n_columns: int) -> Tensor:
        """Their sum, complex128 [sample, row, column]."""
        left, right = about_middle(self.rows, n_rows), about_middle(self.columns, n_columns)
        return (left * self.gain[:, None]) @ right.transpose(1, 2)


def fit_waves(values: Tensor, rows: Tensor, columns: Tensor, ridge: Tensor, iterations: int) -> Waves:
    """The waves near those given that explain ``values`` best.

    Args:
        values: complex128 [sample, row, column].
        rows, columns: float64 [sample, wave] in cycles per step, where to begin.
        ridge: float64 [sample], what a squared gain costs in squared error: noise power over that of gains. It keeps
            two waves at one place from growing against each other.
        iterations: steps at most.
    """
    turns = torch.stack([rows, columns], dim=1)
    best = _at(values, turns, ridge)
    open_ = torch.arange(len(values), device=values.device)
    state, damping, slow = best, torch.full_like(ridge, 1e-3), torch.zeros_like(ridge)
    for _ in range(iterations):
        tried = _at(values[open_], state.turns + _step(state, damping), ridge[open_])
        better = tried.cost < state.cost
        little = tried.cost > (1 - 1e-3) * state.cost
        slow = torch.where(better, torch.where(little, slow + 1, 0), slow)
        damping = torch.where(better, (damping / 5).clamp_min(1e-14), damping * 6)
        state = _chosen(better, tried, state)
        going = (slow < _SLOW_STEPS) & (damping < _MOST_DAMPING)
        if not bool(going.all()):
            best = _put(best, open_, state)
            open_, damping, slow, state = open_[going], damping[going], slow[going], _taken(state, going)
        if not len(open_):
            break
    best = _put(best, open_, state)
    return Waves(best.turns[:, 0], best.turns[:, 1], best.gain, squared_magnitude(best.missing).mean(dim=(1, 2)))


@dataclass(frozen=True)
class _State:
    """Turns [sample, 2, wave], and what follows from them."""

    turns: Tensor
    gain: Tensor  # [sample, wave]
    left: Tensor  # waves over rows [sample, row, wave]
    right: Tensor  # [sample, column, wave]
    gram: Tensor  # inner products of whole waves, and the ridge [sample, wave, wave]
    missing: Tensor  # what is left of the values
    cost: Tensor  # [sample]


def phasors(turns: Tensor, places: Tensor) -> Tensor:
    """Waves over one axis, complex128 [sample, entry, wave], of turns [sample, wave] at places float64 [entry]."""
    angle = 2 * math.pi * places[:, None] * turns[:, None]
    return torch.polar(torch.ones_like(angle), angle)


def about_middle(turns: Tensor, n: int) -> Tensor:
    """:func:`phasors` at n places about the middle of the grid."""
    return phasors(turns, _centred(n, turns))


def turned(waves: Tensor) -> Tensor:
    """Derivatives of waves [sample, entry, wave] about the middle by their turns."""
    return 2j * math.pi * _centred(waves.shape[1], waves)[:, None] * waves


def _centred(n: int, like: Tensor) -> Tensor:
    return torch.arange(n, dtype=torch.float64, device=like.device) - (n - 1) / 2


def _at(values: Tensor, turns: Tensor, ridge: Tensor) -> _State:
    """Best gains for given turns, and what they leave."""
    left, right = about_middle(turns[:, 0], values.shape[1]), about_middle(turns[:, 1], values.shape[2])
    gram = (left.mH @ left) * (right.mH @ right) + torch.diag_embed(ridge[:, None].expand(-1, turns.shape[2]))
    gain = torch.linalg.solve(gram, _heard(left, right, values))
    missing = values - (left * gain[:, None]) @ right.transpose(1, 2)
    cost = squared_magnitude(missing).sum(dim=(1, 2)) + ridge * squared_magnitude(gain).sum(dim=1)
    return _State(turns, gain, left, right, gram, missing, cost)


def _heard(left: Tensor, right: Tensor, values: Tensor) -> Tensor:
    """Inner products of waves with values, [sample, wave]."""
    return ((left.mH @ values) * right.mH).sum(dim=2)


def _step(state: _State, damping: Tensor) -> Tensor:
    """The Levenberg–Marquardt step, float64 [sample, 2, wave], for a damping [sample]."""
    left, right, gain = state.left, state.right, state.gain
    left_turned, right_turned = turned(left), turned(right)
    over_rows, over_columns = _products(left, left_turned), _products(right, right_turned)
    twice = torch.cat([gain, gain], dim=1)
    # Inner products of waves with derivatives by both turns, and of these with each other.
    cross = torch.cat([over_rows[1] * over_columns[0], over_rows[0] * over_columns[1]], dim=2) * twice[:, None]
    upper = torch.cat([over_rows[2] * over_columns[0], over_rows[1].mH * over_columns[1]], dim=2)
    lower = torch.cat([over_rows[1] * over_columns[1].mH, over_rows[0] * over_columns[2]], dim=2)
    own = torch.cat([upper, lower], dim=1) * twice[:, None] * twice[..., None].conj()
    curvature = (own - cross.mH @ torch.linalg.solve(state.gram, cross)).real
    heard = [_heard(left_turned, right, state.missing), _heard(left, right_turned, state.missing)]
    # Gains are the best ones, so that only what moves with the turns counts (the envelope theorem), ridge or not.
    downhill = (torch.cat(heard, dim=1) * twice.conj()).real
    scale = curvature.diagonal(dim1=1, dim2=2).clamp_min(1e-30)
    damped = curvature + torch.diag_embed(damping[:, None] * scale)
    return torch.linalg.solve(damped, downhill).unflatten(1, (2, -1))


def _products(waves: Tensor, turned: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Inner products over one axis: of waves, of waves with their derivatives, of derivatives."""
    return waves.mH @ waves, waves.mH @ turned, turned.mH @ turned


def _chosen(mask: Tensor, yes: _State, no: _State) -> _State:
    """``yes`` of the samples in the mask, ``no`` of the others."""
    pairs = zip(_parts(yes), _parts(no), strict=True)
    return _State(*(torch.where(mask.view(-1, *[1] * (a.dim() - 1)), a, b) for a, b in pairs))


def _taken(state: _State, mask: Tensor) -> _State:
    return _State(*(part[mask] for part in _parts(state)))


def _put(state: _State, where: Tensor, other: _State) -> _State:
    pairs = zip(_parts(state), _parts(other), strict=True)
    return _State(*(a.index_copy(0, where, b) for a, b in pairs))


def _parts(state: _State) -> list[Tensor]:
    return [getattr(state, part.name) for part in fields(_State)]
