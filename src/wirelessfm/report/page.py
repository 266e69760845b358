"""Result rows -> one HTML page that needs nothing else: no network, no fonts, no script to be readable."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_file
from wirelessfm.report.curves import looks
from wirelessfm.report.map_section import embeddings_section, maps_section
from wirelessfm.report.maps import EmbeddingMap, UserMap, load_map
from wirelessfm.report.markup import Html, element, join
from wirelessfm.report.overview import overview_section
from wirelessfm.report.provenance import provenance_section
from wirelessfm.report.style import SCRIPT, STYLE
from wirelessfm.report.tables import TaskTable, task_tables
from wirelessfm.report.task_section import task_section
from wirelessfm.report.wording import labels, share
from wirelessfm.tasks.row import Row, read_rows

# The browser is told to load nothing, whatever a result row contains.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
RESULTS, MAPS = "results.jsonl", "maps"


def write_report(
    out: str | os.PathLike[str],
    rows: Sequence[Row],
    maps: Sequence[UserMap] = (),
    embeddings: Sequence[EmbeddingMap] = (),
    summary: Sequence[str] = (),
    title: str = "Wireless foundation models: results",
    rank_budget: float | None = None,
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

    Returns:
        The path written.

    Raises:
        WirelessFMError: no rows, a task ranked by different metrics, or a place that is not writable.
    """
    tables = task_tables(rows, rank_budget)
    page = _page(title, _body(rows, tables, maps, embeddings, summary, title))
    with atomic_file(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return Path(out)


def report_folder(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    summary: Sequence[str] = (),
    title: str = "Wireless foundation models: results",
) -> Path:
    """Report on a results folder: ``results.jsonl`` and, where there are any, ``maps/*.npz`` in order of name.

    Args:
        folder: as written by an evaluation.
        out: the file to write; None is ``report.html`` in the folder.
        summary, title: as in `write_report`.

    Raises:
        WirelessFMError: no such folder, no or broken results, or a broken map.
    """
    folder = Path(folder)
    if not (folder / RESULTS).is_file():
        raise WirelessFMError(f"expected a results folder with '{RESULTS}' at '{folder}', found none; evaluate first")
    loaded = [load_map(path) for path in sorted((folder / MAPS).glob("*.npz"))]
    return write_report(
        out or folder / "report.html",
        read_rows([folder / RESULTS]),
        maps=[m for m in loaded if isinstance(m, UserMap)],
        embeddings=[m for m in loaded if isinstance(m, EmbeddingMap)],
        summary=summary,
        title=title,
    )


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
) -> Html:
    shown = looks(tables)
    return join(
        element("h1", title),
        element("p", _what_was_tested(rows, tables)),
        element("ul", *[element("li", line) for line in summary], class_="summary") if summary else None,
        _contents(tables, bool(maps), bool(embeddings)),
        _controls(tables),
        overview_section(tables),
        *[task_section(table, shown, i) for i, table in enumerate(tables)],
        maps_section(maps) if maps else None,
        embeddings_section(embeddings) if embeddings else None,
        provenance_section(rows),
        element("footer", _how_to_read()),
    )


def _what_was_tested(rows: Sequence[Row], tables: Sequence[TaskTable]) -> str:
    n_systems = len({e.name for t in tables for e in t.entries})
    scenes = ", ".join(dict.fromkeys(scene for t in tables for scene in t.scenes)) or "unnamed scenes"
    budgets = [share(b) for b in sorted({b for t in tables for b in t.budgets})]
    n_seeds = len({row.seed for row in rows})
    seeds = f"with {n_seeds} seeds" if n_seeds > 1 else "with one seed"
    learned = f"fitted on {', '.join(budgets)} of the training labels" if budgets else "applied without labels"
    return (
        f"{_counted(n_systems, 'system')} {'is' if n_systems == 1 else 'are'} compared on "
        f"{_counted(len(tables), 'task')} in {scenes}. Each is {learned} and tested on samples it was not fitted on, "
        f"{seeds}; rules and constants that need no labels compete at every budget."
    )


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _contents(tables: Sequence[TaskTable], has_maps: bool, has_embeddings: bool) -> Html:
    links = [("overview", "Overview")] if len(tables) > 1 else []
    links += [(f"task{i}", table.task) for i, table in enumerate(tables)]
    links += [("maps", "Maps")] * has_maps + [("embeddings", "Embeddings")] * has_embeddings
    links += [("provenance", "Provenance")]
    return element("nav", *[element("a", name, href=f"#{place}") for place, name in links], aria_label="Contents")


def _controls(tables: Sequence[TaskTable]) -> Html:
    tasks = [element("option", table.task, value=str(i)) for i, table in enumerate(tables)]
    budgets = sorted({b for t in tables for b in t.budgets})
    amounts = [element("option", labels(b), value=f"{b:g}") for b in budgets]
    return element(
        "div",
        element("label", "Task ", element("select", element("option", "all", value=""), *tasks, id="filter-task")),
        element(
            "label", "Labels ", element("select", element("option", "all", value=""), *amounts, id="filter-budget")
        ),
        id="controls",
        class_="controls",
        hidden=True,
    )


def _how_to_read() -> str:
    return (
        "A label budget is the fraction of the training labels given to a system. Encoder: its features are frozen or "
        "tuned below a head. Features: a fixed transform of the channel below the same head. Network: trained from "
        "random weights on the labels alone. Rule: computed from the channel without labels. Constant: the same answer "
        "for every sample. Parameters are counted without the head."
    )
