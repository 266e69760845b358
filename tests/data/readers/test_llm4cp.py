import numpy as np

from tests.data.readers.reader_layouts import llm4cp, random_complex
from wirelessfm.data.readers.llm4cp import read_llm4cp


def test_speeds_and_panel_are_merged_in_order(tmp_path):
    csi = read_llm4cp(llm4cp(tmp_path))
    truth = random_complex(3, 2, 4, 5, 2, 2, 2)
    assert dict(zip(csi.axes, csi.values.shape, strict=True)) == {"sample": 6, "time": 4, "subcarrier": 5, "antenna": 8}
    np.testing.assert_array_equal(csi.values[3, 1, 2, 5], truth[1, 1, 1, 2, 1, 0, 1])
    assert csi.labels["speed_index"].tolist() == [0, 0, 1, 1, 2, 2]
