"""The reader of MATLAB files against scipy's writer."""

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from wirelessfm.data.mat5 import list_mat5, read_mat5
from wirelessfm.errors import WirelessFMError

CONTENT = {
    "real": np.arange(24.0).reshape(2, 3, 4),
    "single": np.ones((2, 5), np.float32),
    "small": np.array([[1, -2, 3]], np.int8),
    "wide": np.array([[2**60]], np.uint64),
    "z": np.array([[1 + 2j, 3 - 4j], [0, 1j]]),
    "zs": np.array([[1 + 2j]], np.complex64),
    "flag": np.array([[True, False]]),
    "none": np.empty((0, 3)),
    "text": "carrier",
}


@pytest.mark.parametrize("packed", [True, False])
def test_what_scipy_writes_comes_back(tmp_path, packed):
    cells = np.empty((1, 2), dtype=object)
    cells[0, 0], cells[0, 1] = {"p": np.ones((8, 2), np.float32), "longer_name": "a"}, np.empty((0, 0))
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {**CONTENT, "cells": cells}, do_compression=packed)
    found = read_mat5(path)
    for name, expected in CONTENT.items():
        np.testing.assert_array_equal(found[name], expected)
        if isinstance(expected, np.ndarray) and expected.dtype != bool:
            assert found[name].dtype == expected.dtype and found[name].shape == expected.shape
    assert found["cells"].shape == (1, 2) and found["cells"][0, 1].size == 0
    np.testing.assert_array_equal(found["cells"][0, 0]["p"].item(), np.ones((8, 2)))
    assert found["cells"][0, 0]["longer_name"].item() == "a"
    listed = {v.name: v for v in list_mat5(path)}
    assert listed["real"].shape == (2, 3, 4) and listed["zs"].dtype == np.complex64 and listed["cells"].dtype is None
    assert list(read_mat5(path, "z")) == ["z"] and list(read_mat5(path.read_bytes(), "text")) == ["text"]


def test_struct_array_keeps_its_elements_apart(tmp_path):
    table = np.array([(1.0, 2.0), (3.0, 4.0)], dtype=[("a", "f8"), ("b", "f8")])
    scipy.io.savemat(tmp_path / "s.mat", {"s": table})
    struct = read_mat5(tmp_path / "s.mat")["s"]
    assert [x.item() for x in struct["b"].ravel()] == [2.0, 4.0]


def test_unsupported_files_and_names(tmp_path):
    scipy.io.savemat(tmp_path / "old.mat", {"x": np.ones(3)}, format="4")
    with pytest.raises(WirelessFMError, match=r"save it again with -v7\.3"):
        list_mat5(tmp_path / "old.mat")
    scipy.io.savemat(tmp_path / "s.mat", {"x": scipy.sparse.eye(3).tocsc()})
    with pytest.raises(WirelessFMError, match="'x' is a sparse matrix"):
        read_mat5(tmp_path / "s.mat")
    with pytest.raises(WirelessFMError, match="no variable 'y'; there are: x"):
        read_mat5(tmp_path / "s.mat", "y")
