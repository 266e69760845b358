import pytest
import torch

from tests.adapt.test_heads import clusters
from wirelessfm.adapt import HEADS, fit_head
from wirelessfm.adapt.heads import CLASS_HEADS
from wirelessfm.errors import WirelessFMError


def test_the_nearest_mean_wins():
    features, labels = clusters(n=300, d=6, n_classes=5)
    features = features.double()
    scores = fit_head("prototypes", features, labels, 5, seed=0)(features)
    means = torch.stack([features[labels == k].mean(dim=0) for k in range(5)])
    distance = torch.cdist(features, means)
    assert torch.equal(scores.argmax(dim=1), distance.argmin(dim=1))
    # Differences between scores are half the differences of squared distances.
    margin = (distance[:, 1] ** 2 - distance[:, 0] ** 2) / 2
    torch.testing.assert_close((scores[:, 0] - scores[:, 1]).double(), margin, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e5])
def test_decisions_do_not_depend_on_unit_or_origin(scale, offset):
    features, labels = clusters()
    plain = fit_head("prototypes", features, labels, 4, seed=0)(features).argmax(dim=1)
    moved = (features.double() + offset) * scale
    assert torch.equal(fit_head("prototypes", moved, labels, 4, seed=0)(moved).argmax(dim=1), plain)


def test_cosine_ignores_the_length_of_every_sample_and_euclid_does_not():
    features, labels = clusters()
    length = torch.rand(400, 1, generator=torch.Generator().manual_seed(1)) * 10 + 0.1
    for head, same in (("prototypes-cosine", True), ("prototypes", False)):
        before = fit_head(head, features, labels, 4, seed=0)(features)
        after = fit_head(head, features * length, labels, 4, seed=0)(features * length)
        assert torch.allclose(before, after, atol=1e-5) == same
    assert float((before.argmax(dim=1) == labels).double().mean()) > 0.95


@pytest.mark.parametrize("head", CLASS_HEADS)
def test_absent_classes_are_never_predicted_and_one_label_will_do(head):
    assert head in HEADS
    features, labels = clusters()
    scores = fit_head(head, features, labels * 2 + 1, 12, seed=0)(features)
    assert scores.dtype == torch.float32 and set(scores.argmax(dim=1).tolist()) == {1, 3, 5, 7}
    single = fit_head(head, features[:1], labels[:1] * 0 + 2, 4, seed=0)(features)
    assert torch.isfinite(single).all() and set(single.argmax(dim=1).tolist()) == {2}


@pytest.mark.parametrize("head", CLASS_HEADS)
def test_values_have_no_class_means(head):
    with pytest.raises(WirelessFMError, match="means of classes"):
        fit_head(head, torch.randn(5, 3), torch.randn(5, 2), 2, seed=0)
