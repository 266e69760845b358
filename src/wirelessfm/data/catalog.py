"""Every corpus by name, and how the list looks."""

from __future__ import annotations

from dataclasses import asdict

from wirelessfm.data.catalog_entries import OBTAIN, RECIPES, SHIPPED, TASK_KINDS, Entry
from wirelessfm.errors import WirelessFMError

CATALOG: dict[str, Entry] = {entry.name: entry for entry in (*SHIPPED, *RECIPES, *OBTAIN)}


def find_entries(containing: str = "") -> list[Entry]:
    """The entry of that name; else all with ``containing`` in any field, ignoring case.

    Raises:
        WirelessFMError: none has it.
    """
    if containing in CATALOG:
        return [CATALOG[containing]]
    found = [entry for entry in CATALOG.values() if containing.lower() in str(asdict(entry)).lower()]
    if not found:
        raise WirelessFMError(
            f"no corpus mentions '{containing}'; try shipped, recipe or obtain, ray-traced, simulated or measured, "
            f"a task ({', '.join(TASK_KINDS)}) or a name: {', '.join(CATALOG)}"
        )
    return found


def catalog_table(containing: str = "", details: bool = False) -> str:
    """Two lines an entry: name, kind, content, carriers, array and size; tasks.

    Args:
        containing: as in :func:`find_entries`.
        details: also where it comes from, its licence, and the command that gets or converts it.
    """
    entries = find_entries(containing)
    cells = [(e.name, e.kind, f"{e.origin} {e.content}", _carriers(e), e.array, e.size) for e in entries]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for entry, row in zip(entries, cells, strict=True):
        lines.append("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
        lines.append(f"    tasks    {', '.join(entry.tasks)}")
        if details:
            lines += [f"    from     {entry.where}", f"    licence  {entry.licence}", f"    get it   {entry.how}"]
    return "\n".join(lines)


def _carriers(entry: Entry) -> str:
    return ", ".join(f"{carrier / 1e9:g}" for carrier in entry.carrier_hz) + " GHz" if entry.carrier_hz else "various"
