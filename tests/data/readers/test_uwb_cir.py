import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.data.readers.reader_layouts import uwb_cir
from wirelessfm.csi import CSI
from wirelessfm.data.readers.uwb_cir import TAP_S, read_uwb_cir


def taps(csi: CSI) -> torch.Tensor:
    return torch.fft.ifft(torch.fft.ifftshift(csi.tensor("sample subcarrier"), dim=-1), dim=-1)


def test_taps_come_back_and_the_phase_slope_is_the_delay(tmp_path):
    csi = read_uwb_cir(uwb_cir(tmp_path))
    assert taps(csi).abs().argmax(1).tolist() == [20] * 4
    step = csi.values[0, 1:] / csi.values[0, :-1]
    spacing = csi.coords["subcarrier"][1] - csi.coords["subcarrier"][0]
    torch.testing.assert_close(
        -step.angle().double().mean() / (2 * torch.pi * spacing), torch.tensor(20 * TAP_S).double()
    )
    assert csi.meta.extra["classes"]["label"] == ["LOS", "NDP NLOS", "NLOS"]


def test_published_energy_begins_at_the_first_path(sample):
    csi = read_uwb_cir(sample("uwb-cir-apartment") / "uwb_cir.npz")
    power, first = taps(csi).abs().square(), csi.labels["first_path"].long()
    peak = power.gather(1, first[:, None] + torch.arange(20)).amax(1)
    assert float((10 * torch.log10(peak / power[:, :15].mean(1))).median()) > 30


def test_published_line_of_sight_is_told_apart_at_new_positions(sample):
    """A linear classifier on the two received levels, grouped by position."""
    csi = read_uwb_cir(sample("uwb-cir-apartment") / "uwb_cir.npz")[::3]
    levels = torch.stack([csi.labels["rx_level_dbm"], csi.labels["fp_level_dbm"]], 1).numpy()
    los = (csi.labels["label"] == csi.meta.extra["classes"]["label"].index("LOS")).numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    found = cross_val_predict(model, levels, los, groups=csi.labels["file_id"].numpy(), cv=GroupKFold(4))
    assert balanced_accuracy_score(los, found) > 0.75
