"""The tables of docs/flagship.md, from the results of `wfm evaluate`.

    python benchmarks/flagship_tables.py docs/flagship.md --results florence=results/results.jsonl \\
        --results fortworth=foreign/results.jsonl --results estimation=estimates/results.jsonl \\
        --results prediction=predictions/results.jsonl

A table stands between `<!-- table NAME -->` and `<!-- end -->`; those that the given results are about are written
again. The same place may be given several files. With `--keep`, what the results say nothing of stays as it is on the
page. Commands that make the results are in docs/log.md.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from wirelessfm.compare import best_head
from wirelessfm.errors import WirelessFMError
from wirelessfm.files import atomic_file
from wirelessfm.metrics import lower_is_better
from wirelessfm.report.wording import shown
from wirelessfm.tasks.row import Row, read_rows

FLAGSHIP = "wfm-spectrum-800k"
Lines = Mapping[str, Sequence[str]]
Pick = Callable[[Row, str], bool]

COLUMNS = {
    "LoS": "los",
    "beam 32 ant.": "beam-64-antennas-32",
    "32, 10 dB": "beam-64-antennas-32-10db",
    "8 ant.": "beam-64-antennas-8",
    "4 ant.": "beam-64-antennas-4",
    "same band, 8 of 32": "partial-beam-8",
    "position": "localisation",
    "path loss": "path-loss-28ghz",
}
# Again, where noise costs most.
NOISY_COLUMNS = {"LoS, 10 dB": "los-10db", "8, 10 dB": "beam-64-antennas-8-10db", "4, 10 dB": "beam-64-antennas-4-10db"}
RULES = ("power-delay", "same-sweep-beam", "phase-slope-position", "free-space-path-loss")
RESOLVED = ("resolved-paths-los", "resolved-paths-beam", "resolved-paths-position", "resolved-paths-path-loss")
ANSWERS = ("los", "beams", "same-band")
ALONE = " (summary+beams)"  # the embedding of the network alone
WITHOUT_LABELS: Lines = {
    "rule": RULES,
    "rule: resolved paths": RESOLVED,
    "flagship": [f"{FLAGSHIP}:{a}" for a in ANSWERS],
    "network alone": [f"{FLAGSHIP}:network-{a}" for a in ANSWERS],
    "network alone, 120 s": [f"spectrum-120s:network-{a}" for a in ANSWERS],
    "network alone, self-supervised": ["spectrum-self-supervised:network-same-band"],
    "bound if phases are unknown": ["path-power-genie", "path-power-genie-in-noise"],
    "bound if they are known": ["path-phase-genie"],
}
WITH_LABELS: Lines = {
    "flagship, its answers corrected": [
        f"{start}+{FLAGSHIP}" for start in (*(f"{FLAGSHIP}:{a}" for a in ANSWERS), *RESOLVED[2:])
    ],
    "network alone, its answers corrected": [
        f"{start}+{FLAGSHIP}{ALONE}" for start in (*(f"{FLAGSHIP}:network-{a}" for a in ANSWERS), *RULES[2:])
    ],
    "rules corrected (autocorrelation)": [f"{rule}+autocorrelation" for rule in RULES],
    "flagship, head": [FLAGSHIP],
    "random weights": ["wfm-spectrum-random"],
    "network alone": [FLAGSHIP + ALONE],
    "network alone, 120 s": ["spectrum-120s" + ALONE],
    "network alone, self-supervised": ["spectrum-self-supervised" + ALONE],
    "network alone, random weights": ["wfm-spectrum-random" + ALONE],
    "masked autoencoder": ["demo"],
    "physics features": ["physics"],
    "autocorrelation": ["autocorrelation"],
    "kNN fingerprint": ["knn"],
    "CNN": ["cnn"],
    "raw": ["raw"],
    "ContraWiMAE": ["contrawimae", "contrawimae (pad)"],
    "WiFo-Tiny": ["wifo-tiny (repeat)"],
    "LWM 1.0": ["lwm-1.0", "lwm-1.0 (pad)"],
}
NUMBERED: Lines = {
    "flagship, its answers corrected": [f"{FLAGSHIP}:{a}+{FLAGSHIP}" for a in ANSWERS],
    "network alone, its answers corrected": [f"{FLAGSHIP}:network-{a}+{FLAGSHIP}{ALONE}" for a in ANSWERS],
    "flagship, head": [FLAGSHIP],
    "random weights": ["wfm-spectrum-random"],
    "network alone": [FLAGSHIP + ALONE],
    "autocorrelation": ["autocorrelation"],
}
ESTIMATORS: Lines = {
    "flagship": [FLAGSHIP],
    "resolved waves": ["resolved-waves"],
    "OMP": ["omp"],
    "LMMSE, sample covariance": ["lmmse"],
    "denoising CNN": ["denoising-cnn"],
    "LS, linear": ["ls-linear"],
    "bound: true covariance": ["lmmse-genie"],
}
ESTIMATION_TASKS = {
    "interpolate-subcarriers": "between subcarriers",
    "extrapolate-antennas": "8 antennas beyond 24",
    "interpolate-antennas": "between every 4th antenna",
}
PREDICTORS: Lines = {
    "flagship, zero-shot": [FLAGSHIP],
    "the same, random weights": ["wfm-spectrum-random"],
    "AR (Burg)": ["ar"],
    "LSTM": ["lstm"],
    "Transformer": ["transformer"],
    "3D-ResNet": ["resnet3d"],
    "LLM4CP, random GPT-2": ["llm4cp-random"],
    "WiFo-Tiny (120 s)": ["wifo-tiny"],
}


def table(corner: str, rows: Sequence[Row], lines: Lines, columns: Iterable[str], pick: Pick) -> str:
    """Markdown: a line for each entry that has rows; the best of every column bold, bounds apart."""
    columns = list(columns)
    found = {
        (line, column): best_head([row for row in rows if row.system in systems and pick(row, column)])
        for line, systems in lines.items()
        for column in columns
    }
    best = {column: _best([found[line, column] for line in lines if "bound" not in line]) for column in columns}
    used = [line for line in lines if any(found[line, column] for column in columns)]
    body = [[line, *(_cell(found[line, c], np.nan if "bound" in line else best[c]) for c in columns)] for line in used]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [[corner, *columns], ["---"] * (len(columns) + 1), *body])


def _score(rows: Sequence[Row]) -> tuple[float, float]:
    """Mean and standard deviation over seeds, as they are shown, to one decimal."""
    scores = [shown(row.score, row.metric) for row in rows]
    return round(float(np.mean(scores)), 1) + 0.0, float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0


def _best(cells: Sequence[Sequence[Row]]) -> float:
    means = [_score(rows)[0] for rows in cells if rows]
    metric = next((rows[0].metric for rows in cells if rows), "")
    return (min if lower_is_better(metric) else max)(means) if means else np.nan


def _cell(rows: Sequence[Row], best: float) -> str:
    if not rows:
        return "–"
    mean, std = _score(rows)
    text = (f"{mean:.1f}±{std:.1f}" if len(rows) > 1 else f"{mean:.1f}").replace("-", "−")
    return f"**{text}**" if mean == best else text


def of_budget(rows: Sequence[Row], budget: float) -> list[Row]:
    """The rows with so many labels."""
    return [row for row in rows if abs(row.budget - budget) < 1e-9]


def city_tables(city: str, rows: Sequence[Row]) -> dict[str, str]:
    """Without labels, with 10 and 100 % of them, and with as many as others have published."""
    columns = COLUMNS | NOISY_COLUMNS

    def of_task(row: Row, column: str) -> bool:
        return row.task == columns[column]

    def corner(budget: float) -> str:
        counts = {t: [row.n_labels for row in of_budget(rows, budget) if row.task == t] for t in COLUMNS.values()}
        usual, positions = (f"{np.mean(counts[t] or [0]):,.0f}" for t in ("los", "localisation"))
        return f"{usual} labels ({positions} for positions)"

    made = {f"{city} 0": table("no labels", of_budget(rows, 0.0), WITHOUT_LABELS, columns, of_task)}
    for budget in (0.1, 1.0):
        made[f"{city} {budget:.0%}"] = table(corner(budget), of_budget(rows, budget), WITH_LABELS, COLUMNS, of_task)
    for budget in (148.0, 593.0):
        few = list(COLUMNS)[:5]
        made[f"{city} {budget:.0f}"] = table(f"{budget:.0f} labels", of_budget(rows, budget), NUMBERED, few, of_task)
    return made


def estimation_tables(rows: Sequence[Row]) -> dict[str, str]:
    """Over SNR, for pilots and for everything observed; the others without noise."""
    names = ["nmse_db", *(f"nmse_db@{snr}" for snr in range(-10, 31, 5))]
    heads = {"all": names[0], **{f"{snr} dB".replace("-", "−"): f"nmse_db@{snr}" for snr in range(-10, 31, 5)}}
    made = {}
    for task in ("estimate-pilots", "denoise"):
        spread = [_at(row, name) for row in rows if row.task == task for name in names if name in row.metrics]
        made[f"estimation {task}"] = table("NMSE in dB", spread, ESTIMATORS, heads, lambda r, c: r.case == heads[c])
    tasks = {head: task for task, head in ESTIMATION_TASKS.items()}
    made["estimation noiseless"] = table("NMSE in dB", rows, ESTIMATORS, tasks, lambda r, c: r.task == tasks[c])
    return made


def _at(row: Row, name: str) -> Row:
    """The row at one signal-to-noise ratio, named in ``case``."""
    return replace(row, metrics={"nmse_db": row.metrics[name]}, metric="nmse_db", case=name)


def prediction_tables(rows: Sequence[Row]) -> dict[str, str]:
    """One for each axis, a column for each set."""
    sets = sorted({row.scenes[0] for row in rows}, key=lambda name: int(name.removeprefix("D")))
    made = {}
    for axis in ("time", "frequency"):
        of_axis = [row for row in rows if row.task == f"predict-{axis}"]
        corner = f"{axis}, NMSE in dB"
        made[f"prediction {axis}"] = table(corner, of_axis, PREDICTORS, sets, lambda r, c: r.scenes[0] == c)
    return made


def merged(old: str, new: str) -> str:
    """A table with the cells of ``new``, and those of ``old`` where it has none; the best of every column bold.

    Lines of one of the tables above stand in its order; else, as columns do, in that of ``new``, and what ``old`` alone
    has behind what it stood behind.
    """
    (corner, before), (_, after) = _parsed(old), _parsed(new)
    columns = _woven(list(next(iter(before.values()), {})), list(next(iter(after.values()), {})))
    lines: dict[str, dict[str, str]] = {}
    for name in _in_order(_woven(list(before), list(after))):
        found = [cells.get(name, {}) for cells in (after, before)]
        lines[name] = {c: next((f[c] for f in found if f.get(c, "–") != "–"), "–") for c in columns}
    for column in columns:
        _embolden(lines, column, column in ("position", "path loss") or "NMSE" in corner)
    body = [[corner, *columns], ["---"] * (len(columns) + 1), *([name, *line.values()] for name, line in lines.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in body)


def _parsed(table: str) -> tuple[str, dict[str, dict[str, str]]]:
    """What stands in the corner, and the cells of every line by column, none of them bold."""
    head, _, *body = [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in table.strip().splitlines()]
    return head[0], {name: dict(zip(head[1:], cells, strict=True)) for name, *cells in body}


def _embolden(lines: Mapping[str, dict[str, str]], column: str, lower: bool) -> None:
    asked = {name: cells[column] for name, cells in lines.items() if "bound" not in name and cells[column] != "–"}
    scores = {name: float(cell.split("±")[0].replace("−", "-")) for name, cell in asked.items()}
    best = (min if lower else max)(scores.values(), default=np.nan)
    for name, score in scores.items():
        if score == best:
            lines[name][column] = f"**{asked[name]}**"


def _in_order(names: Sequence[str]) -> list[str]:
    for lines in (WITHOUT_LABELS, WITH_LABELS, ESTIMATORS, PREDICTORS):
        if {*names} <= {*lines}:
            return [name for name in lines if name in names]
    return list(names)


def _woven(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Both lists in one order: what only the old one has stays behind what it stood behind."""
    order = list(new)
    for at, name in enumerate(old):
        if name not in order:
            order.insert(order.index(old[at - 1]) + 1 if at else 0, name)
    return order


