import pytest
import torch

from wirelessfm.adapt import correction
from wirelessfm.adapt.corrected import corrected, fit_corrected
from wirelessfm.adapt.correction import fit_correction
from wirelessfm.baselines import BASELINES, System
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.suite import find_system


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def accuracy(scores, labels):
    return float((scores.argmax(dim=1) == labels).double().mean())


def test_answers_stay_as_they_are_where_features_say_nothing():
    answers, features = random(300, 8), random(300, 12, seed=1)
    labels = answers.argmax(dim=1)
    labels[::5] = torch.randint(8, labels[::5].shape, generator=torch.Generator().manual_seed(2))
    fitted = fit_correction(answers, features, labels, seed=0)
    assert torch.equal(fitted(answers, features), answers)
    values = answers + random(300, 8, seed=3)
    assert torch.equal(fit_correction(answers, features, values, seed=0)(answers, features), answers)


def test_answers_stay_as_they_are_with_few_labels():
    answers, features = random(19, 3), random(19, 4, seed=1)
    fitted = fit_correction(answers, features, features[:, :3].argmax(dim=1), seed=0)
    assert torch.equal(fitted(answers, features), answers)


@pytest.mark.parametrize(("grouped", "at_least", "at_most"), [(True, 0, 5), (False, 9, 10)])
def test_near_copies_are_no_evidence(monkeypatch, grouped, at_least, at_most):
    """Twenty places with eight near copies each, where features say nothing.

    The best of four gains a standard error by chance now and then; if copies could help each other, always.
    """
    if not grouped:
        monkeypatch.setattr(correction, "_groups", lambda features, seed: torch.arange(len(features)))
    chosen = 0
    for seed in range(10):
        place = random(20, 6, seed=seed).repeat_interleave(8, dim=0)
        features = place + 0.01 * random(160, 6, seed=seed + 100)
        answers = random(20, 4, seed=seed + 200).repeat_interleave(8, dim=0)
        labels = torch.randint(4, (20,), generator=torch.Generator().manual_seed(seed)).repeat_interleave(8)
        fitted = fit_correction(answers, features, labels, seed)
        chosen += not torch.equal(fitted(answers, features), answers)
    assert at_least <= chosen <= at_most


def test_classes_are_corrected_where_features_tell():
    """The rule knows which pair of classes it is, and a feature which of the pair."""
    labels = torch.randint(4, (600,), generator=torch.Generator().manual_seed(0))
    answers = (torch.arange(4) // 2 == labels[:, None] // 2).float() + 0.1 * random(600, 4)
    features = torch.cat([(labels % 2).float()[:, None] + 0.2 * random(600, 1, seed=1), random(600, 5, seed=2)], dim=1)
    fitted = fit_correction(answers[:300], features[:300], labels[:300], seed=0)
    assert accuracy(answers[300:], labels[300:]) < 0.6
    assert accuracy(fitted(answers[300:], features[300:]), labels[300:]) > 0.95


@pytest.mark.parametrize("useless", [False, True])
def test_values_are_corrected_or_replaced(useless):
    features = random(400, 6)
    truth = features[:, :2] * 3 + 5
    answers = 50 * random(400, 2, seed=1) if useless else truth + features[:, 2:4] + 2
    fitted = fit_correction(answers[:200], features[:200], truth[:200], seed=0)
    error = (fitted(answers[200:], features[200:]) - truth[200:]).square().sum(dim=1).sqrt().mean()
    assert float(error) < 0.2


def test_values_that_no_line_corrects_are_learnt_anew():
    """An answer whose sign is lost: the features say which, but not linearly."""
    features = random(400, 2)
    truth = (features[:, :1].abs() - 0.7).sign() * 5
    answers = truth.abs() + 0.1 * random(400, 1, seed=1)
    fitted = fit_correction(answers[:300], features[:300], truth[:300], seed=0)
    before, after = (
        (found - truth[300:]).abs().mean() for found in (answers[300:], fitted(answers[300:], features[300:]))
    )
    assert float(after) < 0.6 * float(before)


def test_a_correction_is_a_function_of_its_seed_and_leaves_global_randomness_alone():
    labels = torch.randint(4, (200,), generator=torch.Generator().manual_seed(0))
    answers, features = random(200, 4), random(200, 5, seed=1) + labels[:, None]
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, second = (fit_correction(answers, features, labels, seed=3)(answers, features) for _ in range(2))
    assert torch.equal(first, second) and torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first, answers)


