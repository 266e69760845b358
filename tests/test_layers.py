"""Imports go down the layers only, and never in a circle."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "wirelessfm"
LAYERS = [
    {"errors", "files", "arraystore", "csi_files", "csi", "paths"},
    {"signal", "metrics"},
    {"data", "nn", "baselines"},
    {"models", "objectives"},
    {"tasks", "adapt"},
    {
        "recipe",
        "answers",
        "embed",
        "pretrain",
        "evaluate",
        "jobs",
        "kept",
        "sources",
        "suite",
        "predictors",
        "challenge",
    },
    {"report"},
    {"cli", "cli_data", "cli_evaluate", "cli_challenge", "cli_models", "compare", "demo"},
]
LAYER = {name: level for level, names in enumerate(LAYERS) for name in names}


def module_name(path: Path) -> str:
    parts = ("wirelessfm", *path.relative_to(SOURCE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(SOURCE.rglob("*.py"))}


def imported_by(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body.clear()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            found |= {f"{base}.{a.name}" if f"{base}.{a.name}" in MODULES else base for a in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.split(".")[0] == "wirelessfm" and name != "wirelessfm"}


IMPORTS = {name: imported_by(ast.parse(path.read_text())) for name, path in MODULES.items()}


def unit(name: str) -> str:
    return name.split(".")[1]


@pytest.mark.parametrize("name", [n for n in MODULES if n != "wirelessfm"])
def test_imports_go_down(name: str) -> None:
    assert unit(name) in LAYER, f"{name} has no layer: add it to tests/test_layers.py and docs/architecture.md"
    for other in IMPORTS[name]:
        if unit(other) == unit(name):
            continue
        down = LAYER[unit(other)] < LAYER[unit(name)]
        same_floor = LAYER[unit(other)] == LAYER[unit(name)] and LAYER[unit(name)] in (0, 5, 7)
        assert down or same_floor, f"{name} imports {other}, which is not below it"


def test_no_cycles() -> None:
    try:
        list(TopologicalSorter({k: v - {k} for k, v in IMPORTS.items()}).static_order())
    except CycleError as error:
        pytest.fail(f"import cycle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("name", [n for n in MODULES if n.split(".")[1:2] in (["tasks"], ["metrics"], ["baselines"])])
def test_tasks_never_import_models(name: str) -> None:
    assert not any(unit(other) == "models" for other in IMPORTS[name])


def test_the_checker_sees_upward_imports() -> None:
    tree = ast.parse("def f():\n    from wirelessfm.cli import main\n")
    assert imported_by(tree) == {"wirelessfm.cli"}


def test_architecture_document_lists_every_layer() -> None:
    text = (SOURCE.parents[1] / "docs" / "architecture.md").read_text()
    missing = [name for name in LAYER if f"`{name}" not in text]
    assert not missing, f"docs/architecture.md does not name {missing}"
