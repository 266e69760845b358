"""Inputs to take away show no truth; predictions are accepted for exactly the inputs they were made for."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from tests.synthetic_sites import make_site
from wirelessfm import CSI
from wirelessfm.cli import app
from wirelessfm.errors import WirelessFMError
from wirelessfm.evaluate import evaluate
from wirelessfm.predictors import find_predictor, predictions_system, save_inputs, save_predictions
from wirelessfm.sources import city_data
from wirelessfm.tasks import LosTask, get_task

SITES = [make_site(120)]
LOS = LosTask(n_antennas=8).build(SITES)
BEAM = get_task("beam-64-antennas-8").build(SITES)


def perfect(data):
    return torch.nn.functional.one_hot(data.truth.labels, data.task.n_classes).float()


@pytest.fixture
def folder(tmp_path):
    save_predictions(
        tmp_path / "guest",
        "guest",
        {"los": perfect(LOS), BEAM.task.name: perfect(BEAM).numpy()},
        {"los": LOS.inputs, BEAM.task.name: BEAM.inputs},
    )
    return tmp_path / "guest"


def test_one_folder_serves_tasks_with_the_same_inputs(folder):
    rows = evaluate([LOS, BEAM], [find_predictor(str(folder))], seeds=(0, 1), progress=False)
    assert [row.metrics["accuracy"] for row in rows] == [1.0] * 4
    assert all(row.self_reported and row.system == "guest" and row.budget == 0 for row in rows)


def test_predictions_for_other_inputs_are_refused(folder):
    system = find_predictor(str(folder))
    mixed = torch.randperm(len(LOS), generator=torch.Generator().manual_seed(0))
    others = [
        LOS.inputs[mixed],
        LosTask(n_antennas=4).build(SITES).inputs,
        LosTask(n_antennas=8).build([make_site(120, 1)]).inputs,
    ]
    for csi in (*others, LOS.inputs[:50]):
        with pytest.raises(WirelessFMError, match=r"has no predictions for inputs .* only for .*los .* or order"):
            system.run(csi, 2)


def test_two_tasks_of_one_shape_on_one_input_are_named(tmp_path):
    arrays = {"los": perfect(LOS), "position": torch.zeros(len(LOS), 2)}
    save_predictions(tmp_path / "guest", "guest", arrays, dict.fromkeys(arrays, LOS.inputs))
    with pytest.raises(WirelessFMError, match=r"los and position; evaluate one array at a time, such as .*los\.npy"):
        predictions_system(tmp_path / "guest").run(LOS.inputs, 2)
    assert torch.equal(find_predictor(str(tmp_path / "guest" / "los.npy")).run(LOS.inputs, 2), perfect(LOS))


def test_a_card_can_be_written_by_hand(tmp_path):
    np.save(tmp_path / "los.npy", perfect(LOS).numpy())
    card = {"kind": "wirelessfm.predictions/1", "name": "guest", "inputs": {"los": LOS.inputs.fingerprint()}}
    (tmp_path / "card.json").write_text(json.dumps(card))
    assert torch.equal(find_predictor(str(tmp_path)).run(LOS.inputs, 2), perfect(LOS))


def test_bad_folders_are_explained(folder, tmp_path):
    with pytest.raises(WirelessFMError, match=r"unknown task in .*'loss'. Did you mean 'los'"):
        find_predictor(str(folder / "loss.npy"))
    with pytest.raises(WirelessFMError, match="one row for each of the 120 samples"):
        save_predictions(tmp_path / "x", "x", {"los": perfect(LOS)[:5]}, {"los": LOS.inputs})
    with pytest.raises(WirelessFMError, match="unknown input of predictions 'los'"):
        save_predictions(tmp_path / "x", "x", {"los": perfect(LOS)}, {})
    assert not (tmp_path / "x").exists()
    np.save(folder / "los.npy", np.full((120, 2), np.nan))
    with pytest.raises(WirelessFMError, match=r"los\.npy' has NaN"):
        find_predictor(str(folder))
    np.save(folder / "los.npy", np.array([{}] * 120), allow_pickle=True)
    with pytest.raises(WirelessFMError, match="Python objects"):
        find_predictor(str(folder))
    (folder / "los.npy").unlink()
    with pytest.raises(WirelessFMError, match=r"expected a plain npy array of numbers at .*los\.npy"):
        find_predictor(str(folder))


def test_inputs_to_take_away_hold_no_truth(tmp_path):
    save_inputs(LOS, tmp_path / "los")
    assert sorted(p.name for p in (tmp_path / "los").iterdir()) == ["README.md", "csi", "task.json"]
    csi = CSI.load(tmp_path / "los" / "csi")
    facts = json.loads((tmp_path / "los" / "task.json").read_text())
    assert facts == {"task": "los", "output": "class", "shape": [len(LOS), 2], "inputs": csi.fingerprint()}
    assert csi.fingerprint() == LOS.inputs.fingerprint() and not csi.labels
    assert sorted(p.stem for p in (tmp_path / "los" / "csi").glob("*.npy")) == [
        "coord-antenna",
        "coord-subcarrier",
        "values-00000",
    ]


def test_the_command_writes_what_an_evaluation_accepts(tmp_path):
    out = tmp_path / "inputs"
    done = CliRunner().invoke(
        app, ["inputs", "--scene", "florence", "--task", "los", "--max-users", "15", "-o", str(out)]
    )
    assert done.exit_code == 0, done.output
    data = city_data(["los"], ["florence"], 15)[0]
    csi = CSI.load(out / "csi")
    save_predictions(tmp_path / "guest", "guest", {"los": torch.zeros(len(csi), 2)}, {"los": csi})
    assert predictions_system(tmp_path / "guest").run(data.inputs, 2).shape == (len(data), 2)
