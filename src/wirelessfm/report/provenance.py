"""Where the numbers come from: of one line, of each system with weights and corpora, of each split."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from wirelessfm.models.card_text import in_short
from wirelessfm.report.entries import Entry
from wirelessfm.report.markup import Html, element
from wirelessfm.report.parts import scrolling
from wirelessfm.report.wording import grouped, labels, magnitude
from wirelessfm.tasks.row import Row

_COSTS = {
    "macs": "multiply-accumulates",
    "latency_ms_1": "ms a sample, one at a time",
    "latency_ms_32": "ms a sample, 32 at a time",
    "peak_mb": "MB at most",
}
_MAX_TEXT = 160


def line_provenance(entry: Entry) -> Html:
    """What stands behind one line of a ranking, as terms and values; terms without a value are left out."""
    rows = entry.rows
    facts = {
        "Weights": _listed(dict.fromkeys(row.weights for row in rows)),
        "Corpora": in_short(dict.fromkeys(c for row in rows for c in row.corpora)) or "–",
        "Test scenes": _listed(scene for row in rows for scene in row.scenes),
        "Seeds": _listed(str(seed) for seed in sorted({row.seed for row in rows})),
        "Splits": _listed(row.split for row in rows),
        "Tested samples": _listed(grouped(n) for n in sorted({row.n_test for row in rows})),
        "Costs": _listed(_cost(name, value) for name, value in entry.costs.items() if value),
        "Notes": _notes(rows),
        "wirelessfm": _listed(row.version for row in rows),
        "Flags": " ".join(f"{flag.text}: {flag.meaning}" for flag in entry.flags) or "–",
    }
    terms = [
        element("div", element("dt", term), " ", element("dd", text)) for term, text in facts.items() if text != "–"
    ]
    return element("dl", *terms)


def _cost(name: str, value: float) -> str:
    return f"{magnitude(value) if value >= 1000 else f'{value:.3g}'} {_COSTS.get(name, name)}"


def _notes(rows: Iterable[Row]) -> str:
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for row in rows:
        for name, value in row.notes.items():
            found[name][_shortened(str(value))] = None
    return _shortened("; ".join(f"{name}: {', '.join(values)}" for name, values in found.items()), 4) or "–"


def _shortened(text: str, times: int = 1) -> str:
    return text if len(text) <= times * _MAX_TEXT else text[: times * _MAX_TEXT] + "…"


def provenance_section(rows: Sequence[Row], sources: Sequence[str] = ()) -> Html:
    """Two tables, one line for each system and one for each split, and the files read."""
    files = element("p", f"Read: {', '.join(sources)}.", class_="note") if sources else None
    return element(
        "section",
        element("h2", "Provenance"),
        files,
        _systems(rows),
        element("details", element("summary", "Splits: which samples were labelled and tested"), _splits(rows)),
        id="provenance",
    )


def _systems(rows: Sequence[Row]) -> Html:
    groups: dict[tuple[str, str, bool, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.system, row.kind, row.pretrained, row.weights if row.pretrained else ""].append(row)
    lines = [
        [
            system,
            kind,
            "yes" if pretrained else "no",
            element("code", weights) if weights else "–",
            in_short(dict.fromkeys(c for row in group for c in row.corpora)) or "–",
            element("span", "yes", class_="flag") if any(row.saw_test_scene for row in group) else "no",
            _listed(str(s) for s in sorted({row.seed for row in group})),
            _listed(row.version for row in group),
        ]
        for (system, kind, pretrained, weights), group in groups.items()
    ]
    names = ["System", "Kind", "Pretrained", "Weights", "Corpora", "Saw test scene", "Seeds", "wirelessfm"]
    return _table(names, lines)


def _splits(rows: Sequence[Row]) -> Html:
    groups: dict[tuple[str, str, float, int, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.task, row.case, row.budget, row.seed, row.split].append(row)
    lines = [
        [
            task,
            case,
            labels(budget),
            str(seed),
            element("code", split) if split else "–",
            _listed(grouped(n) for n in sorted({row.n_labels for row in group})),
            _listed(grouped(n) for n in sorted({row.n_test for row in group})),
            _listed(scene for row in group for scene in row.scenes),
            str(len({row.system for row in group})),
        ]
        for (task, case, budget, seed, split), group in sorted(groups.items())
    ]
    return _table(["Task", "Case", "Budget", "Seed", "Fingerprint", "Labelled", "Tested", "Scenes", "Systems"], lines)


def _listed(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(v for v in values if v)) or "–"


def _table(names: Sequence[str], lines: Sequence[Sequence[object]]) -> Html:
    head = element("tr", *[element("th", name, scope="col") for name in names])
    body = [
        element("tr", element("th", first, scope="row"), *[element("td", c) for c in rest]) for first, *rest in lines
    ]
    return scrolling(element("table", element("thead", head), element("tbody", *body)))