def replaced(text: str, tables: Mapping[str, str], keep: bool = False) -> str:
    """The page with every table it has a place for; ``keep``: :func:`merged` with what stands there.

    Raises:
        WirelessFMError: it has a place for none of them.
    """
    places = {name: re.compile(rf"(<!-- table {re.escape(name)} -->\n)(.*?)(\n<!-- end -->)", re.S) for name in tables}
    used = {name: place for name, place in places.items() if place.search(text)}
    if not used:
        raise WirelessFMError(f"expected a comment such as '<!-- table {next(iter(tables))} -->', found none")
    for name, place in used.items():
        found = place.search(text)
        table = merged(found[2], tables[name]) if keep and found else tables[name]
        text = place.sub(rf"\g<1>{_literal(table)}\g<3>", text)
    return text


def _literal(text: str) -> str:
    return text.replace("\\", r"\\")


def main() -> None:
    """Write the page again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--results", action="append", required=True, metavar="PLACE=FILE")
    parser.add_argument("--keep", action="store_true", help="lines and cells without results stay as they are")
    arguments = parser.parse_args()
    files: dict[str, list[str]] = {}
    for given in arguments.results:
        place, equals, file = given.partition("=")
        if not equals:
            raise WirelessFMError(f"--results takes PLACE=FILE, found '{given}'")
        files.setdefault(place, []).append(file)
    tables: dict[str, str] = {}
    for place, names in files.items():
        # A row that stands in two files counts once.
        rows = list({(row.key, row.scenes, row.case): row for row in read_rows(names)}.values())
        made = {"estimation": estimation_tables, "prediction": prediction_tables}
        tables |= made[place](rows) if place in made else city_tables(place, rows)
    text = replaced(arguments.page.read_text(encoding="utf-8"), tables, arguments.keep)
    with atomic_file(arguments.page) as path:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except WirelessFMError as error:
        raise SystemExit(f"error: {error}") from error
