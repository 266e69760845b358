"""Which tokens an encoder sees.

Every rule hides the same number of tokens of every sample, so that what is visible stays a rectangular tensor. Rules
by name are in MASKS, of grids of patches, whose rows are angles and columns delays, and in CHANNEL_MASKS, of the
channel itself, whose rows are antennas and columns subcarriers. Either is scanned row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.nn.attention import take_tokens

Shape = tuple[int, int]


def random_mask(n_samples: int, n_tokens: int, ratio: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw for each sample which tokens are visible and which masked.

    Args:
        n_samples, n_tokens: sizes.
        ratio: fraction masked, in (0, 1); at least one token stays visible and one is masked.
        generator: randomness; its device is that of the result.

    Returns:
        visible int64 [sample, kept] and masked int64 [sample, n_tokens - kept], each in random order.
    """
    kept = n_tokens - _hidden(n_tokens, ratio, "tokens")
    order = _shuffled(n_samples, n_tokens, generator)
    return order[:, :kept], order[:, kept:]


def disjoint_masks(n_samples: int, n_tokens: int, ratio: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two sets of visible tokens that share none, int64 [sample, kept] each.

    Args:
        n_samples, n_tokens: sizes.
        ratio: fraction that each of the two does not see, in [0.5, 1).
        generator: as in :func:`random_mask`.
    """
    kept = n_tokens - _hidden(n_tokens, ratio, "tokens")
    if 2 * kept > n_tokens:
        raise WirelessFMError(f"two disjoint masks of {n_tokens} tokens hide at least half of them each, found {ratio}")
    order = _shuffled(n_samples, n_tokens, generator)
    return order[:, :kept], order[:, kept : 2 * kept]


def row_mask(n_samples: int, shape: Shape, ratio: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Hide round(ratio · rows) whole rows: directions at all delays, or antennas; see MASKS."""
    rows = _shuffled(n_samples, shape[0], generator)[:, : _hidden(shape[0], ratio, "rows (angles or antennas)")]
    hidden = torch.zeros(n_samples, *shape, dtype=torch.bool, device=generator.device)
    hidden.scatter_(1, rows[..., None].expand(-1, -1, shape[1]), True)
    return _parted(hidden)


def column_mask(n_samples: int, shape: Shape, ratio: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Hide round(ratio · columns) whole columns: delays in all directions, or subcarriers; see MASKS."""
    columns = _shuffled(n_samples, shape[1], generator)[
        :, : _hidden(shape[1], ratio, "columns (delays or subcarriers)")
    ]
    hidden = torch.zeros(n_samples, *shape, dtype=torch.bool, device=generator.device)
    hidden.scatter_(2, columns[:, None].expand(-1, shape[0], -1), True)
    return _parted(hidden)


def block_mask(n_samples: int, shape: Shape, ratio: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Hide one rectangle, somewhere, of about ``ratio`` of the tokens and the proportions of the grid.

    It may go over an edge and continue on the other side: angles and delays of a sampled channel are periodic.
    """
    _hidden(shape[0] * shape[1], ratio, "tokens")
    height = min(max(round(shape[0] * ratio**0.5), 1), shape[0])
    width = min(max(round(ratio * shape[0] * shape[1] / height), 1), shape[1])
    if (height, width) == tuple(shape):  # something has to stay visible
        height, width = (height - 1, width) if height > 1 else (height, width - 1)
    inside = [
        (torch.arange(n, device=generator.device) - _starts(n_samples, n, generator)) % n < extent
        for n, extent in zip(shape, (height, width), strict=True)
    ]
    return _parted(inside[0][:, :, None] & inside[1][:, None, :])


def _random(n_samples: int, shape: Shape, ratio: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return random_mask(n_samples, shape[0] * shape[1], ratio, generator)


# (samples, (rows, columns), ratio, generator) to visible int64 [sample, kept] and masked int64 [sample, rest].
Rule = Callable[[int, Shape, float, torch.Generator], tuple[Tensor, Tensor]]
MASKS: dict[str, Rule] = {
    "random": _random,
    "block": block_mask,
    "angle": row_mask,
    "delay": column_mask,
}
CHANNEL_MASKS: dict[str, Rule] = {"antenna": row_mask, "frequency": column_mask}


def draw_kind(kinds: Sequence[str], known: Iterable[str], generator: torch.Generator) -> str:
    """One mask of a mixture, for a whole batch.

    Args:
        kinds: one of them is drawn; a name given twice is drawn twice as often.
        known: names that there are.
        generator: randomness; a mixture of one draws nothing.

    Raises:
        WirelessFMError: no kind, or an unknown one, drawn or not.
    """
    known = list(known)
    if not kinds:
        raise WirelessFMError(f"expected at least one kind of mask out of {', '.join(known)}; found none")
    for kind in kinds:
        if kind not in known:
            raise unknown_name("mask", kind, known)
    return kinds[0] if len(kinds) == 1 else kinds[int(_uniform(generator) * len(kinds))]


def draw_ratio(ratio: float | Sequence[float], generator: torch.Generator) -> float:
    """A fraction between the smallest and the largest of ``ratio``; a number draws nothing and is the fraction."""
    if isinstance(ratio, int | float):
        return ratio
    low, high = ratio
    return low + (high - low) * _uniform(generator)


def replaced(patches: Tensor, masked: Tensor, generator: torch.Generator) -> Tensor:
    """Replace rather than leave out: 80 % of the masked patches become zero, 10 % those of another sample, 10 % stay.

    The rule of J. Devlin et al., "BERT", NAACL 2019, where the other word is one of the vocabulary.

    Args:
        patches: float [sample, token, feature].
        masked: int64 [sample, n].
        generator: one draw for each masked patch.

    Returns:
        float [sample, token, feature], a copy.
    """
    chosen, others = take_tokens(patches, masked), take_tokens(patches.roll(1, 0), masked)
    draw = torch.rand(masked.shape, generator=generator, device=generator.device)[..., None]
    altered = torch.where(draw < 0.8, torch.zeros_like(chosen), torch.where(draw < 0.9, others, chosen))
    return patches.scatter(1, masked[..., None].expand_as(chosen), altered)


def _hidden(n: int, ratio: float, what: str) -> int:
    if not 0 < ratio < 1 or n < 2:
        raise WirelessFMError(f"masking needs a ratio in (0, 1) and 2 {what}, found {ratio} of {n} {what}")
    return n - min(max(round(n * (1 - ratio)), 1), n - 1)


def _shuffled(n_samples: int, n: int, generator: torch.Generator) -> Tensor:
    return torch.rand(n_samples, n, generator=generator, device=generator.device).argsort(dim=1)


def _starts(n_samples: int, n: int, generator: torch.Generator) -> Tensor:
    return torch.randint(n, (n_samples, 1), generator=generator, device=generator.device)


def _parted(hidden: Tensor) -> tuple[Tensor, Tensor]:
    flat = hidden.flatten(1)
    return tuple(which.nonzero()[:, 1].view(len(flat), -1) for which in (~flat, flat))  # type: ignore[return-value]


def _uniform(generator: torch.Generator) -> float:
    return float(torch.rand(1, generator=generator, device=generator.device))