def small_csi(n=40):
    csi = CSI(
        torch.complex(random(n, 8, 4), random(n, 8, 4, seed=1)),
        ("sample", "antenna", "subcarrier"),
        coords={"subcarrier": torch.arange(4) * 30e3},
    )
    return csi


def test_a_corrected_rule_is_a_system_by_name():
    system = find_system("same-sweep-beam+autocorrelation")
    assert system.name == "same-sweep-beam+autocorrelation" and system.kind == "correction"
    assert system.applies_to("beam") and not system.applies_to("los")
    csi = small_csi()
    columns = system.run(csi, 16)
    assert torch.equal(columns[:, :16], BASELINES["same-sweep-beam"].run(csi, 16).float())
    assert torch.equal(columns[:, 16:], BASELINES["autocorrelation"].run(csi).float())


def test_a_rule_of_another_shape_is_not_corrected():
    flat = System("flat", "rule", lambda csi, n: torch.zeros(len(csi)))
    with pytest.raises(WirelessFMError, match=r"\[40, 16\], found \[40\]"):
        corrected(flat, BASELINES["autocorrelation"]).run(small_csi(), 16)


def test_the_head_of_a_corrected_rule_corrects_its_answers():
    answers, features = random(60, 4), random(60, 3, seed=1)
    labels = features[:, :1] - features[:, 1:2]
    columns = torch.cat([answers[:, :1], features], dim=1)
    expected = fit_correction(answers[:, :1], features, labels, seed=2)(answers[:, :1], features)
    assert torch.equal(fit_corrected(columns, labels, 1, 2)(columns), expected)
    assert not torch.equal(expected, answers[:, :1])


def test_what_pretraining_saw_stays_with_the_corrected_line():
    model, sweep = find_system("wfm-spectrum-800k"), BASELINES["same-sweep-beam"]
    system = corrected(sweep, model)
    assert system.pretrained and system.weights == model.weights and system.corpora == model.corpora
    assert system.notes["pretraining_saw"] == model.notes["pretraining_saw"]


def test_what_cannot_be_corrected_is_said():
    with pytest.raises(WirelessFMError, match=r"RULE\+FEATURES, found 'raw' \(features\)"):
        find_system("raw+autocorrelation")
    with pytest.raises(WirelessFMError, match="an encoder or features second"):
        find_system("power-delay+cnn")
    with pytest.raises(WirelessFMError, match="unknown system"):
        find_system("power-delay+nothing")
    values = System("v", "features", lambda csi: csi, outputs=("value",))
    with pytest.raises(WirelessFMError, match="no task for both"):
        corrected(BASELINES["power-delay"], values)


def test_a_few_values_far_off_do_not_hide_what_the_others_gain(monkeypatch):
    """A fit that is right but for four of 200, of which it moves two by kilometres each way."""
    labels, features = torch.full((200, 1), 10.0), torch.arange(200)[:, None] / 10
    answers, moved = torch.zeros(200, 1), torch.zeros(200, 1)
    answers[[20, 90]] = 2e3
    moved[[150, 180]] = 2e3

    def fit(answers, features, labels, **options):
        return lambda answers, features: torch.full_like(answers, 10.0) + moved[(10 * features[:, 0]).round().long()]

    monkeypatch.setattr(correction, "_fit_values", fit)
    monkeypatch.setattr(correction, "_fit_anew", fit)
    corrected_values = fit_correction(answers, features, labels, seed=0)(answers, features)
    assert float((corrected_values - labels).abs().median()) < 0.1
    assert correction._best([fit], correction._lost_values, answers, features, labels, 0, 1.0) is None
