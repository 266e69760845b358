"""Patches of a complex grid as real tokens, and back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from wirelessfm.errors import WirelessFMError


@dataclass(frozen=True)
class PatchGrid:
    """How a rows × columns grid is cut into patches; sizes that do not divide are padded with zeros.

    Tokens are scanned row by row of patches; inside a token come all real parts (row-major), then all imaginary.
    """

    rows: int
    columns: int
    patch_rows: int
    patch_columns: int

    def __post_init__(self) -> None:
        if min(self.rows, self.columns, self.patch_rows, self.patch_columns) < 1:
            raise WirelessFMError(f"a patch grid needs positive sizes, found {self}")

    @property
    def shape(self) -> tuple[int, int]:
        """Patches per column and per row."""
        return -(-self.rows // self.patch_rows), -(-self.columns // self.patch_columns)

    @property
    def n_tokens(self) -> int:
        """Number of patches."""
        return self.shape[0] * self.shape[1]

    @property
    def features(self) -> int:
        """Real numbers in a token."""
        return 2 * self.patch_rows * self.patch_columns


def patch(values: Tensor, grid: PatchGrid) -> Tensor:
    """Complex [sample, row, column] to float tokens [sample, token, feature]; real and imaginary parts together."""
    if tuple(values.shape[1:]) != (grid.rows, grid.columns):
        raise WirelessFMError(f"expected [sample, {grid.rows}, {grid.columns}], found {list(values.shape)}")
    down, right = grid.shape
    pad = (0, right * grid.patch_columns - grid.columns, 0, down * grid.patch_rows - grid.rows)
    both = torch.view_as_real(torch.nn.functional.pad(values, pad))
    return rearrange(
        both, "b (i p) (j q) c -> b (i j) (c p q)", p=grid.patch_rows, q=grid.patch_columns, i=down, j=right
    )


def unpatch(tokens: Tensor, grid: PatchGrid) -> Tensor:
    """The inverse of :func:`patch`; padding is cut off."""
    down, right = grid.shape
    both = rearrange(
        tokens,
        "b (i j) (c p q) -> b (i p) (j q) c",
        i=down,
        j=right,
        c=2,
        p=grid.patch_rows,
        q=grid.patch_columns,
    )
    return torch.view_as_complex(both.contiguous())[:, : grid.rows, : grid.columns]
