from __future__ import annotations

import pytest
import torch
from torch import nn

from wirelessfm import WirelessFMError
from wirelessfm.models.zoo import MODELS, build_model
from wirelessfm.pretrain.optimizers import block_matrices, build_optimizers
from wirelessfm.recipe import TrainingPart

MUON = TrainingPart(steps=1, optimizer="muon", weight_decay=0.0)


@pytest.mark.parametrize("name", ["wfm-spectrum-100k", "wfm-mae", "lwm-1.0", "contrawimae", "wifo-tiny", "csi-clip"])
def test_every_parameter_belongs_to_one_optimizer(name: str) -> None:
    model = build_model(name, {}, 0)
    muon, adamw = build_optimizers(model, MUON)
    held = [id(p) for optimizer in (muon, adamw) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    names = {id(p): name for name, p in model.named_parameters()}
    inside = {names[id(p)] for p in muon.param_groups[0]["params"]}
    assert any("attention.qkv" in name for name in inside) and not any("embed" in name for name in inside)


def test_every_model_of_the_zoo_has_blocks() -> None:
    assert [name for name in MODELS if not list(block_matrices(build_model(name, {}, 0)))] == []


def test_muon_takes_steps_of_equal_size_in_all_directions() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Sequential(nn.Linear(8, 16, bias=False)), nn.Linear(16, 4))
    matrix = model[0][0].weight
    before = matrix.detach().clone()
    # One direction has a gradient ten thousand times as large as the others.
    matrix.grad = torch.randn(16, 8) + 1e4 * torch.outer(torch.randn(16), torch.randn(8))
    for optimizer in build_optimizers(model, MUON):
        optimizer.step()
    sizes = torch.linalg.svdvals(before - matrix.detach())
    assert float(sizes[0] / sizes[3]) < 4
    assert float(sizes[0]) == pytest.approx(MUON.learning_rate * 0.2 * 16**0.5, rel=0.4)


def test_muon_needs_blocks() -> None:
    with pytest.raises(WirelessFMError, match="repeated blocks"):
        build_optimizers(nn.Linear(4, 4), MUON)
