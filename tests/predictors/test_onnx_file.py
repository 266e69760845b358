"""A tiny linear ONNX model against the same product in torch, and every way a file can be wrong."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.synthetic_sites import make_site
from wirelessfm.errors import WirelessFMError
from wirelessfm.evaluate import evaluate
from wirelessfm.predictors import find_predictor, onnx_system
from wirelessfm.tasks import LosTask

onnx = pytest.importorskip("onnx", reason="needs the extra onnx")
pytest.importorskip("onnxruntime", reason="needs the extra onnx")

LOS = LosTask(n_antennas=4).build([make_site(70)])
WEIGHT = torch.randn(2 * 4 * 32, 2, generator=torch.Generator().manual_seed(0)).numpy()


def write(path, batch="n", shape=(2, 4, 32), scale=None, extra=(), kind="float", outputs=("scores",)):
    """Flatten and one product; a fixed or free batch."""
    from onnx import TensorProto, helper, numpy_helper

    element = {"float": TensorProto.FLOAT, "double": TensorProto.DOUBLE}[kind]
    weight = WEIGHT[: int(np.prod(shape))].astype("f8" if kind == "double" else "f4")
    nodes = [helper.make_node("Flatten", ["csi"], ["flat"]), helper.make_node("MatMul", ["flat", "w"], ["scores"])]
    nodes += [helper.make_node("Identity", ["scores"], [name]) for name in outputs[1:]]
    inputs = [helper.make_tensor_value_info("csi", element, [batch, *shape])]
    inputs += [helper.make_tensor_value_info(name, element, [batch]) for name in extra]
    ends = [helper.make_tensor_value_info(name, element, [batch, 2]) for name in outputs]
    graph = helper.make_graph(nodes, "linear", inputs, ends, [numpy_helper.from_array(weight, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    if scale:
        model.metadata_props.add(key="wirelessfm.scale", value=scale)
    onnx.save(model, str(path))
    return path


def expected(values, unit=True):
    scale = values.abs().square().mean(dim=(1, 2), keepdim=True).sqrt() if unit else 1
    return torch.stack([(values / scale).real, (values / scale).imag], dim=1).flatten(1) @ torch.from_numpy(WEIGHT)


@pytest.mark.parametrize("batch", ["n", 32, 1])
def test_the_file_computes_what_torch_computes(tmp_path, batch):
    found = onnx_system(write(tmp_path / "linear.onnx", batch)).run(LOS.inputs, 2)
    torch.testing.assert_close(found, expected(LOS.inputs.values), rtol=1e-4, atol=1e-4)


def test_scale_comes_from_metadata_or_option(tmp_path):
    stated = onnx_system(write(tmp_path / "a.onnx", scale="physical")).run(LOS.inputs, 2)
    given = onnx_system(write(tmp_path / "b.onnx"), scale="physical").run(LOS.inputs, 2)
    torch.testing.assert_close(stated, expected(LOS.inputs.values, unit=False), rtol=1e-4, atol=1e-9)
    assert torch.equal(stated, given)
    with pytest.raises(WirelessFMError, match=r"unknown scale.*'unitpower'.*Did you mean 'unit-power'"):
        onnx_system(write(tmp_path / "c.onnx", scale="unitpower"))


def test_a_file_is_a_line_of_the_table(tmp_path):
    system = find_predictor(str(write(tmp_path / "linear.onnx")))
    row = evaluate([LOS], [system], seeds=(0,), progress=False)[0]
    assert (row.system, row.kind, row.self_reported, len(row.weights)) == ("linear", "external", True, 16)


def test_csi_comes_back_in_its_own_scale_and_side_information_goes_in(tmp_path):
    from onnx import TensorProto, helper

    # Adds nothing but multiplies with the observed mask: only shapes, scale and wiring matter here.
    nodes = [
        helper.make_node("Unsqueeze", ["observed", "axis"], ["mask"]),
        helper.make_node("Mul", ["csi", "mask"], ["complete"]),
    ]
    shape = ["n", 2, "a", "k"]
    inputs = [
        helper.make_tensor_value_info("csi", TensorProto.FLOAT, shape),
        helper.make_tensor_value_info("observed", TensorProto.FLOAT, ["n", "a", "k"]),
    ]
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    graph = helper.make_graph(
        nodes, "mask", inputs, [helper.make_tensor_value_info("complete", TensorProto.FLOAT, shape)], [axis]
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(tmp_path / "m.onnx")
    )
    system = onnx_system(tmp_path / "m.onnx")
    observed = torch.rand(LOS.inputs.values.shape, generator=torch.Generator().manual_seed(0)) < 0.5
    csi = replace(LOS.inputs, values=LOS.inputs.values * observed, labels={"observed": observed})
    assert system.outputs == ("csi",)
    torch.testing.assert_close(system.run(csi, 0), csi.values, rtol=1e-5, atol=1e-12)
    with pytest.raises(WirelessFMError, match=r"inputs \['observed'\], which this task does not give"):
        system.run(LOS.inputs, 0)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"shape": (3, 4, 16)}, r"must take \[sample, 2, antenna, subcarrier\].*'csi' is \[n, 3, 4, 16\]"),
        ({"shape": (2,)}, r"must take \[sample, 2, antenna, subcarrier\]"),
        ({"extra": ("snr",)}, "may be named observed, noise_power, found snr"),
        ({"kind": "double"}, r"must be float32, found tensor\(double\)"),
        ({"outputs": ("scores", "more")}, "must have one output, found scores, more"),
    ],
)
def test_a_file_of_another_form_is_explained(tmp_path, form, message):
    with pytest.raises(WirelessFMError, match=message):
        onnx_system(write(tmp_path / "linear.onnx", **form))


def test_other_arrays_than_the_task_has_are_explained(tmp_path):
    system = onnx_system(write(tmp_path / "linear.onnx", shape=(2, 4, 16)))
    with pytest.raises(WirelessFMError, match=r"takes \[n, 2, 4, 16\], this task gives \[sample, 2, 4, 32\]"):
        system.run(LOS.inputs, 2)


def test_missing_and_broken_files(tmp_path, monkeypatch):
    with pytest.raises(WirelessFMError, match="no such file"):
        find_predictor(str(tmp_path / "absent.onnx"))
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(WirelessFMError, match="not a readable ONNX model"):
        find_predictor(str(tmp_path / "broken.onnx"))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(WirelessFMError, match=r"wirelessfm\[onnx\]"):
        find_predictor(str(tmp_path / "broken.onnx"))
