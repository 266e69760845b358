"""A result is one self-identifying row; a results file is one JSON object a line (JSONL)."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from wirelessfm.errors import WirelessFMError


@dataclass(frozen=True)
class Row:
    """One number of one table, with everything needed to know what it is.

    Attributes:
        task: name of the task, such as ``los`` or ``beam-64-antennas-8``.
        scenes: test scenes of the task.
        split: fingerprint of the split: which samples were labelled, which tested.
        system: what produced the features or predictions, such as ``wfm-mae`` or ``raw``.
        kind: of the system, one of :data:`wirelessfm.baselines.system.KINDS`.
        head: what was fitted on top: ``linear``, ``mlp``, or ``none`` for rules and end-to-end networks.
        budget: fraction of the training labels used, or their number if above 1; 0 for rules without labels.
        n_labels, n_test: labels used; samples tested.
        seed: chooses split, labels and initialisation.
        metrics: name to value; accuracies are fractions of 1.
        metric: the name of the metric that ranks systems on this task.
        pretrained: whether an encoder's weights were trained.
        weights: 16 hexadecimal digits of the weights, or "".
        corpora: what the weights were trained on.
        saw_test_scene: a scene of the test is among the pretraining corpora.
        n_parameters: of the encoder or network, without the head.
        fit_seconds: adaptation time of this row.
        version: of wirelessfm.
        notes: arrays, carriers, options that change what was measured, leakage counts.
        case: generalisation case of 3GPP TR 38.843: 1, 2, 2A or 3.
        costs: ``macs``, ``latency_ms_1``, ``latency_ms_32`` (a sample, median, in batches of 1 and 32) and
            ``peak_mb``, where they were measured.
        self_reported: the predictions came from outside and could not be repeated here.
    """

    task: str
    scenes: tuple[str, ...]
    split: str
    system: str
    kind: str
    head: str
    budget: float
    n_labels: int
    n_test: int
    seed: int
    metrics: Mapping[str, float]
    metric: str
    pretrained: bool = False
    weights: str = ""
    corpora: tuple[str, ...] = ()
    saw_test_scene: bool = False
    n_parameters: int = 0
    fit_seconds: float = 0.0
    version: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)
    case: str = "1"
    costs: Mapping[str, float] = field(default_factory=dict)
    self_reported: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        """Two rows with the same key answer the same question."""
        return (self.task, self.split, self.system, self.weights, self.head, self.budget, self.seed)

    @property
    def score(self) -> float:
        """The ranking metric."""
        return self.metrics[self.metric]


def append_rows(path: str | os.PathLike[str], rows: Iterable[Row]) -> None:
    """Append rows to a JSONL file; each line is written in one piece and flushed."""
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8") as stream:
            for row in rows:
                stream.write(json.dumps(asdict(row), sort_keys=True) + "\n")
                stream.flush()
    except OSError as error:
        raise WirelessFMError(f"cannot write '{path}': {error.strerror or error}") from error


def read_rows(paths: Sequence[str | os.PathLike[str]]) -> list[Row]:
    """Read result files in order.

    Raises:
        WirelessFMError: a missing file, or a line that is not a complete row (named by file and line).
    """
    rows = []
    for path in paths:
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise WirelessFMError(f"cannot read results file '{path}': {error}") from error
        rows += [_row(line, f"{path}, line {i}") for i, line in enumerate(lines, 1) if line.strip()]
    return rows


def _row(line: str, place: str) -> Row:
    try:
        content = json.loads(line)
        known = {f.name for f in fields(Row)}
        content = {k: tuple(v) if k in ("scenes", "corpora") else v for k, v in content.items() if k in known}
        row = Row(**content)
        float(row.score)
    except (json.JSONDecodeError, TypeError, AttributeError, KeyError) as error:
        raise WirelessFMError(f"{place} is not a result row: {error}") from error
    return row
