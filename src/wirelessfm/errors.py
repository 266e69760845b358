"""The one error type a user sees, and the sentences several places share.

Every message says what was expected, what was found and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class WirelessFMError(ValueError):
    """Bad input or a bad environment, explained in one message; the command line prints it without a traceback."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> WirelessFMError:
    """The error for a failed lookup: lists the known names and, when one is close, suggests it."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return WirelessFMError(f"unknown {kind} '{name}'.{hint} Known: {', '.join(names) or 'none'}")


def missing_extra(package: str, extra: str) -> WirelessFMError:
    """The error for an optional package that is not installed."""
    return WirelessFMError(
        f"this needs the package '{package}', which is not installed; "
        f"install it with: pip install 'wirelessfm[{extra}]'"
    )
