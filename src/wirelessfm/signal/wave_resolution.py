"""The waves that a channel is the sum of: ESPRIT finds them, least squares make them exact, what is left finds more.

Two waves much closer than the resolution of the grid are told apart as far as noise allows; without noise, as in
simulated channels, that is as far as float32 allows: a hundredth of the resolution and less.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from wirelessfm.signal.esprit import Windows, esprit
from wirelessfm.signal.power import squared_magnitude
from wirelessfm.signal.wave_fit import Waves, fit_waves

MOST_WAVES = 16
# Of an entry at unit power: what rounding to complex64 leaves of it.
_ROUNDING = 4e-13
# What a squared gain costs: strict first, or two waves at one place grow against each other.
_STRICT_RIDGES, _LEAST_RIDGE = (1e-8, 1e-10), 1e-12
_STRICT_STEPS, _STEPS = 12, 24
_POOR_FIT, _GROWN = 1e-8, 4.0
# So many waves are added at most.
_ROUNDS = 2
_FINER = 4
# So many samples at once, or so few that their windows hold no more than so many entries.
_AT_ONCE, _MOST_ENTRIES = 1024, 2**24
_PADDED = ("rows", "columns", "gain")


def resolve_waves(values: Tensor, most: int = MOST_WAVES) -> Waves:
    """As few plane waves as leave nothing but noise of ``values``, by Bayes' information criterion.

    On grids of less than about 50 entries the criterion is too lenient, and noise makes waves, but never so many that
    they would fit anything.

    Args:
        values: complex [sample, row, column], regular along both axes.
        most: waves of a sample at most.

    Returns:
        Waves at the scale of ``values``, [sample, ``most``], the missing ones without gain.
    """
    values = values.to(torch.complex128)
    scale = squared_magnitude(values).mean(dim=(1, 2)).sqrt().clamp_min(1e-150)
    n_entries = Windows.of(*values.shape[1:]).entries(*values.shape[1:])
    at_once = max(1, min(_AT_ONCE, _MOST_ENTRIES // n_entries))
    # Four real numbers a wave.
    limit = max(1, min(most, (2 * values.shape[1:].numel() - 1) // 4))
    found = [_resolved(part, limit) for part in (values / scale[:, None, None]).split(at_once)]
    rows, columns, gain, rest = (torch.cat([getattr(w, name) for w in found]) for name in (*_PADDED, "rest"))
    rows, columns, gain = (nn.functional.pad(each, (0, most - limit)) for each in (rows, columns, gain))
    return Waves(rows, columns, gain * scale[:, None], rest * scale.square()).wrapped(*values.shape[1:])


def _resolved(values: Tensor, most: int) -> Waves:
    turns, noise = esprit(values, most)
    waves = _fewer(values, _fitted(values, turns, noise, most), noise)
    return _more(values, waves, noise)


def _fewer(values: Tensor, waves: Waves, noise: Tensor) -> Waves:
    """Without those that are not worth it: again and again the half of them that is missed least, or one of them."""
    shape, worth = (values.shape[1], values.shape[2]), _worth_a_wave(values.shape[1:].numel())
    open_ = torch.arange(len(values), device=values.device)
    while len(open_):
        these = _some(waves, open_)
        there, missed = these.gain != 0, these.missed(*shape)
        idle = there & (worth * (these.rest[:, None] + missed) < these.rest[:, None])
        gone = torch.minimum((idle.sum(dim=1) + 1) // 2, there.sum(dim=1) - 1)
        open_, these, missed, gone = open_[gone > 0], _some(these, gone > 0), missed[gone > 0], gone[gone > 0]
        found = _without(values[open_], these, noise[open_], missed, gone)
        # Two at one place are missed only together.
        one = ((gone > 1) & (found.rest * worth**gone > these.rest)).nonzero()[:, 0]
        by_one = _without(values[open_[one]], _some(these, one), noise[open_[one]], missed[one], torch.ones_like(one))
        waves = _replaced(waves, open_, _replaced(found, one, by_one))
    return waves


def _without(values: Tensor, waves: Waves, noise: Tensor, missed: Tensor, gone: Tensor) -> Waves:
    """Fitted without so many [sample] of those that are missed least."""
    kept = (waves.gain != 0) & (missed.argsort(dim=1).argsort(dim=1) >= gone[:, None])
    turns = [(waves.rows[i, keep], waves.columns[i, keep]) for i, keep in enumerate(kept)]
    return _fitted(values, turns, noise, waves.gain.shape[1])


def _more(values: Tensor, waves: Waves, noise: Tensor) -> Waves:
    """With the strongest of what they leave, if it is worth it, and then the next."""
    worth, most = _worth_a_wave(values.shape[1:].numel()), waves.gain.shape[1]
    wanting = waves.rest > _ROUNDING
    for _ in range(_ROUNDS):
        chosen = (wanting & (waves.gain[:, -1] == 0)).nonzero()[:, 0]
        if not len(chosen):
            break
        more = _fitted(values[chosen], _one_more(values[chosen], _some(waves, chosen)), noise[chosen], most)
        better = more.rest < worth * waves.rest[chosen]
        waves = _replaced(waves, chosen[better], _some(more, better))
        wanting = torch.zeros_like(wanting).index_fill(0, chosen[better], True) & (waves.rest > _ROUNDING)
    return waves


def _worth_a_wave(n_entries: int) -> float:
    """Of the rest, what one more wave may leave at most to be worth its four real numbers.

    By Bayes' information criterion (G. Schwarz, Annals of Statistics 6(2), 1978).
    """
    return (2 * n_entries) ** (-2 / n_entries)


def _fitted(values: Tensor, turns: Sequence[tuple[Tensor, Tensor]], noise: Tensor, most: int) -> Waves:
    """Least squares from these turns on, samples of as many waves together."""
    none = values.new_zeros(len(values), most)
    whole = Waves(none.real, none.real, none, torch.zeros_like(noise))
    counts = torch.tensor([len(rows) for rows, _ in turns], device=values.device)
    for count in counts.unique().tolist():
        chosen = (counts == count).nonzero()[:, 0]
        rows, columns = (torch.stack([turns[i][axis] for i in chosen.tolist()]) for axis in (0, 1))
        whole = _replaced(whole, chosen, _annealed(values[chosen], rows, columns, noise[chosen]))
    return whole


def _annealed(values: Tensor, rows: Tensor, columns: Tensor, noise: Tensor) -> Waves:
    """Least squares that are strict at first where waves have grown against each other, or do not fit at all."""
    begun = fit_waves(values, rows, columns, noise.clamp_min(_LEAST_RIDGE), 0)
    hard = (begun.rest > _POOR_FIT) | (squared_magnitude(begun.gain).amax(dim=1) > _GROWN)
    for ridge in _STRICT_RIDGES:
        strict = fit_waves(values[hard], rows[hard], columns[hard], noise[hard].clamp_min(ridge), _STRICT_STEPS)
        rows, columns = rows.clone(), columns.clone()
        rows[hard], columns[hard] = strict.rows, strict.columns
    return fit_waves(values, rows, columns, noise.clamp_min(_LEAST_RIDGE), _STEPS)


def _one_more(values: Tensor, waves: Waves) -> list[tuple[Tensor, Tensor]]:
    """Turns of the waves of each sample, and of the strongest in what they leave."""
    missing = values - waves.on_grid(*values.shape[1:])
    n_rows, n_columns = (_FINER * n for n in values.shape[1:])
    peak = torch.fft.fft2(missing, s=(n_rows, n_columns)).abs().flatten(1).argmax(dim=1)
    row, column = _about_zero(peak // n_columns / n_rows), _about_zero(peak % n_columns / n_columns)
    # A single entry says nothing of turns.
    row, column = row * (missing.shape[1] > 1), column * (missing.shape[2] > 1)
    counts = (waves.gain != 0).sum(dim=1).tolist()
    return [
        (torch.cat([waves.rows[i, :n], row[i : i + 1]]), torch.cat([waves.columns[i, :n], column[i : i + 1]]))
        for i, n in enumerate(counts)
    ]


def _about_zero(turns: Tensor) -> Tensor:
    return (turns.double() + 0.5).remainder(1) - 0.5


def _some(waves: Waves, chosen: Tensor) -> Waves:
    return Waves(waves.rows[chosen], waves.columns[chosen], waves.gain[chosen], waves.rest[chosen])


def _replaced(waves: Waves, chosen: Tensor, by: Waves) -> Waves:
    """With other waves in the samples chosen, filled up with none."""
    missing = (0, waves.gain.shape[1] - by.gain.shape[1])
    rows, columns, gain = (
        getattr(waves, name).index_copy(0, chosen, nn.functional.pad(getattr(by, name), missing)) for name in _PADDED
    )
    return Waves(rows, columns, gain, waves.rest.index_copy(0, chosen, by.rest))
