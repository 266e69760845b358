"""The catalogue is complete, and what it tells users to type exists."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from wirelessfm.data import corpus
from wirelessfm.data.catalog import CATALOG, catalog_table, find_entries
from wirelessfm.data.catalog_entries import TASK_KINDS, Entry
from wirelessfm.data.readers import CSI_READERS, IQ_READERS, PATH_READERS
from wirelessfm.errors import WirelessFMError

ENTRIES = list(CATALOG.values())
SHIPPED = [entry.name for entry in ENTRIES if entry.kind == "shipped"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_is_complete(entry: Entry) -> None:
    assert CATALOG[entry.name] is entry
    for field in fields(entry):
        value = getattr(entry, field.name)
        assert value or field.name == "carrier_hz", field.name
        assert not isinstance(value, str) or value == value.strip()
    assert set(entry.tasks) <= set(TASK_KINDS)
    assert all(1e8 < carrier < 1e11 for carrier in entry.carrier_hz)


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.kind == "obtain"], ids=lambda entry: entry.name)
def test_conversions_name_readers_that_give_what_is_promised(entry: Entry) -> None:
    readers = {"Paths": PATH_READERS, "CSI": CSI_READERS, "IQ": IQ_READERS, "table": {}}[entry.content]
    named = re.findall(r"--layout ([\w-]+)|READERS\['([\w-]+)'\]", entry.how)
    assert bool(named) == (entry.content != "table")
    assert {a or b for a, b in named} <= set(readers)
    assert entry.how.startswith("wfm data convert ") == (entry.content in ("Paths", "CSI"))


def test_recipes_are_commands() -> None:
    recipes = [entry for entry in ENTRIES if entry.kind == "recipe"]
    assert all(re.match(r"wfm (simulate|trace) \S+ .*--out \S+$", entry.how) for entry in recipes)
    assert {f"D{n}" for n in range(1, 20)} <= {entry.name for entry in recipes}


def test_every_shipped_city_loads_and_nothing_else_ships() -> None:
    try:
        names = corpus.names()
    except WirelessFMError:
        pytest.skip("the shipped corpus is not in this checkout")
    assert {name.rsplit("-", 2)[0] for name in names} == set(SHIPPED)
    for scene in SHIPPED:
        sites = corpus.load_corpora([scene])
        assert {site.meta.carrier_hz for site in sites} == set(CATALOG[scene].carrier_hz)
        assert all(site.meta.licence == CATALOG[scene].licence for site in sites)


def test_table_shows_what_is_asked_for() -> None:
    lines = catalog_table().splitlines()
    assert len(lines) == 2 * len(CATALOG) and max(map(len, lines)) <= 145
    assert [line.split()[0] for line in lines[::2]] == list(CATALOG)
    measured = find_entries("Measured")
    assert {entry.origin for entry in measured} == {"measured"} and len(measured) == 7
    assert [entry.name for entry in find_entries("activity")] == ["esp32-csi-har-geotec"]
    # An exact name is not also the beginning of others.
    assert [entry.name for entry in find_entries("D1")] == ["D1"]
    with pytest.raises(WirelessFMError, match=r"no corpus mentions 'moon'.*munich"):
        catalog_table("moon")


def test_details_have_every_field() -> None:
    entry = CATALOG["lwm-six-cities"]
    text = catalog_table(entry.name, details=True)
    assert len(text.splitlines()) == 5 and "3.5, 28 GHz" in text
    assert all(part in text for part in (entry.size, *entry.tasks, entry.where, entry.licence, entry.how))
