"""Squared magnitudes of complex tensors."""

from __future__ import annotations

from torch import Tensor


def squared_magnitude(values: Tensor) -> Tensor:
    """|x|² of a complex tensor, real, same shape; several times faster than ``values.abs().square()``.

    ``abs`` scales its argument lest squares overflow, which entries of CSI at unit power do not.
    """
    return values.real.square() + values.imag.square()
