"""What every channel encoder offers, our own and the published ones alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from wirelessfm.csi import CSI


class ChannelEncoder(Protocol):
    """CSI to tokens, tokens to embeddings, and tokens filled in from those that are visible.

    ``shape`` is always the sizes of the CSI after ``sample``: (antenna, subcarrier) or (time, antenna, subcarrier).
    """

    def tokenize(self, csi_values: Tensor) -> Tensor:
        """Complex [sample, (time,) antenna, subcarrier] to float tokens [sample, token, feature]."""
        ...

    def untokenize(self, tokens: Tensor, shape: Sequence[int]) -> Tensor:
        """The inverse of ``tokenize``: complex [sample, *shape]."""
        ...

    def encode(self, tokens: Tensor, visible: Tensor | None = None, shape: Sequence[int] | None = None) -> Tensor:
        """Float [sample, token (+ cls), width] of all tokens or of the ``visible`` int64 [sample, kept]."""
        ...

    def reconstruct(self, tokens: Tensor, visible: Tensor, shape: Sequence[int] | None = None) -> Tensor:
        """All tokens, float [sample, token, feature], predicted from the visible ones alone."""
        ...

    def embed(self, csi: CSI, pooling: str = "mean") -> Tensor:
        """Embeddings of every sample: ``cls`` or ``mean`` [sample, width], ``tokens`` [sample, token, width]."""
        ...
