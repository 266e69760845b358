"""An ONNX file as a system, run with ONNX Runtime (extra ``onnx``) on the CPU.

The first input is float32 [sample, 2, antenna, subcarrier], real and imaginary parts (generally [sample, 2, …] with
the axes of the CSI); further inputs may be named ``observed`` and ``noise_power`` and get the side information of
estimation tasks as float32. The one output is float32 [sample, n] with scores or values, or [sample, 2, …] with CSI.
A first dimension that is fixed is respected. What scale the network expects it says in its metadata:
``wirelessfm.scale`` is ``unit-power`` (every sample divided by its root mean square, the default) or ``physical``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wirelessfm.baselines import System
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError, missing_extra, unknown_name
from wirelessfm.files import sha256_of
from wirelessfm.predictors.functions import ALL_OUTPUTS

SCALES = ("unit-power", "physical")
SIDE_INPUTS = ("observed", "noise_power")
_METADATA = "wirelessfm.scale"
_BATCH = 256


def onnx_system(path: str | os.PathLike[str], scale: str | None = None) -> System:
    """A line of the result table from an ONNX file.

    Args:
        path: the file.
        scale: out of ``SCALES``; None for what the metadata of the file says.

    Raises:
        WirelessFMError: ONNX Runtime missing, unreadable file, inputs or outputs of another form.
    """
    path = Path(path)
    session = _open(path)
    scale = scale or session.get_modelmeta().custom_metadata_map.get(_METADATA, SCALES[0])
    if scale not in SCALES:
        raise unknown_name(f"scale in '{path}' ({_METADATA})", scale, SCALES)
    model = OnnxModel(path.name, session, scale)
    _check_ends(model)
    rank = len(session.get_outputs()[0].shape)
    outputs = {0: ALL_OUTPUTS, 2: ("class", "value")}.get(rank, ("csi",))
    return System(path.stem, "external", model, outputs=outputs, weights=sha256_of(path)[:16])


@dataclass(frozen=True)
class OnnxModel:
    """An open session: CSI and the number of outputs to predictions."""

    file: str
    session: Any
    scale: str

    @property
    def batch(self) -> int | None:
        """Samples of a call where the file fixes them."""
        first = self.session.get_inputs()[0].shape[0]
        return first if isinstance(first, int) else None

    def __call__(self, csi: CSI, n_outputs: int) -> Tensor:
        scale = _scale(csi) if self.scale == "unit-power" else torch.ones(len(csi))
        beside = scale.reshape(-1, *[1] * (csi.values.dim() - 1))
        unit = csi.values / beside
        feeds = [torch.stack([unit.real, unit.imag], dim=1), *self._side(csi, scale)]
        self._check_sizes(feeds)
        found = self._run([np.ascontiguousarray(feed.float().cpu().numpy()) for feed in feeds])
        if found.ndim == csi.values.dim() + 1 and found.shape[1] == 2:
            return torch.complex(*torch.from_numpy(found).unbind(dim=1)) * beside
        return torch.from_numpy(found)

    def _side(self, csi: CSI, scale: Tensor) -> list[Tensor]:
        names = [node.name for node in self.session.get_inputs()[1:]]
        absent = [name for name in names if name not in csi.labels]
        if absent:
            raise WirelessFMError(f"'{self.file}' has the inputs {absent}, which this task does not give")
        # Noise power is in the unit of the channel.
        return [csi.labels[n] / scale.square() if n == "noise_power" else csi.labels[n] for n in names]

    def _check_sizes(self, feeds: Sequence[Tensor]) -> None:
        for node, feed in zip(self.session.get_inputs(), feeds, strict=True):
            pairs = list(zip(node.shape, feed.shape, strict=False))[1:]
            if len(node.shape) != feed.dim() or any(isinstance(n, int) and n != found for n, found in pairs):
                raise WirelessFMError(
                    f"input '{node.name}' of '{self.file}' takes {_told(node.shape)}, this task gives "
                    f"{_told(('sample', *feed.shape[1:]))}; choose another task or export with dynamic axes"
                )

    def _run(self, arrays: Sequence[np.ndarray]) -> np.ndarray:
        size, n = self.batch or _BATCH, len(arrays[0])
        names = [node.name for node in self.session.get_inputs()]
        parts = []
        for start in range(0, n, size):
            rows = np.arange(start, start + size if self.batch else min(start + size, n))
            feeds = {name: array[rows.clip(max=n - 1)] for name, array in zip(names, arrays, strict=True)}
            parts.append(self._call(feeds, len(rows)))
        return np.concatenate(parts)[:n]

    def _call(self, feeds: dict[str, np.ndarray], n: int) -> np.ndarray:
        try:
            found = self.session.run(None, feeds)[0]
        # ONNX Runtime has an exception class for each of its status codes, with no common base but this.
        except Exception as error:
            raise WirelessFMError(f"'{self.file}' failed on {n} samples: {error}") from error
        if found.ndim < 2 or len(found) != n:
            raise WirelessFMError(f"'{self.file}' must give [sample, …] for {n} samples, found {list(found.shape)}")
        return found


def _open(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise missing_extra("onnxruntime", "onnx") from error
    if not path.is_file():
        raise WirelessFMError(f"no such file: '{path}'; expected an ONNX model")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise WirelessFMError(f"'{path}' is not a readable ONNX model: {error}") from error


def _check_ends(model: OnnxModel) -> None:
    inputs, outputs = model.session.get_inputs(), model.session.get_outputs()
    first, others = inputs[0], [node.name for node in inputs[1:]]
    if len(first.shape) < 3 or (isinstance(first.shape[1], int) and first.shape[1] != 2):
        raise WirelessFMError(
            f"'{model.file}' must take [sample, 2, antenna, subcarrier] (real and imaginary parts), its input "
            f"'{first.name}' is {_told(first.shape)}"
        )
    if set(others) - set(SIDE_INPUTS):
        raise WirelessFMError(
            f"further inputs of '{model.file}' may be named {', '.join(SIDE_INPUTS)}, found {', '.join(others)}"
        )
    if len(outputs) != 1:
        raise WirelessFMError(f"'{model.file}' must have one output, found {', '.join(node.name for node in outputs)}")
    for node in (*inputs, *outputs):
        if node.type != "tensor(float)":
            raise WirelessFMError(f"'{node.name}' of '{model.file}' must be float32, found {node.type}; export it so")


def _scale(csi: CSI) -> Tensor:
    """Root mean square of what is observed of every sample, float32 [sample]; 1 where that is nothing."""
    power = csi.values.abs().square().flatten(1)
    seen = csi.labels["observed"].flatten(1) if "observed" in csi.labels else torch.ones_like(power)
    scale = (power.sum(dim=1) / seen.sum(dim=1).clamp(min=1)).sqrt()
    return torch.where(scale > 0, scale, torch.ones_like(scale))


def _told(shape: Sequence[Any]) -> str:
    return f"[{', '.join('any' if size is None else str(size) for size in shape)}]"
