"""Estimation: the clean channel from some of its entries in noise. Masked channel modelling as a receiver meets it.

Random combs of subcarriers, sets of subcarriers or of antennas, arrays and SNRs; the loss is that of the estimate the
model will be asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.nn.masks import draw_kind, draw_ratio, random_mask
from wirelessfm.signal.noise import add_noise

_MASKS = ("comb", "frequency", "antenna")


def estimation_error(
    model: Any,
    csi: CSI,
    generator: torch.Generator,
    combs: Sequence[int] = (1, 2, 4, 8),
    antenna_shares: Sequence[float] = (1.0,),
    snr_db: Sequence[float] = (-10.0, 30.0),
    iterations: int = 24,
    masks: Sequence[str] = ("comb",),
    hidden_share: Sequence[float] = (0.25, 0.75),
) -> Tensor:
    """Mean NMSE and a tenth of its mean logarithm, so that good conditions count too.

    Args:
        model: offers ``observe(csi)`` and ``estimate(seen, iterations)``.
        csi: axes (sample, antenna, subcarrier), without noise.
        generator: draws pattern and noise.
        combs: every how many-th subcarrier is observed, one of them for the batch.
        antenna_shares: which part of the antennas, the first ones, is observed.
        snr_db: smallest and largest, for each sample; the model is told.
        iterations: of the solver in training.
        masks: which entries are observed, one of them for the batch: ``comb``, every how many-th subcarrier of some
            antennas, see above; ``frequency``, random subcarriers; ``antenna``, random antennas.
        hidden_share: smallest and largest share that the last two hide.

    Raises:
        WirelessFMError: an unknown mask, or a share that hides nothing or everything.
    """
    device = csi.values.device
    mask = draw_kind(masks, _MASKS, generator)
    if mask == "comb":
        seen = _comb(csi, combs, antenna_shares, generator)
    else:
        seen = _random(csi, mask, hidden_share, generator)
    low, high = snr_db
    drawn = low + (high - low) * torch.rand(len(csi), generator=generator, device=device)
    power = csi.values.abs().square().mean(dim=(1, 2))
    noisy = torch.where(seen, add_noise(csi.values, drawn, generator), 0)
    labels = {"observed": seen.expand(len(csi), -1, -1), "noise_power": power * 10 ** (-drawn / 10)}
    known = model.observe(replace(csi, values=noisy, labels=labels))
    with torch.autocast(device.type, enabled=False):
        wanted = csi.values / known.power.sqrt()[:, None, None]
    found = model.estimate(known, iterations)
    ratio = (found - wanted).abs().square().mean(dim=(1, 2)) / wanted.abs().square().mean(dim=(1, 2)).clamp_min(1e-12)
    return ratio.mean() + 0.1 * ratio.clamp_min(1e-6).log10().mean()


def _comb(csi: CSI, combs: Sequence[int], shares: Sequence[float], generator: torch.Generator) -> Tensor:
    device = csi.values.device
    gap, share = int(_one_of(combs, generator)), _one_of(shares, generator)
    offset = int(torch.randint(gap, (1,), generator=generator, device=device))
    seen = torch.zeros(csi.values.shape[1:], dtype=torch.bool, device=device)
    seen[: max(1, round(share * csi.size("antenna"))), offset::gap] = True
    return seen


def _random(csi: CSI, mask: str, hidden_share: Sequence[float], generator: torch.Generator) -> Tensor:
    n = csi.size("antenna" if mask == "antenna" else "subcarrier")
    visible, _ = random_mask(1, n, draw_ratio(hidden_share, generator), generator)
    line = torch.zeros(n, dtype=torch.bool, device=csi.values.device)
    line[visible[0]] = True
    return (line if mask == "frequency" else line[:, None]).expand(csi.values.shape[1:])


def _one_of(options: Sequence[Any], generator: torch.Generator) -> Any:
    return options[int(torch.randint(len(options), (1,), generator=generator, device=generator.device))]
