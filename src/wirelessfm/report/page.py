"""Result rows -> one HTML page that needs nothing else: no network, no fonts, no script to be readable."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from wirelessfm.files import atomic_file
from wirelessfm.report.filters import controls
from wirelessfm.report.flags import FLAGS
from wirelessfm.report.leaderboard_section import leaderboard_section
from wirelessfm.report.looks import looks
from wirelessfm.report.map_section import embeddings_section, maps_section
from wirelessfm.report.maps import EmbeddingMap, UserMap
from wirelessfm.report.markup import Html, element, join
from wirelessfm.report.provenance import provenance_section
from wirelessfm.report.script import SCRIPT
from wirelessfm.report.sources import find_results, read_maps
from wirelessfm.report.style import STYLE
from wirelessfm.report.tables import TaskTable, all_budgets, task_tables
from wirelessfm.report.task_section import task_section
from wirelessfm.report.wording import counted, labels
from wirelessfm.tasks.row import Row, read_rows

# The browser is told to load nothing, whatever a result row contains.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
TITLE = "Wireless foundation models: results"


def write_report(
    out: str | os.PathLike[str],
    rows: Sequence[Row],
    maps: Sequence[UserMap] = (),
    embeddings: Sequence[EmbeddingMap] = (),
    summary: Sequence[str] = (),
    title: str = TITLE,
    rank_budget: float | None = None,
    sources: Sequence[str] = (),
) -> Path:
    """Write the report as one HTML file, atomically.

    Args:
        out: the file to write, by custom ending in ``.html``.
        rows: at least one result.
        maps: users of a scene, drawn in this order.
        embeddings: two-dimensional projections, drawn side by side.
        summary: sentences with the numbers that matter, shown first.
        title: heading of the page.
        rank_budget: label budget that orders the tables; None takes the smallest that most systems have.
        sources: names of the files the rows come from, for the provenance.

    Returns:
        The path written.

    Raises:
        WirelessFMError: no rows, a task ranked by different metrics, or a place that is not writable.
    """
    tables = task_tables(rows, rank_budget)
    page = _page(title, _body(rows, tables, maps, embeddings, summary, title, sources))
    with atomic_file(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return Path(out)


def report_results(
    results: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str] | None = None,
    summary: Sequence[str] = (),
    title: str = TITLE,
) -> Path:
    """One report on several results: folders and JSONL files.

    Args:
        results: at least one folder (its ``results.jsonl``, or else all its ``.jsonl`` files, and ``maps/*.npz``) or
            ``.jsonl`` file. Of rows that answer the same question, the last in this order counts.
        out: the file to write; None is ``report.html`` in the folder, or beside the file, of a single result and
            in the working directory for several.
        summary, title: as in `write_report`.

    Raises:
        WirelessFMError: nothing given, no such folder or file, no or broken results, or a broken map.
    """
    files = find_results(results)
    maps = read_maps(results)
    place = files[0].parent if len(results) == 1 else Path()
    return write_report(
        out or place / "report.html",
        read_rows(files),
        maps=[m for m in maps if isinstance(m, UserMap)],
        embeddings=[m for m in maps if isinstance(m, EmbeddingMap)],
        summary=summary,
        title=title,
        sources=[str(file) for file in files],
    )


def report_folder(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    summary: Sequence[str] = (),
    title: str = TITLE,
) -> Path:
    """As `report_results`, of one folder."""
    return report_results([folder], out, summary, title)


def _page(title: str, body: Html) -> str:
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("title", title),
        element("style", STYLE),
    )
    script = element("script", SCRIPT)
    return "<!DOCTYPE html>\n" + element("html", head, element("body", element("main", body), script), lang="en") + "\n"


def _body(
    rows: Sequence[Row],
    tables: Sequence[TaskTable],
    maps: Sequence[UserMap],
    embeddings: Sequence[EmbeddingMap],
    summary: Sequence[str],
    title: str,
    sources: Sequence[str],
) -> Html:
    look = looks(tables)
    overall = leaderboard_section(tables)
    return join(
        element("h1", title),
        element("p", _what_was_tested(rows, tables)),
        element("ul", *[element("li", line) for line in summary], class_="summary") if summary else None,
        _contents(tables, overall is not None, bool(maps), bool(embeddings)),
        controls(tables),
        overall,
        *[task_section(table, look, i) for i, table in enumerate(tables)],
        maps_section(maps) if maps else None,
        embeddings_section(embeddings) if embeddings else None,
        provenance_section(rows, sources),
        _how_to_read(tables),
    )


def _what_was_tested(rows: Sequence[Row], tables: Sequence[TaskTable]) -> str:
    n_systems = len({e.name for t in tables for e in t.entries})
    scenes = ", ".join(dict.fromkeys(scene for t in tables for scene in t.scenes)) or "unnamed scenes"
    budgets = [labels(b) for b in all_budgets(tables)]
    n_seeds = len({row.seed for row in rows})
    seeds = f"with {n_seeds} seeds" if n_seeds > 1 else "with one seed"
    learned = f"fitted with {', '.join(budgets)}" if budgets else "applied without labels"
    cases = sorted({t.case for t in tables})
    in_cases = f", generalisation cases {', '.join(cases)}" if len(cases) > 1 else ""
    return (
        f"{counted(n_systems, 'system')} {'is' if n_systems == 1 else 'are'} compared on "
        f"{counted(len({t.task for t in tables}), 'task')} in {scenes}{in_cases}. "
        f"Each is {learned} and tested on samples it was not fitted on, "
        f"{seeds}; rules and constants that need no labels compete at every budget."
    )


def _contents(tables: Sequence[TaskTable], has_overall: bool, has_maps: bool, has_embeddings: bool) -> Html:
    links = [("leaderboard", "Leaderboard")] * has_overall
    links += [(f"task{i}", table.title) for i, table in enumerate(tables)]
    links += [("maps", "Maps")] * has_maps + [("embeddings", "Embeddings")] * has_embeddings
    links += [("provenance", "Provenance")]
    return element("nav", *[element("a", name, href=f"#{place}") for place, name in links], aria_label="Contents")


def _how_to_read(tables: Sequence[TaskTable]) -> Html:
    kinds = (
        "A label budget is the fraction, or the number, of the training labels given to a system. Encoder: its "
        "features are frozen or tuned below a head. Features: a fixed transform of the channel below the same head. "
        "Network: trained from random weights on the labels alone. Rule: computed from the channel without labels. "
        "Correction: what a rule, or a model without a head, says, with labels on top. "
        "Constant: the same answer for every sample. External: predictions from outside. Parameters are counted "
        "without the head."
    )
    cases = (
        "Generalisation cases (3GPP TR 38.843): 1, trained and tested on the same scenario; 2, tested on another one; "
        "2A, as 2 and tuned on a little of the other; 3, trained on a mixture."
    )
    found = {flag for t in tables for e in t.entries for flag in e.flags}
    flags = [f"{flag.text}: {flag.meaning}" for flag in FLAGS if flag in found]
    return element(
        "footer",
        element("p", kinds),
        element("p", cases) if len({t.case for t in tables}) > 1 else None,
        element("p", "Flags. ", " ".join(flags)) if flags else None,
    )
