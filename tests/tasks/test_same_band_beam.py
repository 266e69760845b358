import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.baselines import get_baseline
from wirelessfm.errors import WirelessFMError
from wirelessfm.signal import PlanarArray, beam_powers, dft_codebook, synthesize
from wirelessfm.tasks import SameBandBeamTask, get_task
from wirelessfm.tasks.base import NARROW_BAND

SITE = make_site(200)
FULL = synthesize(SITE.sub6, PlanarArray(32), NARROW_BAND).values


def build(name):
    return get_task(name).build([SITE])


@pytest.mark.parametrize("name", ["partial-beam-8", "partial-beam-8-0db", "probed-beams-8", "full-beam-32"])
def test_the_label_is_the_best_beam_of_the_complete_noiseless_channel(name):
    data = build(name)
    assert torch.equal(data.truth.labels, beam_powers(FULL, dft_codebook(32, 64)).argmax(dim=1))
    assert data.notes["sanity_check"] == (name == "full-beam-32")


def test_what_is_seen():
    assert torch.equal(build("full-beam-32").inputs.values, FULL)
    partial = build("partial-beam-8").inputs
    assert torch.equal(partial.values, FULL[:, :8]) and partial.coords["antenna"].shape == (8, 3)
    clean = SameBandBeamTask("probed", kind="beam-probed").build([SITE]).inputs
    for probe, beam in ((0, 0), (3, 24), (7, 56)):
        expected = torch.einsum("a,sak->sk", dft_codebook(32, 64)[beam].conj(), FULL)
        torch.testing.assert_close(clean.values[:, probe], expected, rtol=1e-4, atol=1e-10)
    assert "antenna" not in clean.coords and clean.size("antenna") == 8


@pytest.mark.parametrize(("name", "snr_db"), [("partial-beam-8-0db", 0.0), ("probed-beams-8", 10.0)])
def test_the_noise_is_that_of_an_antenna(name, snr_db):
    task = get_task(name)
    clean = SameBandBeamTask(name, kind=task.kind).build([SITE]).inputs.values
    noise = (build(name).inputs.values - clean).abs().square().mean(dim=(1, 2))
    ratio = 10 * torch.log10(FULL.abs().square().mean(dim=(1, 2)) / noise)
    assert float(ratio.mean()) == pytest.approx(snr_db, abs=0.1)
    assert torch.equal(build(name).inputs.values, build(name).inputs.values)


def test_a_sweep_with_every_antenna_is_the_answer():
    data = build("full-beam-32")
    scores = get_baseline("same-sweep-beam").run(data.inputs, 64)
    assert data.score(scores, torch.arange(len(data)))["accuracy"] == 1.0


def test_rules_apply_to_what_they_are_for():
    applies = {
        kind: {
            name
            for name in ("same-sweep-beam", "strongest-probed-beam", "probed-beam-match")
            if get_baseline(name).applies_to(kind)
        }
        for kind in ("beam-partial", "beam-probed", "los")
    }
    assert applies["beam-partial"] == {"same-sweep-beam"} and not applies["los"]
    assert applies["beam-probed"] == {"strongest-probed-beam", "probed-beam-match"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "beam"}, "kind is 'beam-partial'"),
        ({"n_observed": 33}, "between 1 and 32"),
        ({"n_observed": 0}, "between 1 and 32"),
        ({"kind": "beam-probed", "n_observed": 7}, "divides 64; found 7"),
    ],
)
def test_impossible_parts_are_explained(options, message):
    with pytest.raises(WirelessFMError, match=message):
        SameBandBeamTask("mine", **options)
