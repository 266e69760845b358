"""One row for each question: of rows from several files, which one counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from wirelessfm.tasks.row import Row

# Name, kind, whether pretrained, and the hash of pretrained weights.
System = tuple[str, str, bool, str]


@dataclass(frozen=True)
class Unique:
    """Rows of one task, one for each system, head, budget and seed.

    Attributes:
        rows: those that count.
        n_repeated: rows replaced by a later one on the same split; ``n_changed`` of them had other numbers.
        n_other_split: rows left out because the same system was also tested on the commonest split of that seed.
    """

    rows: tuple[Row, ...]
    n_repeated: int
    n_changed: int
    n_other_split: int


def system_of(row: Row) -> System:
    """Random weights differ from seed to seed and are still one system; trained weights are what is compared.

    Where a recipe was trained once per seed, its rows say so, and what they have in common identifies the system.
    """
    weights = str(row.notes.get("model_per_seed", row.weights)) if row.pretrained else ""
    return (row.system, row.kind, row.pretrained, weights)


def unique_rows(rows: Sequence[Row]) -> Unique:
    """The last row on each split; where a system has several splits of a seed, the one that most systems have."""
    by_split: dict[tuple[System, str, float, int], dict[str, Row]] = defaultdict(dict)
    n_repeated = n_changed = 0
    for row in rows:
        found = by_split[system_of(row), row.head, round(row.budget, 6), row.seed]
        earlier = found.pop(row.split, None)
        n_repeated += earlier is not None
        n_changed += earlier is not None and earlier.metrics != row.metrics
        found[row.split] = row
    usual = Counter((seed, split) for (_, _, _, seed), found in by_split.items() for split in found)
    # Of equally common splits, the last in the order of the rows.
    chosen = [max(reversed(found.values()), key=lambda row: usual[row.seed, row.split]) for found in by_split.values()]
    return Unique(tuple(chosen), n_repeated, n_changed, sum(len(found) - 1 for found in by_split.values()))


def sentences(unique: Unique) -> list[str]:
    """What a reader must know about rows that do not count."""
    said = []
    if unique.n_repeated:
        changed = f", {unique.n_changed} of them with other numbers" if unique.n_changed else ""
        said.append(
            f"Repeated rows (same system, head, budget, seed and split): {unique.n_repeated}{changed}; the last of "
            "each counts."
        )
    if unique.n_other_split:
        said.append(
            f"Rows left out: {unique.n_other_split}, on other test samples than most; their systems have rows on the "
            "commonest split, which count."
        )
    return said
