"""Published encoders as systems of an evaluation: resized only when asked, marked, with published weights."""

from __future__ import annotations

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.csi import CSI
from wirelessfm.embed import embed_csi
from wirelessfm.errors import WirelessFMError
from wirelessfm.evaluate import evaluate
from wirelessfm.models.parity import filled_state
from wirelessfm.models.published_zoo import entry
from wirelessfm.models.saved import ModelCard, load_saved, save_model
from wirelessfm.models.zoo import build_model
from wirelessfm.suite import encoder_system, find_system, random_system
from wirelessfm.tasks import LosTask, get_task

SITE = make_site(60)
LOS, BEAM_8 = LosTask().build([SITE]), get_task("beam-64-antennas-8").build([SITE])
AXES = ("sample", "antenna", "subcarrier")
SMALL_LWM = {"depth": 1}
SMALL_WIFO = {"encoder_depth": 1, "decoder_depth": 1, "input_scaling": (0.0, 1e-5)}


def rows(system, data):
    return evaluate([data], [system], (0.5,), (0,), ("linear",), progress=False)


def test_a_shape_that_does_not_fit_is_refused_and_resizing_is_marked() -> None:
    with pytest.raises(WirelessFMError, match="found 8 x 32; use resize='pad'"):
        rows(random_system("lwm-1.0", SMALL_LWM), BEAM_8)
    row = rows(random_system("lwm-1.0", SMALL_LWM, resize="pad"), BEAM_8)[0]
    assert row.notes["resize"] == "pad" and row.system == "lwm-1.0-random (pad)"
    plain = rows(random_system("lwm-1.0", SMALL_LWM), LOS)[0]
    assert "resize" not in plain.notes and plain.system == "lwm-1.0-random" and plain.notes["antennas"] == 32


def test_static_channels_for_wifo_are_repeated_only_when_asked() -> None:
    with pytest.raises(WirelessFMError, match=r"WiFo takes CSI with a time axis.*resize='repeat'.*4 times"):
        rows(random_system("wifo-tiny", SMALL_WIFO), LOS)
    assert rows(random_system("wifo-tiny", SMALL_WIFO, resize="repeat"), LOS)[0].notes["resize"] == "repeat"
    model, csi = build_model("wifo-tiny", SMALL_WIFO), LOS.inputs[:5]
    by_hand = CSI(csi.values[:, None].expand(-1, 4, -1, -1), ("sample", "time", "antenna", "subcarrier"))
    expected = embed_csi(model, by_hand)
    assert torch.allclose(embed_csi(model, csi, resize="repeat"), expected, atol=1e-5)
    single = CSI(csi.values[:, None], ("sample", "time", "antenna", "subcarrier"))
    assert torch.allclose(embed_csi(model, single, resize="repeat"), expected, atol=1e-5)
    with pytest.raises(WirelessFMError, match=r"found \(1, 32, 32\).*'repeat' for a single time"):
        embed_csi(model, single)


def test_resizes_that_mean_nothing_are_refused() -> None:
    csi = LOS.inputs[:2]
    with pytest.raises(WirelessFMError, match="takes any shape"):
        embed_csi(build_model("wfm-mae"), csi, resize="pad")
    with pytest.raises(WirelessFMError, match="no time axis to repeat"):
        embed_csi(build_model("lwm-1.0", SMALL_LWM), csi, resize="repeat")
    with pytest.raises(WirelessFMError, match="unknown resize 'crop'"):
        embed_csi(build_model("lwm-1.0", SMALL_LWM), csi, resize="crop")
    assert random_system("wfm-mae", resize="pad").notes == {}


def test_pooling_is_chosen_and_marked() -> None:
    cls, mean = (random_system("lwm-1.0", SMALL_LWM, pooling=p) for p in ("cls", None))
    assert (cls.name, cls.notes) == ("lwm-1.0-random (cls)", {"pooling": "cls"}) and mean.notes == {}
    assert not torch.allclose(cls.run(LOS.inputs[:3]), mean.run(LOS.inputs[:3]))


def test_a_trained_published_model_is_saved_loaded_and_found(tmp_path) -> None:
    config = {"input_scaling": [0.0, 2e-5], "encoder_depth": 1, "decoder_depth": 1}
    model = build_model("wifo-tiny", config)
    save_model(model, ModelCard("wifo-tiny", config, name="mine", corpora=("munich",)), tmp_path / "model")
    loaded, card = load_saved(tmp_path / "model")
    expected = embed_csi(model, LOS.inputs[:3], resize="repeat")
    assert torch.equal(embed_csi(loaded, LOS.inputs[:3], resize="repeat"), expected)
    system = find_system(str(tmp_path / "model"), resize="repeat")
    assert (system.name, system.weights, system.corpora) == ("mine (repeat)", card.weights, ("munich",))
    assert torch.equal(system.run(LOS.inputs[:3]), expected)
    assert encoder_system(loaded, card, "other").name == "other"


