"""Functions of a user as systems: what they get, what they may return, and every way they can go wrong."""

import numpy as np
import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.errors import WirelessFMError
from wirelessfm.evaluate import evaluate
from wirelessfm.predictors import callable_system, find_predictor
from wirelessfm.tasks import LosTask

LOS = LosTask(n_antennas=8).build([make_site(120)])


def power_rule(csi):
    power = csi.values.abs().square().flatten(1).sum(dim=1).log()
    return torch.stack([power.median() - power, power - power.median()], dim=1)


def row_of(system):
    return evaluate([LOS], [system], seeds=(0,), progress=False)[0]


def test_a_function_is_a_line_of_the_table():
    row = row_of(callable_system("mine", power_rule))
    assert (row.system, row.kind, row.head, row.budget) == ("mine", "external", "none", 0.0)
    assert row.self_reported and 0 <= row.score <= 1


def test_numpy_of_any_byte_order_and_precision_gives_the_same_row():
    swapped = callable_system("mine", lambda csi: power_rule(csi).double().numpy().astype(">f8"))
    assert row_of(swapped).metrics == row_of(callable_system("mine", power_rule)).metrics


def test_a_function_that_works_in_place_changes_nothing_else():
    before = LOS.inputs.values.clone()
    row_of(callable_system("mine", lambda csi: torch.view_as_real(csi.values.zero_()).flatten(1)[:, :2]))
    assert torch.equal(LOS.inputs.values, before)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda csi: None, "'mine' must return a torch.Tensor or a numeric NumPy array .* found NoneType"),
        (lambda csi: np.array([object()]), "found ndarray"),
        (lambda csi: torch.zeros(len(csi), dtype=torch.long), r"found \[120\]; classes .* one_hot\(classes, 2\)"),
        (lambda csi: torch.zeros(3, 2), r"for 120 samples, found \[3, 2\]"),
        (lambda csi: torch.zeros(len(csi), 5), r"must return class predictions \[120, 2\]"),
        (lambda csi: torch.full((len(csi), 2), torch.nan), "NaN or infinite predictions for 120 of 120"),
        (lambda csi: {}["weights"], r"'mine' failed on CSI\(.*KeyError: 'weights' \(.*test_functions.py, line"),
    ],
)  # fmt: skip
def test_a_bad_function_gets_one_clear_error(function, message):
    with pytest.raises(WirelessFMError, match=message):
        row_of(callable_system("mine", function))


def test_a_file_is_imported_with_its_neighbours(tmp_path):
    (tmp_path / "neighbour_of_rule.py").write_text("OFFSET = 1\n")
    rule = tmp_path / "rule.py"
    rule.write_text(
        "import torch\nfrom neighbour_of_rule import OFFSET\n\ndef predict(csi):\n"
        "    return torch.eye(2)[torch.full((len(csi),), OFFSET)]\n"
    )
    first = find_predictor(f"{rule}:predict")
    assert first.name == "rule:predict" and first.kind == "external" and len(first.weights) == 16
    assert row_of(first).metrics["accuracy"] == pytest.approx(
        float((LOS.truth.labels == 1)[LOS.split(0).test].float().mean())
    )
    rule.write_text(rule.read_text() + "# another version\n")
    assert find_predictor(f"{rule}:predict").weights != first.weights


def test_a_module_is_found_by_name():
    system = find_predictor("tests.predictors.test_functions:power_rule")
    assert row_of(system).metrics == row_of(callable_system("mine", power_rule)).metrics


@pytest.mark.parametrize(
    ("code", "name", "message"),
    [
        (None, "predict", "no such file: '.*rule.py'; expected FILE.py:FUNCTION"),
        ("def predict(csi:\n", "predict", "cannot be imported: SyntaxError"),
        ("import torch\n1 / 0\n", "predict", r"cannot be imported: ZeroDivisionError.*\(.*rule.py, line 2\)"),
        ("raise SystemExit(3)\n", "predict", "cannot be imported: SystemExit"),
        ("def predict(csi): ...\n", "predikt", "unknown function in .* 'predikt'. Did you mean 'predict'"),
        ("predict = 3\n", "predict", "unknown function"),
    ],
)
def test_a_bad_reference_gets_one_clear_error(tmp_path, code, name, message):
    file = tmp_path / "rule.py"
    if code is not None:
        file.write_text(code)
    with pytest.raises(WirelessFMError, match=message):
        find_predictor(f"{file}:{name}")


def test_an_absent_module_is_explained_and_other_names_are_left_alone():
    with pytest.raises(WirelessFMError, match="'absent_module' cannot be imported: ModuleNotFoundError"):
        find_predictor("absent_module:predict")
    assert find_predictor("raw") is None and find_predictor("runs/model") is None
    assert find_predictor("hub:owner/name") is None
