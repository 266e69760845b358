import numpy as np
import pytest
import yaml

from tests.data.readers.reader_layouts import random_complex, save_v73
from wirelessfm.data.card import Card, card_path, load_card, make_card
from wirelessfm.data.card_values import read_with_card
from wirelessfm.errors import WirelessFMError


def with_card(tmp_path, arrays, **card):
    file = tmp_path / "m.npz"
    np.savez(file, **arrays)
    card_path(file).write_text(yaml.safe_dump(card))
    return file


def test_every_way_to_store_complex_numbers_gives_the_same_csi(tmp_path):
    h = random_complex(4, 3, 5).astype(np.complex64)
    axes = ["sample", "antenna", "subcarrier"]
    ways = [
        ({"h": h}, {"axes": axes}),
        ({"h": np.stack([h.real, h.imag], -1)}, {"axes": [*axes, "re_im"]}),
        ({"h": np.stack([h.real, h.imag], 1)}, {"axes": ["sample", "re_im", "antenna", "subcarrier"]}),
        ({"h": h.real, "g": h.imag}, {"axes": axes, "array": "h", "imag_array": "g"}),
        ({"h": np.stack([h.real, h.imag], 1).reshape(4, -1) / 2 + 0.5},
         {"axes": ["sample", "re_im", "antenna", "subcarrier"], "shape": [-1, 2, 3, 5], "centre": 0.5, "scale": 2.0}),
        ({"h": h.transpose(2, 0, 1)[:, None]}, {"axes": ["subcarrier", "_", "sample", "antenna"]}),
    ]  # fmt: skip
    for arrays, card in ways:
        csi = read_with_card(with_card(tmp_path, arrays, **card))
        np.testing.assert_allclose(csi.tensor("sample antenna subcarrier"), h, atol=1e-6)


def test_amplitudes_in_db(tmp_path):
    csi = read_with_card(with_card(tmp_path, {"a": np.array([[0.0, 20.0]])}, axes=["sample", "subcarrier"],
                                   values="amplitude_db"))  # fmt: skip
    np.testing.assert_allclose(csi.values.real, [[1, 10]])
    assert csi.meta.extra["values"] == "amplitude_db"


def test_repeated_axes_are_merged_first_slowest(tmp_path):
    h = random_complex(2, 3, 4, 5)
    csi = read_with_card(with_card(tmp_path, {"h": h}, axes=["sample", "antenna", "sample", "antenna"]))
    np.testing.assert_array_equal(csi.values, h.transpose(0, 2, 1, 3).reshape(8, 15))


def test_coordinates_labels_groups_and_provenance(tmp_path):
    arrays = {"h": random_complex(3, 4), "day": np.array([1, 1, 2], np.int8), "place": np.array(["b", "a", "b"]),
                  "xy": np.ones((3, 2))}  # fmt: skip
    csi = read_with_card(
        with_card(tmp_path, arrays, array="h", axes=["sample", "subcarrier"], carrier_hz=2.4e9,
                  subcarrier_spacing_hz=15e3, labels={"day": "day", "place": "place", "xy": "xy"}, groups=["day"],
                  licence="MIT", source="me")
    )  # fmt: skip
    assert csi.coords["subcarrier"].tolist() == [-30e3, -15e3, 0, 15e3]
    assert csi.labels["place"].tolist() == [1, 0, 1] and csi.meta.extra["classes"] == {"place": ["a", "b"]}
    assert csi.labels["xy"].shape == (3, 2) and csi.meta.extra["groups"] == ["day"]
    assert (csi.meta.licence, csi.meta.source, csi.meta.carrier_hz) == ("MIT", "me", 2.4e9)


def test_hdf5_and_mat_axes(tmp_path):
    h = random_complex(3, 4, 5)
    mat = save_v73(tmp_path / "a.mat", h=h)
    axes = ("sample", "antenna", "subcarrier")
    np.testing.assert_array_equal(read_with_card(mat, Card(axes=axes)).values, h)
    as_stored = save_v73(tmp_path / "a.h5", h=h)
    np.testing.assert_array_equal(read_with_card(as_stored, Card(axes=axes[::-1])).tensor(" ".join(axes)), h)


@pytest.mark.parametrize(
    "content, message",
    [
        ({"axis": ["sample"]}, r"unknown card key 'axis'\. Did you mean 'axes'\?"),
        ({"axes": ["sample", "subcarriers"]}, r"unknown axis 'subcarriers'\. Did you mean 'subcarrier'\?"),
        ({"axes": ["antenna"]}, "axes need 'sample'"),
        ({"axes": ["sample"], "carrier_hz": -1}, "carrier_hz: .*greater than 0"),
        ({"axes": ["sample"], "carrier_hz": "2.4 GHz"}, "carrier_hz: .*valid number"),
        ({"axes": ["sample"], "values": "power"}, "values: .*'amplitude'"),
        ({"axes": ["sample"], "groups": ["day"]}, "groups: unknown label 'day'"),
        ({"axes": ["sample", "re_im"], "imag_array": "g"}, "not two of them"),
        ({}, "axes: Field required"),
    ],
)
def test_bad_cards_are_refused_exactly(content, message):
    with pytest.raises(WirelessFMError, match=message):
        make_card(content)


@pytest.mark.parametrize(
    "card, message",
    [
        ({"axes": ["sample", "re_im"], "shape": [-1, 2]}, "does not reshape"),
        ({"axes": ["sample"]}, r"has 2 dimensions \[3, 4\], the card names 1 axes"),
        ({"axes": ["sample", "re_im"]}, "axis 're_im' must have length 2, found 4"),
        ({"axes": ["sample", "antenna"], "array": "g"}, r"no array 'g'; it has: h \[3, 4\]"),
        ({"axes": ["sample", "antenna"], "labels": {"y": "day"}}, r"no array 'day'"),
        ({"axes": ["sample", "re_im", "antenna"], "shape": [-1, 2, 3]}, r"does not reshape to \[-1, 2, 3\]"),
    ],
)
def test_cards_that_do_not_fit_the_file(tmp_path, card, message):
    file = with_card(tmp_path, {"h": random_complex(3, 4)}, **card)
    with pytest.raises(WirelessFMError, match=message):
        read_with_card(file)


def test_complex_values_with_a_re_im_axis(tmp_path):
    file = with_card(tmp_path, {"h": random_complex(3, 2)}, axes=["sample", "re_im"])
    with pytest.raises(WirelessFMError, match="complex already"):
        read_with_card(file)


def test_missing_and_unreadable_cards(tmp_path):
    np.savez(tmp_path / "m.npz", h=random_complex(3, 4))
    with pytest.raises(WirelessFMError, match=r"no card at .*m\.npz\.card\.yaml"):
        read_with_card(tmp_path / "m.npz")
    card_path(tmp_path / "m.npz").write_text("axes: [sample")
    with pytest.raises(WirelessFMError, match="not readable YAML"):
        load_card(card_path(tmp_path / "m.npz"))
    card_path(tmp_path / "m.npz").write_text("- a\n- b\n")
    with pytest.raises(WirelessFMError, match="must hold keys and values, found list"):
        load_card(card_path(tmp_path / "m.npz"))
