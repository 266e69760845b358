"""The whole pipeline, small: every stage runs, resumes, and ends in a report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wirelessfm import WirelessFMError
from wirelessfm import demo as demo_module
from wirelessfm.demo import PRETRAINED, demo
from wirelessfm.tasks import SUITES, read_rows


@pytest.fixture
def small(monkeypatch) -> None:
    plan = replace(
        demo_module.FAST, max_users=80, budgets=(0.5,), baselines=("majority", "same-sweep-beam", "power-delay")
    )
    monkeypatch.setattr(demo_module, "FAST", plan)


def test_demo_ends_in_a_report_and_resumes(small, tmp_path, capsys) -> None:
    report = demo(tmp_path / "demo", fast=True)
    page = report.read_text()
    assert "<svg" in page and PRETRAINED in page and "same-sweep-beam" in page
    rows = read_rows([tmp_path / "demo" / "results.jsonl"])
    ours = [r for r in rows if r.system == PRETRAINED]
    assert {r.task for r in ours} == set(SUITES["quick"]) and {r.seed for r in ours} == {0, 1, 2}
    assert all(r.pretrained and r.scenes == ("florence",) and not r.saw_test_scene for r in ours)
    assert all("florence" not in r.corpora and len(r.corpora) == 3 for r in ours)
    assert capsys.readouterr().out.count("without labels") == 3
    before = (tmp_path / "demo" / "results.jsonl").read_bytes()
    demo(tmp_path / "demo", fast=True)
    assert (tmp_path / "demo" / "results.jsonl").read_bytes() == before


def test_a_model_of_other_cities_is_not_taken_for_one_that_never_saw_the_tested_city(small, tmp_path) -> None:
    demo(tmp_path / "demo", fast=True)
    with pytest.raises(WirelessFMError, match="other cities than etoile, florence, san_francisco"):
        demo(tmp_path / "demo", fast=True, test_scene="munich")


def test_a_shipped_model_that_saw_the_tested_city_is_left_out() -> None:
    names = {"florence": True, "munich": False}
    for scene, there in names.items():
        others = demo_module.other_systems(("wfm-spectrum-800k", "same-sweep-beam"), scene)
        assert [system.name for system in others] == [*["wfm-spectrum-800k"] * there, "same-sweep-beam"]


def test_an_unknown_city_is_refused_before_anything_is_written(tmp_path) -> None:
    with pytest.raises(WirelessFMError, match="unknown scene 'rome'"):
        demo(tmp_path / "demo", test_scene="rome")
    assert not (tmp_path / "demo").exists()
