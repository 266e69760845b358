import pickle

import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.baselines import BASELINES, fit_mean, fit_neighbours, get_baseline
from wirelessfm.csi import CSI
from wirelessfm.tasks import LocalisationTask

DATA = LocalisationTask().build([make_site(300)])
KNN = ("knn", "knn-angle-delay")


def csi_of(values):
    return CSI(values, ("sample", "antenna", "subcarrier"))


def fitted(name, labels, n_outputs, index=slice(None)):
    return get_baseline(name).run(DATA.inputs[index], labels[index], n_outputs, 0)


@pytest.mark.parametrize("name", KNN)
def test_a_labelled_sample_gets_its_own_label(name):
    values = DATA.truth.labels
    torch.testing.assert_close(fitted(name, values, 2)(DATA.inputs), values, rtol=0, atol=3.0)
    classes = (values[:, 1] > 0).long()
    assert torch.equal(fitted(name, classes, 3)(DATA.inputs).argmax(dim=1), classes)


@pytest.mark.parametrize("name", KNN)
def test_neighbours_locate_better_than_the_mean(name):
    values, test = DATA.truth.labels, slice(100, None)
    error, constant = (
        (get_baseline(n).run(DATA.inputs[:100], values[:100], 2, 0)(DATA.inputs[test]) - values[test]).norm(dim=1)
        for n in (name, "mean")
    )
    assert float(error.mean()) < 0.6 * float(constant.mean())


def test_weights_by_hand():
    channels = torch.zeros(3, 2, 1, dtype=torch.complex64)
    channels[0, 0], channels[1, 1], channels[2, 0] = 1, 1, 10  # powers -3, -3 and 17 dB
    predictor = fit_neighbours(csi_of(channels), torch.tensor([[0.0], [1.0], [5.0]]), 1, seed=0, k=2)
    seen = csi_of(torch.tensor([[[3j], [4j]]]) / 5)
    # c = 3/5 and 4/5, so d = √0.8 and √0.4; the third is as similar as the first, but 20 dB stronger.
    weights = 0.8**-0.5, 0.4**-0.5
    assert float(predictor(seen)) == pytest.approx(weights[1] / sum(weights), rel=1e-4)


@pytest.mark.parametrize("name", KNN)
def test_scale_and_common_phase_do_not_matter(name):
    values = DATA.truth.labels
    turned = csi_of(DATA.inputs.values * 1e-4j)
    scaled = get_baseline(name).run(turned[:100], values[:100], 2, 0)(turned[100:])
    torch.testing.assert_close(scaled, fitted(name, values, 2, slice(0, 100))(DATA.inputs[100:]), rtol=0, atol=0.05)


@pytest.mark.parametrize("name", KNN)
def test_few_labels_silence_and_pickling(name):
    one = fitted(name, DATA.truth.labels, 2, slice(0, 1))
    torch.testing.assert_close(one(DATA.inputs[:7]), DATA.truth.labels[:1].expand(7, 2))
    silent = csi_of(torch.zeros(4, 32, 32, dtype=torch.complex64))
    assert torch.isfinite(fit_neighbours(silent, torch.zeros(4, 1), 1, 0)(silent)).all()
    again = pickle.loads(pickle.dumps(one))
    assert torch.equal(again(DATA.inputs[:7]), one(DATA.inputs[:7]))


def test_the_mean_is_the_mean_and_for_values_only():
    predictor = fit_mean(DATA.inputs[:2], torch.tensor([[1.0, 2], [3, 6]]), 2, seed=0)
    assert predictor(DATA.inputs[:3]).tolist() == [[2.0, 4.0]] * 3
    assert not BASELINES["mean"].applies_to("los", "class") and BASELINES["mean"].applies_to("localisation", "value")
