"""The page: complete, self-contained, and safe whatever the rows contain."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import matplotlib
import numpy as np
import pytest

from tests.report.report_samples import synthetic_maps, synthetic_rows
from wirelessfm.errors import WirelessFMError
from wirelessfm.report import UserMap, report_folder, save_map, write_report
from wirelessfm.tasks.row import append_rows


class Page(HTMLParser):
    """Tags, ids and text of a page; fails on tags that do not nest."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.classes, self.text, self.open = Counter(), [], [], "", []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        assert not any(k.startswith("on") for k, _ in attrs)
        self.ids += [v for k, v in attrs if k == "id"]
        self.classes += [c for k, v in attrs if k == "class" for c in v.split()]
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [v for k, v in attrs if k == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["style"], ["script"]):
            self.text += data


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    maps, embeddings = synthetic_maps(2000)
    out = tmp_path_factory.mktemp("report") / "report.html"
    before = dict(matplotlib.rcParams)
    assert write_report(out, synthetic_rows(), maps, embeddings, ["The <b>one</b> number."], "A & B") == out
    assert dict(matplotlib.rcParams) == before
    return out.read_text(encoding="utf-8")


def test_everything_is_on_the_page(full):
    page = Page(full)
    for words in (
        "A & B",
        "The <b>one</b> number.",
        "11 systems are compared on 3 tasks in munich",
        "The zero-label rule strongest-dft-beam wins at 1 % labels",
        "saw test scene",
        "wfm-mae (untrained) + linear",
        "True beam",
        "wfm-mae, t-SNE",
        "7a41c09e77b2d007",
        "error_m (lower is better)",
    ):
        assert words in page.text, words
    # Three tasks with two heads, four maps, three embeddings, a plot over parameters and nine names in a legend a task.
    assert page.tags["svg"] == 3 * 2 + 4 + 3 + 3 + 3 * 9
    assert page.classes.count("best-learned") == 3 * 4


def test_needs_no_network_and_is_small(full):
    assert "://" not in full
    assert not re.search(r"<(link|iframe|object|embed|base|img)\b", full)
    assert len(full) < 3_000_000


def test_ids_are_unique_and_references_lead_somewhere(full):
    ids = Page(full).ids
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', full)) <= set(ids)


def test_the_same_results_give_the_same_bytes(tmp_path):
    rows = synthetic_rows((0,))[:40]
    texts = [write_report(tmp_path / f"{i}.html", rows).read_bytes() for i in range(2)]
    assert texts[0] == texts[1]


def test_names_from_results_stay_text(tmp_path):
    evil = '<script>alert(1)</script>" onclick="x" \'&--><$x_$'
    rows = [
        replace(
            row,
            **dict.fromkeys(("task", "split", "system", "head", "version"), evil),
            **dict.fromkeys(("weights", "kind", "metric"), evil),
            scenes=(evil,),
            corpora=(evil,),
            metrics={evil: row.score, f"{evil}2": 1.0},
        )
        for row in synthetic_rows()[:60]
    ]
    drawn = UserMap(evil, np.random.default_rng(0).normal(size=(9, 2)), np.zeros(9, int), "category", names=(evil,))
    text = write_report(tmp_path / "r.html", rows, [drawn], summary=[evil], title=evil).read_text()
    page = Page(text)
    assert page.tags["script"] == 1
    assert page.text.count(evil) > 10


def test_one_row_and_rules_alone_make_a_page(tmp_path):
    rows = synthetic_rows((0,))
    learned = next(r for r in rows if r.kind == "encoder")
    rule = next(r for r in rows if r.kind == "rule")
    assert "0.000" not in Page(write_report(tmp_path / "a.html", [learned]).read_text()).text
    text = Page(write_report(tmp_path / "b.html", [rule]).read_text()).text
    assert "The zero-label rule k-factor wins at 0 labels" in text and "± –" in text.replace("\u00a0", " ")


def test_values_that_are_not_finite_make_a_page(tmp_path):
    rows = [replace(r, metrics={r.metric: float("nan"), "accuracy": None}) for r in synthetic_rows((0,))[:12]]
    assert "not finite" in Page(write_report(tmp_path / "a.html", rows).read_text()).text


def test_maps_without_users_or_values_make_a_page(tmp_path):
    empty = [UserMap(k, np.zeros((0, 2)), np.zeros(0), k) for k in ("category", "beam", "value")]
    blank = [UserMap(k, np.ones((3, 2)), np.full(3, np.nan), k) for k in ("category", "beam", "value")]
    write_report(tmp_path / "a.html", synthetic_rows((0,))[:5], empty + blank)


def test_folder_with_results_and_maps(tmp_path):
    maps, embeddings = synthetic_maps(30)
    append_rows(tmp_path / "results.jsonl", synthetic_rows((0,))[:20])
    for i, drawn in enumerate((maps[1], embeddings[0])):
        save_map(tmp_path / "maps" / f"{i}.npz", drawn)
    text = Page(report_folder(tmp_path).read_text()).text
    assert (tmp_path / "report.html").is_file() and "True beam" in text and "raw, t-SNE" in text


def test_nothing_to_report_is_one_clear_error(tmp_path):
    with pytest.raises(WirelessFMError, match=r"results\.jsonl"):
        report_folder(tmp_path)
    (tmp_path / "results.jsonl").write_text("")
    with pytest.raises(WirelessFMError, match="run an evaluation first"):
        report_folder(tmp_path)
    assert not (tmp_path / "report.html").exists()
