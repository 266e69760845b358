"""Result rows to the tables of docs/flagship.md."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from wirelessfm import WirelessFMError
from wirelessfm.tasks.row import Row, append_rows

_SPEC = importlib.util.spec_from_file_location(
    "flagship_tables", Path(__file__).resolve().parents[1] / "benchmarks" / "flagship_tables.py"
)
tables = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tables)
FLAGSHIP = tables.FLAGSHIP


def row(system: str, task: str, budget: float, score: float, seed: int = 0, head: str = "linear", **more) -> Row:
    metric = {"localisation": "error_m", "predict-time": "nmse_db"}.get(task, "accuracy")
    n_labels = round(budget * 1000) if budget <= 1 else int(budget)
    scenes = more.pop("scenes", ("florence",))
    return Row(task, scenes, "split", system, "rule", head, budget, n_labels, 9, seed, {metric: score}, metric, **more)


def test_the_best_head_of_every_line_is_shown_and_the_best_line_bold() -> None:
    rows = [
        *(row(FLAGSHIP, "los", 1.0, score, seed) for seed, score in enumerate((0.80, 0.82))),
        *(row(FLAGSHIP, "los", 1.0, score, seed, "mlp") for seed, score in enumerate((0.90, 0.92))),
        *(row("knn", "los", 1.0, 0.85, seed, "none") for seed in range(2)),
        *(row(system, "localisation", 1.0, metres) for system, metres in ((FLAGSHIP, 20.0), ("knn", 12.34))),
    ]
    lines = tables.city_tables("florence", rows)["florence 100%"].splitlines()
    assert lines[0].startswith("| 1,000 labels (1,000 for positions) | LoS |")
    assert lines[2] == "| flagship, head | **91.0±1.4** | – | – | – | – | – | 20.0 | – |"
    assert lines[3] == "| kNN fingerprint | 85.0±0.0 | – | – | – | – | – | **12.3** | – |"
    assert len(lines) == 4


def test_a_column_for_every_set_in_their_order() -> None:
    rows = [row(FLAGSHIP, "predict-time", 0.0, -2.04, scenes=(name,)) for name in ("D16", "D5")]
    made = tables.prediction_tables(rows)["prediction time"].splitlines()
    assert made[0] == "| time, NMSE in dB | D5 | D16 |" and "**−2.0**" in made[2]


def test_bounds_are_never_the_best() -> None:
    rows = [row(system, "denoise", 0.0, 0.0) for system in ("omp", "lmmse-genie")]
    snr = {"nmse_db": -10.0, "nmse_db@10": -12.0}
    rows = [replace(r, metrics=snr, metric="nmse_db") for r in rows]
    omp, bound = tables.estimation_tables(rows)["estimation denoise"].splitlines()[2:]
    assert "**−12.0**" in omp and "**" not in bound and "−12.0" in bound


def test_only_the_tables_of_the_page_that_were_made_are_replaced(tmp_path, monkeypatch) -> None:
    page, results = tmp_path / "page.md", tmp_path / "rows.jsonl"
    page.write_text("a\n<!-- table rome 0 -->\nold\n<!-- end -->\nb\n<!-- table x -->\nkept\n<!-- end -->\n")
    append_rows(results, [row("power-delay", task, 0.1, 0.5, head="none") for task in ("los", "localisation")])
    append_rows(results, [row("power-delay", "los", 0.0, 0.5, head="none")])
    monkeypatch.setattr(sys, "argv", ["tables", str(page), "--results", f"rome={results}"])
    tables.main()
    text = page.read_text()
    assert "old" not in text and "kept" in text and "| rule | **50.0** |" in text and text.startswith("a\n")


def test_a_row_in_two_files_counts_once(tmp_path, monkeypatch) -> None:
    page, files = tmp_path / "page.md", [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    page.write_text("<!-- table rome 0 -->\n\n<!-- end -->\n")
    rows = [row("power-delay", "los", 0.0, score, seed, "none") for seed, score in enumerate((0.5, 0.6))]
    for file in files:
        append_rows(file, rows)
    monkeypatch.setattr(sys, "argv", ["tables", str(page), *(f"--results=rome={file}" for file in files)])
    tables.main()
    assert "| rule | **55.0±7.1** |" in page.read_text()


def test_what_is_not_there_is_an_error(tmp_path, monkeypatch) -> None:
    with pytest.raises(WirelessFMError, match="a comment such as '<!-- table a -->', found none"):
        tables.replaced("no place", {"a": "b"})
    monkeypatch.setattr(sys, "argv", ["tables", "page.md", "--results", "rows.jsonl"])
    with pytest.raises(WirelessFMError, match=r"PLACE=FILE, found 'rows.jsonl'"):
        tables.main()


def test_what_the_results_say_nothing_of_is_kept_where_asked_to() -> None:
    old = [
        "| no labels | LoS | position |",
        "| --- | --- | --- |",
        "| rule | 88.3±2.9 | **38.6±6.6** |",
        "| old one | **91.6±2.3** | – |",
        "| bound: all | 99.0 | – |",
    ]
    new = [
        "| no labels | LoS | noise | position |",
        "| --- | --- | --- | --- |",
        "| rule | 90.0±1.0 | 1.0 | – |",
        "| new one | **93.0** | **2.0** | 40.0 |",
    ]
    assert tables.merged("\n".join(old), "\n".join(new)).splitlines() == [
        "| no labels | LoS | noise | position |",
        "| --- | --- | --- | --- |",
        "| rule | 90.0±1.0 | 1.0 | **38.6±6.6** |",
        "| old one | 91.6±2.3 | – | – |",
        "| bound: all | 99.0 | – | – |",
        "| new one | **93.0** | **2.0** | 40.0 |",
    ]
    page = "\n".join(["<!-- table rome 0 -->", *old, "<!-- end -->"])
    assert "old one" in tables.replaced(page, {"rome 0": "\n".join(new)}, keep=True)
    assert "old one" not in tables.replaced(page, {"rome 0": "\n".join(new)})
