"""Everything the README and the docs show is run: python blocks, and `wfm` lines of console blocks.

Each file is one story: its blocks run in order, in one temporary folder. Blocks marked ``text`` or ``sh`` are not
run; the two make targets of the README are what CI itself calls.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from wirelessfm.objectives import OBJECTIVES
from wirelessfm.recipe import shipped_recipes

ROOT = Path(__file__).parents[1]
FILES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
STORIES = [path for path in FILES if BLOCK.search(path.read_text())]


def run(command: list[str], folder: Path) -> None:
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}"


@pytest.mark.parametrize("path", STORIES, ids=lambda p: p.name)
def test_what_is_shown_runs(path: Path, tmp_path: Path) -> None:
    for language, text in BLOCK.findall(path.read_text()):
        if language == "python":
            run([sys.executable, "-c", text], tmp_path)
            continue
        for line in text.replace("\\\n", " ").splitlines():
            command = shlex.split(line.removeprefix("$ "), comments=True)
            if command and command[0] == "wfm":
                run([sys.executable, "-m", "wirelessfm.cli", *command[1:]], tmp_path)


def test_the_readme_has_something_to_run() -> None:
    assert ROOT / "README.md" in STORIES


def test_relative_links_lead_somewhere() -> None:
    for path in FILES:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}, which does not exist"


def test_the_page_about_pretraining_has_every_objective_and_recipe() -> None:
    page = (ROOT / "docs" / "pretraining.md").read_text()
    missing = [name for name in (*OBJECTIVES, *shipped_recipes()) if f"`{name}`" not in page]
    assert missing == []
