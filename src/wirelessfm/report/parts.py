"""Pieces that several tables of the page share."""

from __future__ import annotations

from wirelessfm.report.markup import Html, element, join
from wirelessfm.report.tables import Entry


def scrolling(*content: Html) -> Html:
    """A box in which wide content scrolls sideways, so that the page does not."""
    return element("div", *content, class_="scroll", tabindex="0", role="region", aria_label="table")


def system_name(entry: Entry) -> Html:
    """System and head, with a visible flag for a system whose pretraining saw the test scene."""
    flag = element("span", "saw test scene", class_="flag", title="A test scene is among its pretraining corpora.")
    return join(entry.label, " ", flag) if entry.saw_test_scene else join(entry.label)
