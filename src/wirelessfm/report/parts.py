"""Pieces that several tables of the page share."""

from __future__ import annotations

from wirelessfm.report.entries import Entry
from wirelessfm.report.markup import Html, element, join
from wirelessfm.report.wording import kind_name, size_class


def scrolling(*content: Html) -> Html:
    """A box in which wide content scrolls sideways, so that the page does not."""
    return element("div", *content, class_="scroll", tabindex="0", role="region", aria_label="table")


def system_name(entry: Entry) -> Html:
    """System and head, with a visible word for each flag."""
    marks = [
        join(" ", element("span", f.text, class_="flag" if f.is_caution else "flag good", title=f.meaning))
        for f in entry.flags
    ]
    return join(entry.label, *marks)


def line_data(entry: Entry) -> dict[str, str]:
    """What the filters of the page ask of a line, as attributes."""
    return {
        "data_head": entry.head,
        "data_kind": kind_name(entry),
        "data_size": size_class(entry.n_parameters),
        "data_bound": "yes" if entry.is_bound else "no",
        "data_flagged": "yes" if any(flag.is_caution for flag in entry.flags) else "no",
    }


def column(name: str | Html, better: str | None = None, small: str | None = None, **data: str) -> Html:
    """Head of a column; ``better`` is ``low``, ``high`` or ``text`` and lets it be sorted by."""
    note = element("small", f" {small}") if small else None
    return element("th", name, note, scope="col", data_better=better, **data)


def plain_table(heads: list[Html], lines: list[Html], class_: str = "sortable") -> Html:
    """A table that scrolls by itself."""
    head = element("thead", element("tr", *heads))
    return scrolling(element("table", head, element("tbody", *lines), class_=class_))
