"""What the published systems share: how they are described, and the way from CSI to embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError, unknown_name

POOLINGS = ("cls", "mean", "tokens")
RESIZES = ("pad", "interpolate", "repeat")
SCALINGS = ("published", "none")

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Origin:
    """Where a system and its weights come from. ``sha256`` is that of the authors' file, where it is recorded."""

    citation: str
    repository: str
    file: str
    weights_licence: str
    sha256: str | None = None


@dataclass(frozen=True)
class System:
    """One published architecture and how its checkpoints are read.

    Attributes:
        build: configuration to module with fresh weights.
        shapes: configuration to name and shape of every published tensor that is used.
        unused: patterns (fnmatch) of published tensors that the published forward pass never reads.
        convert: published tensors to the state dict of our module.
        infer: shapes of a checkpoint and a configuration to start from, to the configuration of the checkpoint.
        silent: fields that shapes do not tell, with the values the authors have used.
        metadata: names that the authors' checkpoints use for such fields beside the weights.
    """

    build: Callable[[Any], PublishedEncoder]
    shapes: Callable[[Any], Shapes]
    unused: tuple[str, ...]
    convert: Callable[[Mapping[str, Tensor], Any], dict[str, Tensor]]
    infer: Callable[[Mapping[str, Sequence[int]], Any], Any]
    silent: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


class PublishedEncoder(nn.Module):
    """Base of the published encoders; subclasses give the architecture."""

    title: str
    axes: ClassVar[str] = "sample antenna subcarrier"
    has_cls: ClassVar[bool] = False

    def tokenize(self, csi_values: Tensor) -> Tensor:
        """See :class:`wirelessfm.models.base.ChannelEncoder`."""
        raise NotImplementedError

    def untokenize(self, tokens: Tensor, shape: Sequence[int]) -> Tensor:
        """See :class:`wirelessfm.models.base.ChannelEncoder`."""
        raise NotImplementedError

    def encode(self, tokens: Tensor, visible: Tensor | None = None, shape: Sequence[int] | None = None) -> Tensor:
        """See :class:`wirelessfm.models.base.ChannelEncoder`."""
        raise NotImplementedError

    def reconstruct(self, tokens: Tensor, visible: Tensor, shape: Sequence[int] | None = None) -> Tensor:
        """See :class:`wirelessfm.models.base.ChannelEncoder`."""
        raise NotImplementedError

    def scaled(self, csi_values: Tensor) -> Tensor:
        """The input scaling of the published pipeline."""
        raise NotImplementedError

    def input_scaling_of(self, csi_values: Tensor) -> tuple[float, ...]:
        """What ``input_scaling`` of the configuration should be for a data set of these values."""
        raise WirelessFMError(f"{self.title} multiplies its input by a constant; it has no input_scaling to choose")

    def fitted(self, csi_values: Tensor, resize: str | None) -> Tensor:
        """The values in a shape the model takes, changed only as ``resize`` allows."""
        raise NotImplementedError

    def standardised_for(self, csi: CSI) -> PublishedEncoder:
        """This model with the input scaling it would take from ``csi``, where it takes any, made a constant.

        So a part of ``csi`` is embedded as it is in the whole. Weights are shared.
        """
        return self

    def repeated(self, csi: CSI, resize: str | None) -> CSI:
        """The CSI with a time axis as long as the model needs it, which only ``repeat`` may bring about."""
        if resize == "repeat":
            raise WirelessFMError(f"{self.title} has no time axis to repeat; use another resize or none")
        return csi

    def prepared(self, csi: CSI, resize: str | None = None, scaling: str = "published") -> Tensor:
        """What tokens are cut from, complex64 with the axes of the model; arguments as in :meth:`embed`."""
        if scaling not in SCALINGS:
            raise unknown_name("scaling", scaling, SCALINGS)
        if resize is not None and resize not in RESIZES:
            raise unknown_name("resize", resize, RESIZES)
        csi = csi.denormalise() if scaling == "published" else csi
        values = self.repeated(csi, resize).tensor(self.axes).to(torch.complex64)
        return self.fitted(self.scaled(values) if scaling == "published" else values, resize)

    def embed(
        self,
        csi: CSI,
        pooling: str = "mean",
        resize: str | None = None,
        scaling: str = "published",
        batch_size: int = 256,
    ) -> Tensor:
        """Embeddings of every sample.

        Args:
            csi: with the axes of the model; other axes must have length 1.
            pooling: ``cls`` or ``mean`` (over the channel's tokens, without cls) for [sample, width], ``tokens``
                for [sample, token, width].
            resize: for a shape the published model cannot take, ``pad`` with zeros, ``interpolate`` the position
                table, or ``repeat`` a single time to a whole patch, which is a user standing still; None refuses. A
                result obtained with it is not the published model's.
            scaling: ``published`` undoes the recorded normalisation and applies the authors' scaling, which
                supposes absolute gains; ``none`` takes the values as they are.
            batch_size: samples at a time.

        Raises:
            WirelessFMError: wrong axes or shape, or an unknown or impossible pooling, resize or scaling.
        """
        if pooling not in POOLINGS:
            raise unknown_name("pooling", pooling, POOLINGS)
        if pooling == "cls" and not self.has_cls:
            raise WirelessFMError(f"{self.title} has no cls token; use pooling 'mean' or 'tokens'")
        values = self.prepared(csi, resize, scaling)
        return torch.cat([self._pooled(part, pooling) for part in values.split(batch_size)])

    def _pooled(self, values: Tensor, pooling: str) -> Tensor:
        hidden = self.encode(self.tokenize(values), shape=values.shape[1:])
        tokens = hidden[:, 1:] if self.has_cls else hidden
        return tokens if pooling == "tokens" else hidden[:, 0] if pooling == "cls" else tokens.mean(dim=1)


