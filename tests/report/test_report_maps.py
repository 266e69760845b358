"""Maps: stored without loss, refused when they cannot be drawn."""

import numpy as np
import pytest

from tests.report.report_samples import synthetic_maps
from wirelessfm.errors import WirelessFMError
from wirelessfm.report import EmbeddingMap, UserMap, load_map, save_map


@pytest.mark.parametrize("index", range(7))
def test_save_and_load_are_inverse(tmp_path, index):
    maps, embeddings = synthetic_maps(50)
    drawn = (*maps, *embeddings)[index]
    save_map(tmp_path / "m.npz", drawn)
    loaded = load_map(tmp_path / "m.npz")
    assert type(loaded) is type(drawn)
    for name, value in vars(drawn).items():
        np.testing.assert_array_equal(getattr(loaded, name), value)
    assert loaded.names == drawn.names and loaded.limits == drawn.limits


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": np.zeros(4)}, "one value for each of 5 users"),
        ({"position_m": np.zeros((5, 4))}, r"\[user, 2 or 3\]"),
        ({"values": np.zeros(5, complex)}, "real numbers"),
        ({"kind": "heat"}, "category, beam, value"),
        ({"position_m": np.full((5, 2), np.nan)}, "finite positions"),
        ({"bs_position_m": np.zeros(1)}, "bs_position_m"),
    ],
)
def test_refuses_what_cannot_be_drawn(change, message):
    good = {"title": "t", "position_m": np.zeros((5, 3)), "values": np.zeros(5), "kind": "value"}
    with pytest.raises(WirelessFMError, match=message):
        UserMap(**{**good, **change})


def test_refuses_other_files(tmp_path):
    (tmp_path / "text.npz").write_text("hello")
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    np.savez(tmp_path / "pickle.npz", map=np.array([{}], dtype=object))
    for name in ("text.npz", "array.npy", "other.npz", "pickle.npz", "missing.npz"):
        with pytest.raises(WirelessFMError, match=name):
            load_map(tmp_path / name)


def test_embedding_is_a_plane():
    with pytest.raises(WirelessFMError, match=r"\[user, 2\]"):
        EmbeddingMap("t", np.zeros((5, 3)), np.zeros(5), "value")
