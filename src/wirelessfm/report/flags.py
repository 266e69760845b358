"""What a reader must know before believing a line: flags of result rows, from their fields and notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wirelessfm.tasks.row import Row


@dataclass(frozen=True)
class Flag:
    """A word beside a system's name; ``is_caution`` where it limits what the number is worth."""

    text: str
    meaning: str
    is_caution: bool = True


SAW_TEST_SCENE = Flag("saw test scene", "A test scene is among the pretraining corpora.")
SELF_REPORTED = Flag("self-reported", "The predictions came from outside and were not computed here.")
GENIE = Flag("genie", "Uses knowledge that a receiver does not have; a bound, not a competitor.")
RESIZED = Flag("resized", "The channel was padded, interpolated or repeated to the shape the published model takes.")
TAUGHT = Flag("simulator-taught", "Pretraining saw labels of the kind that a task asks for, on other scenes.")
SANITY_CHECK = Flag("sanity check", "Not a competitor: shows what is scored without looking at the channel.")
REPRODUCED = Flag("reproduced", "A published result that was computed again here.", is_caution=False)
FLAGS = (SAW_TEST_SCENE, SELF_REPORTED, GENIE, TAUGHT, RESIZED, SANITY_CHECK, REPRODUCED)
# Names of notes of a row whose value, unless false, 0 or empty, sets the flag.
_NOTES: Mapping[str, Flag] = {
    "genie": GENIE,
    "pretraining_saw": TAUGHT,
    "resize": RESIZED,
    "sanity_check": SANITY_CHECK,
    "reproduced": REPRODUCED,
}


def flags_of(rows: Iterable[Row]) -> tuple[Flag, ...]:
    """The flags that any of the rows has, in the order of ``FLAGS``."""
    found = {flag for row in rows for flag in _of_row(row)}
    return tuple(flag for flag in FLAGS if flag in found)


def _of_row(row: Row) -> list[Flag]:
    fields = {
        SAW_TEST_SCENE: row.saw_test_scene,
        SELF_REPORTED: row.self_reported or row.kind == "external",
        SANITY_CHECK: row.kind == "constant",
    }
    return [f for f, is_set in fields.items() if is_set] + [f for name, f in _NOTES.items() if row.notes.get(name)]
