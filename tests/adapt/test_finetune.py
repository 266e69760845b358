import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.adapt.finetune import FineTuning, fine_tuned, last_blocks
from wirelessfm.baselines import System
from wirelessfm.errors import WirelessFMError
from wirelessfm.evaluate import evaluate
from wirelessfm.models.zoo import build_model
from wirelessfm.tasks import LosTask

DATA = LosTask(n_antennas=8).build([make_site(120)])
SMALL = {"width": 16, "depth": 2, "n_heads": 2}


@pytest.fixture
def encoder():
    return build_model("wfm-mae", SMALL)


def test_only_the_chosen_blocks_move_and_the_encoder_given_stays(encoder):
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    fitted = FineTuning(encoder, 1)(DATA.inputs, DATA.truth.labels, 2, seed=0)
    after = fitted.model.encoder.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and all(name.startswith("blocks.1.") for name in moved)
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())


def test_it_learns_what_it_is_shown_and_the_seed_repeats(encoder):
    first, again = (FineTuning(encoder, None)(DATA.inputs, DATA.truth.labels, 2, seed=1)(DATA.inputs) for _ in "ab")
    assert torch.equal(first, again)
    assert float((first.argmax(dim=1) == DATA.truth.labels).double().mean()) > 0.8


def test_values_come_in_their_unit(encoder):
    metres = DATA.truth.position_m[:, :2] + 500
    found = FineTuning(encoder, None)(DATA.inputs, metres, 2, seed=0)(DATA.inputs)
    assert float((found - metres).norm(dim=1).mean()) < float((metres - metres.mean(dim=0)).norm(dim=1).mean())


def test_it_is_a_line_of_the_table(encoder):
    frozen = System("ours", "encoder", encoder.embed, pretrained=True, weights="ab" * 8, corpora=("x",), model=encoder)
    system = fine_tuned(frozen, 2)
    (row,) = evaluate([DATA], [system], budgets=(0.5,), seeds=(0,), progress=False, costs=False)
    assert (row.system, row.kind, row.weights, row.corpora) == ("ours+last-2", "network", "ab" * 8, ("x",))
    assert row.pretrained and row.score > 0.4


def test_wrong_numbers_of_blocks_are_explained(encoder):
    with pytest.raises(WirelessFMError, match="last 3 blocks, this encoder has 2"):
        last_blocks(encoder, 3)
    with pytest.raises(WirelessFMError, match="no module"):
        fine_tuned(System("raw", "features", encoder.embed), 1)
    with pytest.raises(WirelessFMError, match="has no"):
        last_blocks(torch.nn.Linear(2, 2), 1)
    assert sum(p.numel() for p in last_blocks(encoder, None)) == sum(p.numel() for p in encoder.parameters())
