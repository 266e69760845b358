import pytest
import torch

from wirelessfm.adapt import fit_head
from wirelessfm.adapt.heads import fit_standardiser
from wirelessfm.errors import WirelessFMError

QUICK = ("linear", "mlp")  # the residual heads have tests of their own: they take seconds


def clusters(n=400, d=10, n_classes=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, n_classes, (n,), generator=generator)
    centres = 3 * torch.randn(n_classes, d, generator=generator)
    return centres[labels] + torch.randn(n, d, generator=generator), labels


@pytest.mark.parametrize("head", QUICK)
@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e5])
def test_heads_learn_whatever_the_unit(head, scale):
    features, labels = clusters()
    scorer = fit_head(head, features[:300] * scale, labels[:300], 4, seed=0)
    scores = scorer(features[300:] * scale)
    assert scores.dtype == torch.float32
    assert float((scores.argmax(dim=1) == labels[300:]).double().mean()) > 0.95


@pytest.mark.parametrize("head", QUICK)
def test_classes_without_labels_are_never_predicted(head):
    features, labels = clusters()
    scores = fit_head(head, features, labels * 2 + 1, 12, seed=0)(features)
    assert scores.shape == (400, 12) and torch.isfinite(scores).all()
    assert set(scores.argmax(dim=1).tolist()) <= {1, 3, 5, 7}


@pytest.mark.parametrize("head", QUICK)
@pytest.mark.parametrize("n", [1, 5])
def test_one_class_present(head, n):
    features, _ = clusters()
    scores = fit_head(head, features[:n], torch.full((n,), 2), 4, seed=0)(features)
    assert torch.isfinite(scores).all() and set(scores.argmax(dim=1).tolist()) == {2}


@pytest.mark.parametrize("head", QUICK)
def test_constant_features_do_no_harm(head):
    features, labels = clusters()
    constant = torch.full((400, 3), -117.3)
    scores = fit_head(head, torch.cat([features, constant], dim=1)[:300], labels[:300], 4, seed=0)(
        torch.cat([features, constant + 1e-3], dim=1)[300:]
    )
    assert float((scores.argmax(dim=1) == labels[300:]).double().mean()) > 0.95
    only = fit_head(head, constant, labels, 4, seed=0)(constant)
    assert torch.isfinite(only).all()


@pytest.mark.parametrize("head", QUICK)
def test_the_seed_repeats_and_the_global_generator_is_left_alone(head):
    features, labels = clusters()
    state = torch.get_rng_state()
    first, again = (fit_head(head, features, labels, 4, seed=7)(features) for _ in range(2))
    assert torch.equal(first, again) and torch.equal(state, torch.get_rng_state())


def test_statistics_come_from_the_labelled_samples_only():
    features, _ = clusters()
    standardise = fit_standardiser(features[:50])
    assert standardise(features[:50]).mean(dim=0).abs().max() < 1e-5
    assert standardise(features[:50]).std(dim=0, correction=0).sub(1).abs().max() < 1e-5
    assert standardise(features[50:]).mean(dim=0).abs().max() > 1e-2


@pytest.mark.parametrize("n", [40, 900])
def test_wide_features_are_rotated_not_changed(n):
    generator = torch.Generator().manual_seed(0)
    low = torch.randn(n, 30, generator=generator) @ torch.randn(30, 700, generator=generator)
    standardise = fit_standardiser(low)
    reduced = standardise(low)
    assert reduced.shape[1] <= 30 and standardise.kept == pytest.approx(1, abs=1e-4)
    scaled = (low - low.mean(dim=0)) / low.std(dim=0, correction=0)
    torch.testing.assert_close(torch.cdist(reduced, reduced), torch.cdist(scaled, scaled), rtol=1e-3, atol=0.1)


def test_bad_input_is_explained():
    features, labels = clusters()
    with pytest.raises(WirelessFMError, match="unknown head 'linaer'"):
        fit_head("linaer", features, labels, 4, seed=0)
    with pytest.raises(WirelessFMError, match="at least 1 label"):
        fit_head("linear", features[:0], labels[:0], 4, seed=0)
    with pytest.raises(WirelessFMError, match="float features"):
        fit_head("linear", features[:, 0], labels, 4, seed=0)
    with pytest.raises(WirelessFMError, match=r"0 … 2"):
        fit_head("linear", features, labels, 3, seed=0)


@pytest.mark.parametrize("head", QUICK)
@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e5])
def test_heads_learn_values_whatever_the_unit(head, scale):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(400, 10, generator=generator)
    values = features @ torch.randn(10, 2, generator=generator) + torch.tensor([300.0, -20.0])
    found = fit_head(head, features[:300], values[:300] * scale, 2, seed=0)(features[300:]) / scale
    assert float((found - values[300:]).norm(dim=1).mean()) < 0.25 * float(values.std())
    one = fit_head(head, features[:1], values[:1] * scale, 2, seed=0)(features)
    assert torch.allclose(one / scale, values[:1].expand(400, -1), rtol=1e-4)


@pytest.mark.parametrize("output", ["class", "value"])
def test_a_residual_head_learns_in_the_order_of_the_features(output, monkeypatch):
    monkeypatch.setattr("wirelessfm.adapt.heads._NETWORK_STEPS", 60)
    features, labels = clusters(n_classes=3, d=32)
    targets = labels if output == "class" else labels[:, None].float()
    found = fit_head("resnet-slim", features[:300], targets[:300], 3 if output == "class" else 1, seed=0)(
        features[300:]
    )
    decided = found.argmax(dim=1) if output == "class" else found[:, 0].round().long()
    assert float((decided == labels[300:]).double().mean()) > 0.8


def test_wrong_values_are_refused():
    features = torch.randn(5, 3)
    for values in (torch.randn(5), torch.randn(5, 3), torch.full((5, 2), float("nan"))):
        with pytest.raises(WirelessFMError, match=r"values \[sample, 2\]"):
            fit_head("linear", features, values, 2, seed=0)
