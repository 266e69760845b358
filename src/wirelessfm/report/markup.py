"""HTML from nested calls; everything that is not already HTML is escaped."""

from __future__ import annotations

from html import escape


class Html(str):
    """Text that is already HTML. Only this module, the plots and constants of this package may make one."""


VOID = {"meta", "br", "input"}


def element(tag: str, *children: object, **attributes: object) -> Html:
    """One element with escaped children and attributes.

    Args:
        tag: element name.
        children: `Html` is inserted as it is, other values as escaped text; None is left out.
        attributes: ``class_`` becomes ``class``, ``data_value`` becomes ``data-value``; True gives a bare
            attribute, None and False give none.
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{join(*children)}</{tag}>")


def join(*children: object) -> Html:
    """Children one after the other."""
    return Html("".join(c if isinstance(c, Html) else escape(str(c)) for c in children if c is not None))


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