def test_published_weights_are_found_by_name_and_source(tmp_path) -> None:
    found = entry("lwm-1.0")
    state = filled_state({n: list(s) for n, s in found.system.shapes(found.config).items()}, "x")
    torch.save(state, tmp_path / "weights.pth")
    system = find_system(f"lwm-1.0@{tmp_path / 'weights.pth'}", pooling="cls")
    assert system.name == "lwm-1.0@weights.pth (cls)" and system.pretrained and len(system.weights) == 16
    row = rows(system, LOS)[0]
    assert row.weights == system.weights and row.corpora == () and row.notes["official"] is False
    assert len(row.notes["sha256"]) == 64
    for name, message in (
        ("lwm-1.0@absent.pth", "no weights at 'absent.pth'"),
        ("lwm-9@absent.pth", "unknown published encoder 'lwm-9'"),
        (f"wifo-tiny@{tmp_path / 'weights.pth'}", "looks like 'lwm-1.0'"),
        ("lwm-1.0", "unknown system"),
    ):
        with pytest.raises(WirelessFMError, match=message):
            find_system(name)


def test_rows_say_that_pretraining_saw_positions() -> None:
    model = build_model("wfm-mae", {"width": 16, "depth": 1, "n_heads": 2})
    plain = encoder_system(model, ModelCard("wfm-mae", {}, recipe={"data": {"positions": False}}))
    charted = encoder_system(model, ModelCard("wfm-mae", {}, recipe={"data": {"positions": True}}))
    assert "pretraining_saw" not in plain.notes and charted.notes["pretraining_saw"] == "positions"


TAUGHT = {"objectives": [{"name": "better-view", "options": {"known": 1.0, "other_carrier": 0.5}}]}


def test_rows_say_what_a_simulator_taught() -> None:
    model = build_model("wfm-spectrum", {"width": 16, "depth": 1, "n_heads": 2})
    taught = encoder_system(model, ModelCard("wfm-spectrum", {}, recipe=TAUGHT))
    assert taught.notes["pretraining_saw"] == "line of sight, delays, directions; 28 GHz beams"
    alone = {"objectives": [{"name": "continuation", "options": {"known_share": [0.4, 0.5]}}]}
    assert not encoder_system(model, ModelCard("wfm-spectrum", {}, recipe=alone)).notes
    views = {"objectives": [{"name": "better-view", "options": {}}]}
    notes = encoder_system(model, ModelCard("wfm-spectrum", {}, recipe=views)).notes
    assert notes == {"pretraining_predicted": "beams of a 32-antenna array at the same carrier"}


def test_a_taught_model_answers_without_labels(tmp_path) -> None:
    model = build_model("wfm-spectrum", {"width": 16, "depth": 1, "n_heads": 2})
    config = {"width": 16, "depth": 1, "n_heads": 2}
    save_model(model, ModelCard("wfm-spectrum", config, "taught", recipe=TAUGHT), tmp_path / "taught")
    save_model(model, ModelCard("wfm-spectrum", config, "alone"), tmp_path / "alone")
    los, beams = (find_system(f"{tmp_path / 'taught'}:{answer}") for answer in ("los", "beams"))
    assert los.name == "taught:los" and los.kind == "rule" and los.pretrained and los.notes["pretraining_saw"]
    (row,) = rows(los, LOS)
    assert row.n_labels == 0 and 0 <= row.metrics["accuracy"] <= 1
    same_band = find_system(f"{tmp_path / 'taught'}:same-band")
    assert same_band.applies_to("beam-partial") and not same_band.applies_to("beam")
    assert rows(same_band, get_task("partial-beam-8").build([SITE]))[0].n_labels == 0
    alone = find_system(f"{tmp_path / 'taught'}:network-los")
    csi = LOS.inputs[:5]
    assert torch.equal(alone.run(csi, 2)[:, 1], model.eval().predict_los(csi, resolve=False))
    assert not torch.equal(alone.run(csi, 2), los.run(csi, 2))
    assert not los.applies_to("beam") and beams.applies_to("beam") and not beams.applies_to("los")
    with pytest.raises(WirelessFMError, match="does not answer 'beams' without labels"):
        find_system(f"{tmp_path / 'alone'}:beams")
    assert not beams.applies_to("beam-probed")
    with pytest.raises(WirelessFMError, match="tells 64 classes apart, found beam-16-antennas-32 with 16"):
        rows(beams, get_task("beam-16-antennas-32").build([SITE]))