def check_input_scaling(scaling: Sequence[float], n: int) -> None:
    """Refuse anything but ``n`` numbers, pairs of a mean and a positive standard deviation."""
    if len(scaling) != n or not all(isinstance(x, int | float) for x in scaling) or min(scaling[1::2]) <= 0:
        raise WirelessFMError(
            f"input_scaling is {n} numbers, pairs of a mean and a positive standard deviation, found {list(scaling)}"
        )


def pad_to(values: Tensor, sizes: Sequence[int]) -> Tensor:
    """Append zeros along every axis after ``sample`` up to ``sizes``."""
    missing = [after - before for before, after in zip(values.shape[1:], sizes, strict=True)]
    return functional.pad(values, [n for size in reversed(missing) for n in (0, size)])


def pad_to_multiple(values: Tensor, multiples: Sequence[int]) -> Tensor:
    """Append zeros along every axis after ``sample`` up to the next multiple."""
    return pad_to(values, [-(-n // m) * m for n, m in zip(values.shape[1:], multiples, strict=True)])


def interpolate_positions(table: Tensor, grid: Sequence[int], wanted: Sequence[int]) -> Tensor:
    """A position table for another grid of tokens, by bilinear interpolation.

    Args:
        table: float [rows * columns, width], row-major over ``grid``.
        grid: rows and columns the table was made for.
        wanted: rows and columns needed.
    """
    if tuple(grid) == tuple(wanted):
        return table
    image = table.reshape(1, *grid, -1).permute(0, 3, 1, 2)
    return functional.interpolate(image, size=tuple(wanted), mode="bilinear", align_corners=True)[0].flatten(1).T


def require_complex(csi_values: Tensor, axes: str) -> None:
    """Refuse values that are not complex or have another number of dimensions than ``axes`` names."""
    if not csi_values.is_complex() or csi_values.dim() != len(axes.split()):
        raise WirelessFMError(
            f"expected complex values [{', '.join(axes.split())}], "
            f"found {csi_values.dtype} of shape {list(csi_values.shape)}; name the axes with csi.tensor('{axes}')"
        )


def require_tokens(tokens: Tensor, features: int, title: str) -> None:
    """Refuse tokens that are not float [sample, token, features]."""
    if tokens.is_complex() or tokens.dim() != 3 or tokens.shape[-1] != features:
        raise WirelessFMError(
            f"{title} takes float tokens [sample, token, {features}], "
            f"found {tokens.dtype} of shape {list(tokens.shape)}; make them with tokenize"
        )


def count_layers(shapes: Mapping[str, Sequence[int]], prefix: str) -> int:
    """How many layers ``prefix0.…, prefix1.…`` a checkpoint holds."""
    numbers = {name.removeprefix(prefix).split(".")[0] for name in shapes if name.startswith(prefix)}
    return len(numbers)


def joined(state: Mapping[str, Tensor], names: Sequence[str]) -> Tensor:
    """Several published tensors as one, along their first dimension."""
    return torch.cat([state[name] for name in names])
