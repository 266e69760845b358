"""What is to be predicted, and what only splits and scores may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Truth:
    """First dimensions aligned with the inputs.

    Attributes:
        labels: of a task with output ``class`` int64 [sample] in [0, n_classes); ``value`` float32 [sample, d];
            ``csi`` complex64 [sample, ...] in the axes of the inputs.
        position_m: float32 [sample, 3], or None where it is not known.
        site: int64 [sample], index into ``TaskData.sites``.
        beam_powers: float32 [sample, beam], or None outside beam tasks.
        group: int64 [sample], such as trajectory or day, or None.
        time_s: float64 [sample], when the sample was recorded, or None.
        condition: float32 [sample], such as the SNR in dB by which scores are broken down, or None.
        domain: int64 [sample], which of the domains of a generalisation case a sample is from, or None.
    """

    labels: Tensor
    position_m: Tensor | None
    site: Tensor
    beam_powers: Tensor | None = None
    group: Tensor | None = None
    time_s: Tensor | None = None
    condition: Tensor | None = None
    domain: Tensor | None = None

    def take(self, index: Tensor) -> Truth:
        """The truth of the samples ``index``."""
        columns = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{name: value[index] for name, value in columns.items() if value is not None})


def concatenate_truth(parts: Sequence[Truth]) -> Truth:
    """Join along samples; a column that some part lacks is left out."""
    columns = {f.name: [getattr(part, f.name) for part in parts] for f in fields(Truth)}
    present = {name: torch.cat(values) for name, values in columns.items() if all(v is not None for v in values)}
    return Truth(position_m=present.pop("position_m", None), **present)
