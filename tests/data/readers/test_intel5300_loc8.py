import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.data.readers.reader_layouts import intel5300_loc8
from wirelessfm.data.readers.intel5300_loc8 import read_intel5300_loc8


def test_axes_and_labels(tmp_path):
    path = intel5300_loc8(tmp_path)
    csi, stored = read_intel5300_loc8(path), np.load(path)["csi"]
    assert csi.axes == ("sample", "subcarrier", "rx", "antenna") and csi.values.shape == (8, 30, 3, 2)
    assert csi.values[2, 7, 1, 1] == complex(*stored[2, 7, 1, 1])
    assert csi.labels["day"].tolist() == [3] * 4 + [7] * 4 and csi.meta.extra["groups"] == ["day", "period"]


def test_published_receive_antennas_follow_their_rssi(sample):
    """The power of each receive antenna relative to the three follows its own RSSI, and no other."""
    csi = read_intel5300_loc8(sample("iwl5300-csi-loc8-polyu") / "csi.npz")
    power_db = 10 * torch.log10(csi.tensor("sample rx antenna subcarrier").abs().square().mean((2, 3)))
    rssi_db = csi.labels["rssi_abc_noise_agc"][:, :3].float()
    relative = torch.cat([x - x.mean(1, keepdim=True) for x in (power_db, rssi_db)], 1)
    correlation = torch.corrcoef(relative.T)[:3, 3:]
    assert bool((correlation.diag() > 0.95).all()) and float((correlation - correlation.diag().diag()).max()) < 0.2


def test_published_places_are_told_apart_by_day_and_not_at_random(sample):
    """A linear classifier on amplitudes (chance 1/8): a random split reports twice what a new day does."""
    csi = read_intel5300_loc8(sample("iwl5300-csi-loc8-polyu") / "csi.npz")[::6]
    features = csi.values.abs().flatten(1)
    features = (features / features.norm(dim=1, keepdim=True)).numpy()
    place, day = csi.labels["location"].numpy(), csi.labels["day"].numpy()
    scores = {}
    for split, test in (("day", day == 17), ("random", np.random.default_rng(0).random(len(day)) < 0.2)):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200))
        scores[split] = model.fit(features[~test], place[~test]).score(features[test], place[test])
    assert 0.35 < scores["day"] < 0.7 < 0.9 < scores["random"]
