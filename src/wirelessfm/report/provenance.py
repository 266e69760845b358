"""Where the numbers come from: systems with weights and corpora, splits with fingerprints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from wirelessfm.report.markup import Html, element
from wirelessfm.report.parts import scrolling
from wirelessfm.report.wording import grouped, labels
from wirelessfm.tasks.row import Row


def provenance_section(rows: Sequence[Row]) -> Html:
    """Two tables: one line for each system and one for each split."""
    return element(
        "section",
        element("h2", "Provenance"),
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
            _listed(c for row in group for c in row.corpora),
            element("span", "yes", class_="flag") if any(row.saw_test_scene for row in group) else "no",
            _listed(str(s) for s in sorted({row.seed for row in group})),
            _listed(row.version for row in group),
        ]
        for (system, kind, pretrained, weights), group in groups.items()
    ]
    names = ["System", "Kind", "Pretrained", "Weights", "Corpora", "Saw test scene", "Seeds", "wirelessfm"]
    return _table(names, lines)


def _splits(rows: Sequence[Row]) -> Html:
    groups: dict[tuple[str, float, int, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.task, row.budget, row.seed, row.split].append(row)
    lines = [
        [
            task,
            labels(budget),
            str(seed),
            element("code", split) if split else "–",
            _listed(grouped(n) for n in sorted({row.n_labels for row in group})),
            _listed(grouped(n) for n in sorted({row.n_test for row in group})),
            _listed(scene for row in group for scene in row.scenes),
            str(len({row.system for row in group})),
        ]
        for (task, budget, seed, split), group in sorted(groups.items())
    ]
    return _table(["Task", "Budget", "Seed", "Fingerprint", "Labelled", "Tested", "Scenes", "Systems"], lines)


def _listed(values: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(v for v in values if v)) or "–"


def _table(names: Sequence[str], lines: Sequence[Sequence[object]]) -> Html:
    head = element("tr", *[element("th", name, scope="col") for name in names])
    body = [
        element("tr", element("th", first, scope="row"), *[element("td", c) for c in rest]) for first, *rest in lines
    ]
    return scrolling(element("table", element("thead", head), element("tbody", *body)))
