"""The published encoders by name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from wirelessfm.errors import unknown_name
from wirelessfm.models import lwm, wifo, wimae
from wirelessfm.models.published import Origin, PublishedEncoder, System


@dataclass(frozen=True)
class Entry:
    """A named configuration of a published system."""

    system: System
    config: Any
    origin: Origin


PUBLISHED: dict[str, Entry] = {
    name: Entry(module.SYSTEM, config, module.ORIGINS[name])
    for module in (lwm, wimae, wifo)
    for name, config in module.CONFIGS.items()
}


def entry(name: str) -> Entry:
    """The entry of a published encoder.

    Raises:
        WirelessFMError: unknown name; lists the known ones.
    """
    if name not in PUBLISHED:
        raise unknown_name("published encoder", name, PUBLISHED)
    return PUBLISHED[name]


def build_published(name: str, **changes: Any) -> PublishedEncoder:
    """A published encoder with fresh weights, with fields of its configuration changed."""
    found = entry(name)
    return found.system.build(replace(found.config, **changes))
