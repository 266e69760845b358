"""The masking rules of the published encoders, as functions of sizes and a generator.

Positions are token indices without a cls token. A mask is given by the tokens that stay visible, or that are
removed; :func:`complement` turns one into the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from wirelessfm.errors import WirelessFMError


def shuffled(n_samples: int, n_tokens: int, generator: Generator) -> Tensor:
    """A random order of the tokens for each sample: int64 [sample, token]."""
    return torch.rand(n_samples, n_tokens, generator=generator, device=generator.device).argsort(dim=1)


def complement(positions: Tensor, n_tokens: int) -> Tensor:
    """The tokens not in ``positions`` int64 [sample, kept], ascending: int64 [sample, n_tokens - kept]."""
    absent = torch.ones(len(positions), n_tokens, dtype=torch.bool, device=positions.device)
    absent.scatter_(1, positions, False)
    return absent.nonzero()[:, 1].view(len(positions), -1)


def take(tokens: Tensor, positions: Tensor) -> Tensor:
    """The tokens at ``positions``: [sample, token, feature] and int64 [sample, n] to [sample, n, feature]."""
    return tokens.gather(1, positions[..., None].expand(-1, -1, tokens.shape[-1]))


def lwm_paired(n_samples: int, n_tokens: int, generator: Generator, ratio: float = 0.15) -> Tensor:
    """LWM 1.0: ⌊ratio · tokens / 2⌋ of the real patches without replacement, then their imaginary partners.

    Returns:
        removed int64 [sample, 2 · ⌊ratio · tokens / 2⌋].
    """
    half = n_tokens // 2
    _check(ratio, half, removed=int(ratio * half))
    real = shuffled(n_samples, half, generator)[:, : int(ratio * half)]
    return torch.cat([real, real + half], dim=1)


def lwm_unpaired(n_samples: int, n_tokens: int, generator: Generator, ratio: float = 0.40) -> Tensor:
    """LWM 1.1: ⌊ratio · tokens⌋ positions, never the last one, the same for every sample.

    The release seeds its generator anew for each sample, hence one pattern for all samples of one length.

    Returns:
        removed int64 [sample, ⌊ratio · tokens⌋], ascending.
    """
    _check(ratio, n_tokens, removed=int(ratio * n_tokens))
    pattern = shuffled(1, n_tokens - 1, generator)[:, : int(ratio * n_tokens)].sort(dim=1).values
    return pattern.expand(n_samples, -1)


def lwm_corrupted(tokens: Tensor, removed: Tensor, generator: Generator, mask_value: float = 0.1) -> Tensor:
    """LWM: of the removed tokens 80 % become the mask constant, 10 % uniform noise in [0, 1), 10 % stay.

    Args:
        tokens: float [sample, token, feature].
        removed: int64 [sample, n].
        generator: one draw per removed token, and the noise.
        mask_value: the constant.

    Returns:
        float [sample, token, feature], a copy.
    """
    chosen = take(tokens, removed)
    draw = torch.rand(removed.shape, generator=generator, device=generator.device)[..., None]
    noise = torch.rand(chosen.shape, generator=generator, device=generator.device)
    altered = torch.where(draw < 0.1, noise, torch.where(draw < 0.9, mask_value, chosen))
    return tokens.scatter(1, removed[..., None].expand_as(chosen), altered)


def wimae_paired(n_samples: int, n_tokens: int, generator: Generator, ratio: float = 0.6) -> Tensor:
    """WiMAE: shuffle the complex patches, keep ⌊(1 - ratio) · patches⌋; real and imaginary parts stay together.

    Returns:
        visible int64 [sample, 2 · kept]: real patches in shuffled order, then their partners in the same order.
    """
    patches = n_tokens // 2
    _check(ratio, patches)
    real = shuffled(n_samples, patches, generator)[:, : _kept(patches, ratio)]
    return torch.cat([real, real + patches], dim=1)


def wifo_random(n_samples: int, n_tokens: int, generator: Generator, ratio: float = 0.85) -> Tensor:
    """WiFo: a shuffle per sample, of which ⌊(1 - ratio) · tokens⌋ stay: visible int64 [sample, kept]."""
    _check(ratio, n_tokens)
    return shuffled(n_samples, n_tokens, generator)[:, : _kept(n_tokens, ratio)]


def wifo_time(n_samples: int, grid: Sequence[int], ratio: float = 0.5) -> Tensor:
    """WiFo: the first ⌊(1 - ratio) · slices⌋ time slices stay.

    Args:
        n_samples: samples.
        grid: tokens along (time, antenna, subcarrier).
        ratio: fraction removed.

    Returns:
        visible int64 [sample, kept], ascending.
    """
    return _leading(n_samples, grid, 0, ratio)


def wifo_frequency(n_samples: int, grid: Sequence[int], ratio: float = 0.5) -> Tensor:
    """WiFo: the first ⌊(1 - ratio) · slices⌋ subcarrier slices stay; as :func:`wifo_time`."""
    return _leading(n_samples, grid, 2, ratio)


def _leading(n_samples: int, grid: Sequence[int], axis: int, ratio: float) -> Tensor:
    _check(ratio, grid[axis])
    order = torch.arange(grid[0] * grid[1] * grid[2]).view(*grid)
    return order.narrow(axis, 0, _kept(grid[axis], ratio)).flatten().expand(n_samples, -1)


def _kept(n: int, ratio: float) -> int:
    return int(n * (1 - ratio))


def _check(ratio: float, n: int, removed: int = 1) -> None:
    if not 0 < ratio < 1 or _kept(n, ratio) < 1 or removed < 1:
        raise WirelessFMError(
            f"a mask must leave something visible and remove something: ratio {ratio} of {n} does not; "
            "use a ratio in (0, 1) or a larger channel"
        )
