"""Generalisation cases of 3GPP TR 38.843: what a model meets that it was not fitted on.

Case 1: fitted on A, tested on A. Case 2: fitted on B, tested on A. Case 2A: as 2, with a little of A. Case 3: fitted
on a mix that A is part of, tested on A. A domain is whatever the caller varies: city, scenario, carrier, array
orientation, speed. The tested samples of A are the same in every case, so that the cases can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from wirelessfm.csi import TARGET_CARRIER, CSIMeta, concatenate_csi
from wirelessfm.data.splits import Split, given_split
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.tasks.base import TaskData
from wirelessfm.tasks.splitters import Splitter
from wirelessfm.tasks.truth import Truth, concatenate_truth

CASES = ("1", "2", "2A", "3")


@dataclass(frozen=True)
class CaseSplit:
    """Splits every domain by its own rule and takes training samples as the case says.

    Attributes:
        case: one of ``CASES``.
        target: index of the tested domain in ``Truth.domain``.
        inner: rule by which each domain is split.
        little: case 2A: fraction of the training samples of the target that is used, in every label budget first.
    """

    case: str
    target: int
    inner: Splitter
    little: float = 0.01

    def __call__(self, truth: Truth, seed: int, content: Sequence[str]) -> Split:
        """Test samples of the target; training samples of the target, the others, or both."""
        assert truth.domain is not None
        own, others = np.zeros(0, dtype=np.int64), []
        for domain in truth.domain.unique().tolist():
            index = torch.nonzero(truth.domain == domain)[:, 0]
            split = self.inner(truth.take(index), seed, content)
            if domain == self.target:
                own, test = index[split.train].numpy(), index[split.test].numpy()
            else:
                others.append(index[split.train].numpy())
        rng = np.random.default_rng(seed)
        foreign = rng.permutation(np.concatenate(others))
        few = own[: max(1, round(self.little * len(own)))]
        train = {
            "1": own,
            "2": foreign,
            "2A": np.concatenate([few, foreign]),
            "3": rng.permutation(np.concatenate([own, foreign])),
        }[self.case]
        return given_split(train, test, (*content, repr(self)))


def case_data(domains: Mapping[str, TaskData], case: str, target: str, factor: str = "city") -> TaskData:
    """One task on several domains, split as a generalisation case says.

    Args:
        domains: the same task on each domain, such as ``{"florence": …, "munich": …}``; inputs of equal axes, sizes
            and coordinates. Carriers may differ; the joined CSI then has none.
        case: one of ``CASES``.
        target: the tested domain.
        factor: what varies, for the rows.

    Raises:
        WirelessFMError: an unknown case or target, fewer than two domains, inputs that cannot be joined.
    """
    if case not in CASES:
        raise unknown_name("generalisation case", case, CASES)
    if target not in domains:
        raise unknown_name("domain", target, domains)
    if len(domains) < 2:
        raise WirelessFMError(f"a generalisation case needs at least two domains, found {list(domains)}")
    parts = list(domains.values())
    if len({part.task.name for part in parts}) > 1 or len({part.splitter for part in parts}) > 1:
        raise WirelessFMError(f"the domains of a case must be the same task, found {[p.task.name for p in parts]}")
    tested, index = domains[target], list(domains).index(target)
    notes = {"factor": factor, "domain": target, "others": [name for name in domains if name != target]}
    return TaskData(
        task=tested.task,
        inputs=concatenate_csi([replace(p.inputs, meta=_common_meta(parts)) for p in parts]),
        truth=_joined(parts),
        scenes=tested.scenes,
        sites=tuple(site for part in parts for site in part.sites),
        content=tuple(entry for part in parts for entry in part.content),
        notes={**tested.notes, **notes},
        splitter=CaseSplit(case, index, tested.splitter),
        case=case,
    )


def _common_meta(parts: Sequence[TaskData]) -> CSIMeta:
    """Of the first, but for carriers that are not the same in all."""
    meta = parts[0].inputs.meta
    same = len({part.inputs.meta.carrier_hz for part in parts}) == 1
    aimed = same and len({part.inputs.target_carrier_hz for part in parts}) == 1
    extra = {key: value for key, value in meta.extra.items() if aimed or key != TARGET_CARRIER}
    return replace(meta, carrier_hz=meta.carrier_hz if same else None, extra=extra)


def _joined(parts: Sequence[TaskData]) -> Truth:
    offsets = np.cumsum([0, *(len(part.sites) for part in parts[:-1])])
    truths = [
        replace(part.truth, site=part.truth.site + int(offset), domain=torch.full((len(part),), i))
        for i, (part, offset) in enumerate(zip(parts, offsets, strict=True))
    ]
    return concatenate_truth(truths)
