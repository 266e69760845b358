"""CSI-CLIP: two encoders, one of a channel over frequency and one of the same channel over delay, made to agree.

J. Jiang et al., "A MIMO Wireless Channel Foundation Model via CIR-CSI Consistency", arXiv:2502.11965. Both views say
the same, so that the pair needs neither labels nor further sensors; weights are not shared, and the encoder of the CSI
is what is kept. Its sizes are not published: these are ours, and patches take any grid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wirelessfm.csi import CSI
from wirelessfm.errors import unknown_name
from wirelessfm.nn.attention import Block
from wirelessfm.nn.positions import octave_code
from wirelessfm.nn.tokens import PatchGrid, patch

POOLINGS = ("mean", "mean+power", "tokens")
_OCTAVES = 7
_LARGEST_SCALE = math.log(100)


@dataclass(frozen=True)
class CSIClipConfig:
    """Sizes of each of the two encoders.

    Attributes:
        patch_antennas, patch_bins: entries of a patch; bins are subcarriers, or delays.
        n_project: width of the space in which both encoders have to agree.
    """

    width: int = 64
    depth: int = 3
    n_heads: int = 4
    mlp_ratio: float = 2.0
    patch_antennas: int = 4
    patch_bins: int = 8
    n_project: int = 64


class Tower(nn.Module):
    """Complex values [sample, antenna, bin] of unit mean power to tokens, float [sample, token, width]."""

    def __init__(self, config: CSIClipConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        # Real and imaginary parts, and magnitudes.
        self.embed_patch = nn.Linear(3 * config.patch_antennas * config.patch_bins, width)
        self.embed_position = nn.Linear(4 * _OCTAVES, width)
        blocks = [Block(width, config.n_heads, config.mlp_ratio) for _ in range(config.depth)]
        self.blocks, self.norm = nn.ModuleList(blocks), nn.LayerNorm(width)
        self.project = nn.Linear(width, config.n_project)

    def forward(self, values: Tensor) -> Tensor:
        """See the class."""
        grid = PatchGrid(values.shape[1], values.shape[2], self.config.patch_antennas, self.config.patch_bins)
        tokens = patch(values, grid)
        real, imaginary = tokens.chunk(2, dim=-1)
        tokens = torch.cat([tokens, (real.square() + imaginary.square()).sqrt()], dim=-1)
        x = self.embed_patch(tokens) + self.embed_position(_places(grid).to(tokens.device))
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class CSIClip(nn.Module):
    """Encoder of CSI [sample, antenna, subcarrier], and the encoder of impulse responses it is trained against."""

    def __init__(self, config: CSIClipConfig) -> None:
        super().__init__()
        self.config = config
        self.csi_tower, self.cir_tower = Tower(config), Tower(config)
        # As in A. Radford et al., "CLIP", ICML 2021: a learnt logarithm of 1 / temperature, at most 100.
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def temperature(self) -> Tensor:
        """Divides the cosine similarities of both encoders; learnt."""
        with torch.no_grad():  # in place: beyond the bound a gradient would be lost
            self.log_scale.clamp_(max=_LARGEST_SCALE)
        return self.log_scale.neg().exp()

    def views(self, csi: CSI) -> tuple[Tensor, Tensor]:
        """Projections of both views, float [sample, n_project] each."""
        values, _ = unit_power(csi)
        towers = ((self.csi_tower, values), (self.cir_tower, impulse_response(values)))
        first, second = (tower.project(tower(view).mean(dim=1)) for tower, view in towers)
        return first, second

    def embed(self, csi: CSI, pooling: str = "mean+power") -> Tensor:
        """Frozen embeddings of every sample, by the encoder of the CSI.

        Args:
            csi: axes (sample, antenna, subcarrier).
            pooling: ``mean`` of the tokens float [sample, width], ``mean+power`` with the log of the mean power,
                which the encoder does not see, [sample, width + 1], or ``tokens`` [sample, token, width].

        Raises:
            WirelessFMError: unknown pooling, or other axes longer than 1.
        """
        if pooling not in POOLINGS:
            raise unknown_name("pooling", pooling, POOLINGS)
        values, power = unit_power(csi)
        tokens = self.csi_tower(values).float()
        if pooling == "tokens":
            return tokens
        mean = tokens.mean(dim=1)
        return mean if pooling == "mean" else torch.cat([mean, power.clamp_min(1e-30).log10()[:, None]], dim=1)


def unit_power(csi: CSI) -> tuple[Tensor, Tensor]:
    """Complex64 [sample, antenna, subcarrier] of unit mean power, and that power, float32 [sample]."""
    values = csi.denormalise().tensor("sample antenna subcarrier").to(torch.complex64)
    power = values.abs().square().mean(dim=(1, 2))
    return values / power.sqrt().clamp_min(1e-30)[:, None, None], power


def impulse_response(values: Tensor) -> Tensor:
    """The channel over delay: unitary, complex [sample, antenna, subcarrier] to [sample, antenna, delay]."""
    return torch.fft.ifft(values, dim=-1, norm="ortho")


def _places(grid: PatchGrid) -> Tensor:
    """Float [token, 4 · octaves]: where patches are, in units of 64 antennas and 64 bins."""
    down, right = grid.shape
    rows = torch.arange(down) * (grid.patch_rows / 64)
    columns = torch.arange(right) * (grid.patch_columns / 64)
    both = torch.cartesian_prod(rows, columns).view(-1, 2)
    return octave_code(both, _OCTAVES).flatten(1)
