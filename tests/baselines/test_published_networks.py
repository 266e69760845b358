import dataclasses
import math
import pickle

import pytest
import torch
from torch import nn

from tests.synthetic_sites import make_site
from wirelessfm.baselines import BASELINES
from wirelessfm.baselines.published_networks import fcn_los, fcn_position, mlp_beam, resnet_beam
from wirelessfm.baselines.published_networks.schedule import Schedule, train_as_published
from wirelessfm.csi import CSI
from wirelessfm.tasks import LosTask

NETWORKS = {"fcn-los": fcn_los, "resnet-beam": resnet_beam, "mlp-beam": mlp_beam, "fcn-position": fcn_position}
SITE = make_site(240)
CHANNELS = LosTask(n_antennas=4).build([SITE]).inputs.isel(subcarrier=slice(0, 8))


@pytest.fixture
def few_steps(monkeypatch):
    """Bound every schedule, because these tests ask for anything but accuracy."""

    def bound(max_steps):
        for module in NETWORKS.values():
            monkeypatch.setattr(module, "_SCHEDULE", dataclasses.replace(module._SCHEDULE, max_steps=max_steps))

    return bound


def size(module, *shape):
    return sum(p.numel() for p in module._build(*shape).parameters())


def waves(n=300, n_antennas=16, n_classes=4, seed=0):
    """One plane wave each, from one of four directions, at any phase and a realistic gain."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, n_classes, (n,), generator=generator)
    phase = 2 * math.pi * torch.rand(n, 1, generator=generator)
    cosine = -0.75 + 0.5 * labels[:, None] + 0.05 * torch.randn(n, 1, generator=generator)
    gain = torch.polar(torch.full((n, n_antennas), 3e-6), phase + math.pi * cosine * torch.arange(n_antennas))
    return CSI(gain[:, :, None].expand(-1, -1, 4).contiguous(), ("sample", "antenna", "subcarrier")), labels


def test_sizes_are_the_published_ones():
    assert size(fcn_los, 32, 32, 2) == 2048 * 128 + 128 + 2 * 128 + 128 * 64 + 64 + 2 * 64 + 64 * 2 + 2
    assert 450e3 < size(resnet_beam, 32, 32, 64) < 550e3
    assert size(mlp_beam, 32, 32, 64) == 2048 * 512 + 4 * 512 * 512 + 5 * 512 + 512 * 64 + 64
    assert size(fcn_position, 32, 32, 2) == 2048 * 64 + 64 + 64 * 32 + 32 + 32 * 2 + 2


def test_directions_are_learned_by_the_beam_network(few_steps):
    few_steps(40)
    csi, labels = waves()
    scores = BASELINES["resnet-beam"].run(csi[:200], labels[:200], 4, 0)(csi[200:])
    assert scores.shape == (100, 4)
    assert float((scores.argmax(dim=1) == labels[200:]).double().mean()) > 0.9


def test_positions_are_learned_in_their_own_unit():
    csi, _ = waves()
    cosine = (csi.values[:, 1, 0] * csi.values[:, 0, 0].conj()).angle() / math.pi
    aligned = CSI(csi.values * (csi.values[:, :1, :1].conj() / csi.values[:, :1, :1].abs()), csi.axes)
    where = torch.stack([500 + 100 * cosine, -3 * cosine], dim=1)
    found = BASELINES["fcn-position"].run(aligned[:200], where[:200], 2, 0)(aligned[200:])
    assert float((found - where[200:]).abs().mean(dim=0)[0]) < 5 and found.dtype == torch.float32


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_picklable_and_takes_any_array_and_a_single_label(name, few_steps):
    few_steps(3)
    system = pickle.loads(pickle.dumps(BASELINES[name]))
    values = "value" in system.outputs
    labels = torch.randn(2, 3) if values else torch.tensor([1, 0])
    for n in (1, 2):
        predictor = system.run(CHANNELS[:n], labels[:n], 3, 0)
        scores = predictor(CHANNELS[:5])
        assert scores.shape == (5, 3) and torch.isfinite(scores).all() and predictor.n_parameters > 0


@pytest.mark.parametrize("name", ["fcn-los", "mlp-beam"])
def test_the_seed_repeats_the_unit_does_not_matter_and_the_global_generator_is_left_alone(name, few_steps):
    few_steps(20)
    run, labels = BASELINES[name].run, SITE.sub6.los.long()[:24]
    state = torch.get_rng_state()
    first, again = (run(CHANNELS[:24], labels, 2, 0)(CHANNELS[:9]) for _ in range(2))
    scaled = CSI(CHANNELS.values * 2.0**20, CHANNELS.axes)
    other_unit = run(scaled[:24], labels, 2, 0)(scaled[:9])
    assert torch.equal(first, again) and torch.equal(state, torch.get_rng_state())
    torch.testing.assert_close(first, other_unit, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("max_steps", "steps", "falls"), [(10_000, 40, 4), (20, 20, 4), (3, 3, 3)])
def test_a_bounded_schedule_keeps_its_shape(max_steps, steps, falls, monkeypatch):
    rates = []
    schedule = Schedule(1.0, epochs=10, decay_epochs=2, decay=0.5, batch=8, momentum=0.0, max_steps=max_steps)
    step = torch.optim.SGD.step
    monkeypatch.setattr(torch.optim.SGD, "step", lambda self: (rates.append(self.param_groups[0]["lr"]), step(self))[1])
    train_as_published(lambda a, k, n: nn.Sequential(nn.Flatten(), nn.Linear(2 * a * k, n)), schedule,
                       CHANNELS[:32], torch.arange(32) % 2, 2, 0)  # fmt: skip
    assert len(rates) == steps and rates[0] == 1.0 and math.log2(1 / rates[-1]) == min(falls, steps - 1)


def test_networks_apply_to_their_tasks():
    assert {n for n in NETWORKS if BASELINES[n].applies_to("los")} == {"fcn-los"}
    assert {n for n in NETWORKS if BASELINES[n].applies_to("beam")} == {"resnet-beam", "mlp-beam"}
    assert {n for n in NETWORKS if BASELINES[n].applies_to("localisation", "value")} == {"fcn-position"}
