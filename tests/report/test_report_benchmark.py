"""A page of the whole field: tasks in fractions, metres and dB, two cases, missing tasks, flags, costs, SNR entries."""

import re
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from tests.report.benchmark_samples import SYSTEMS, benchmark_rows
from tests.report.report_samples import synthetic_maps
from tests.report.test_report_page import Page
from wirelessfm.cli import app
from wirelessfm.errors import WirelessFMError
from wirelessfm.report import report_results, save_map, write_report
from wirelessfm.report.curves import snr_metric
from wirelessfm.report.tables import task_tables
from wirelessfm.tasks.row import append_rows

CHOSEN = {("los", "1"), ("position-horizontal", "1"), ("estimation-pilots-8", "1"), ("los", "2")}


@pytest.fixture(scope="module")
def rows():
    return [r for r in benchmark_rows(seeds=2) if (r.task, r.case) in CHOSEN]


@pytest.fixture(scope="module")
def page(rows, tmp_path_factory):
    return write_report(tmp_path_factory.mktemp("report") / "r.html", rows).read_text(encoding="utf-8")


def test_lines_carry_what_the_filters_ask_for(page):
    lines = re.findall(r'<tr [^>]*data-kind="[^>]*>', page)
    for attribute in ("data-head", "data-kind", "data-size", "data-flagged", "data-bound"):
        assert all(f' {attribute}="' in line for line in lines), attribute
    assert {re.search('data-kind="([^"]*)"', line)[1] for line in lines} == {
        *("pretrained encoder", "encoder, untrained", "features", "network", "rule", "constant", "external")
    }
    assert {re.search('data-size="([^"]*)"', line)[1] for line in lines} == {
        *("no parameters", "below 1 M", "1 to 10 M", "10 to 100 M")
    }
    for name in ("task", "case", "budget", "head", "kind", "size", "flagged"):
        assert f'id="filter-{name}"' in page
    assert set(re.findall(r'<section [^>]*data-case="([^"]*)"', page)) == {"1", "2"}


def test_flags_units_and_missing_tasks_are_shown(page):
    text = Page(page).text
    for words in ("self-reported", "reproduced", "genie", "resized", "sanity check"):
        assert words in text, words
    assert "nmse, dB ↓" in text and "error, m ↓" in text and "accuracy, % ↑" in text
    assert "los · case 2" in text and "generalisation cases 1, 2" in text
    # The majority cannot estimate channels.
    assert re.search(r'title="not tested">–</td>', page)
    assert "multiply-accumulates" in text and "near_duplicates: 12" in text


def test_plots_are_there_where_their_data_are(page, rows):
    labels = re.findall(r'<svg role="img" aria-label="([^"]*)"', page)
    assert len([a for a in labels if "over SNR" in a]) == 1
    assert len([a for a in labels if "over latency" in a]) == len([a for a in labels if "over parameters" in a]) == 4
    assert [snr_metric(t) for t in task_tables(rows)] == [None, None, "nmse_db", None]


def test_breakdowns_that_are_no_numbers_are_listed_and_not_drawn(tmp_path, rows):
    named = [replace(r, metrics={**r.metrics, "accuracy@nlos": 0.5}) for r in rows if r.task == "los"]
    assert all(snr_metric(t) is None for t in task_tables(named))
    assert "accuracy@nlos, % ↑" in write_report(tmp_path / "r.html", named[:30]).read_text()


def test_needs_no_network(page):
    assert "://" not in page and "src=" not in page


def test_names_of_systems_stay_text(tmp_path, rows):
    evil = '"><img src=x onerror=alert(1)>&amp;'
    changed = [
        replace(
            r, system=evil, case=evil, head=evil, corpora=(evil,), notes={evil: evil}, costs={evil: 1.0, "macs": evil}
        )
        for r in rows[:12]
    ]
    page = Page(write_report(tmp_path / "r.html", changed + rows[:40]).read_text())
    assert page.tags["img"] == 0 and page.text.count(evil) > 10


def test_several_files_and_folders_are_one_page(tmp_path, rows, monkeypatch):
    first, second = [r for r in rows if r.system == SYSTEMS[0].name][:8], [r for r in rows if r.kind == "constant"][:4]
    append_rows(tmp_path / "a" / "results.jsonl", first)
    append_rows(tmp_path / "b" / "mine.jsonl", second)
    append_rows(tmp_path / "c.jsonl", [replace(first[0], metrics={**first[0].metrics, "accuracy": 0.123})])
    save_map(tmp_path / "a" / "maps" / "0.npz", synthetic_maps(30)[0][1])
    monkeypatch.chdir(tmp_path)
    out = report_results(["a", "b", "c.jsonl"], title="All")
    text = Page(out.read_text()).text
    assert out.resolve() == tmp_path / "report.html"
    assert "split): 1, 1 of them with other numbers; the last" in text and "True beam" in text
    assert "Read: a/results.jsonl, b/mine.jsonl, c.jsonl." in text and "wfm-mae" in text and "majority" in text
    # The last file replaced the first of two seeds.
    assert f"{50 * (0.123 + first[1].score):.1f}\u00a0±" in text
    assert CliRunner().invoke(app, ["report", "a", "b", "--out", "two.html", "--title", "Two <runs>"]).exit_code == 0
    assert "<h1>Two &lt;runs&gt;</h1>" in (tmp_path / "two.html").read_text()
    assert report_results(["b"]).resolve() == tmp_path / "b" / "report.html"


@pytest.mark.parametrize("places", [[], ["absent"], ["."]])
def test_places_without_results_are_one_clear_error(tmp_path, monkeypatch, places):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WirelessFMError, match="expected"):
        report_results(places)
