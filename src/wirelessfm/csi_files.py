"""The parts of a CSI to and from disk and xarray; reached through the methods of :class:`wirelessfm.csi.CSI`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import torch
from torch import Tensor

from wirelessfm.arraystore import read_arrays, read_card, write_arrays
from wirelessfm.errors import WirelessFMError, missing_extra

if TYPE_CHECKING:
    import xarray

KIND = "wirelessfm.csi/1"


class Parts(TypedDict):
    """What a CSI consists of, without the class: arrays by name, and the JSON-compatible rest."""

    axes: tuple[str, ...]
    arrays: dict[str, Tensor]
    """``values``, ``coord-AXIS``, ``label-NAME``, ``scale-INDEX``."""
    meta: dict[str, Any]
    history: list[str]


def to_numpy(arrays: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """Tensors to NumPy on the CPU."""
    return {name: value.detach().resolve_conj().cpu().numpy() for name, value in arrays.items()}


def fingerprint(axes: Sequence[str], shape: Sequence[int], arrays: Iterable[tuple[str, np.ndarray]]) -> str:
    """16 hexadecimal digits of the content of a CSI.

    ``arrays`` are those of Parts in their order; values that are in shards come one after the other, the first named
    ``values`` and the others not at all. No copy of a contiguous array is made.
    """
    digest = hashlib.sha256(repr((tuple(axes), tuple(shape))).encode())
    for name, array in arrays:
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()[:16]


def save(parts: Parts, content: str, folder: str | os.PathLike[str], overwrite: bool, shard_bytes: int) -> None:
    """Write the parts; ``values`` become ``values-00000.npy`` … along the first axis."""
    arrays = to_numpy(parts["arrays"])
    values = arrays.pop("values")
    rows = max(1, shard_bytes // max(1, values[:1].nbytes))
    shards = {f"values-{i:05d}": values[s : s + rows] for i, s in enumerate(range(0, max(len(values), 1), rows))}
    card = {
        "axes": list(parts["axes"]),
        "shape": list(values.shape),
        "meta": parts["meta"],
        "history": parts["history"],
        "fingerprint": content,
    }
    write_arrays(folder, KIND, {**shards, **arrays}, card, overwrite)


def load(folder: str | os.PathLike[str]) -> Parts:
    """Read what :func:`save` wrote; one shard stays memory-mapped, several are joined in memory."""
    card = read_card(folder, KIND)
    arrays = read_arrays(folder, card)
    try:
        shards = [arrays.pop(name) for name in sorted(arrays) if name.startswith("values-")]
        values = shards[0] if len(shards) == 1 else np.concatenate(shards)
        axes, shape, meta, history = (card[k] for k in ("axes", "shape", "meta", "history"))
    except (KeyError, ValueError, IndexError) as error:
        raise WirelessFMError(f"'{folder}' is not a complete {KIND} folder: {error!r}") from error
    if list(values.shape) != shape:
        raise WirelessFMError(f"'{folder}': card says shape {shape}, found {list(values.shape)}")
    tensors = {name: torch.from_numpy(array) for name, array in {"values": values, **arrays}.items()}
    return Parts(axes=tuple(axes), arrays=tensors, meta=meta, history=history)


def to_xarray(parts: Parts) -> xarray.Dataset:
    """Variable ``csi`` with its dimensions and coordinates by name; labels are coordinates ``label:NAME``.

    A Dataset and not a DataArray, because positions along ``antenna`` and vector labels have a dimension that the
    CSI itself does not have.
    """
    try:
        import xarray
    except ImportError as error:
        raise missing_extra("xarray", "xarray") from error
    arrays = to_numpy(parts["arrays"])
    coords: dict[str, Any] = {}
    for name, array in arrays.items():
        kind, _, rest = name.partition("-")
        if kind == "coord":
            flat = array.ndim == 1
            coords[rest if flat else f"{rest}_position"] = (rest if flat else (rest, "xyz"), array)
        elif kind == "label":
            coords[f"label:{rest}"] = (("sample", *(f"{rest}_{i}" for i in range(1, array.ndim))), array)
        elif kind == "scale":
            coords[f"scale:{rest}:{parts['history'][int(rest)]}"] = (("sample",) * array.ndim, array)
    return xarray.Dataset({"csi": (parts["axes"], arrays["values"])}, coords=coords, attrs=parts["meta"])


def from_xarray(dataset: xarray.Dataset) -> Parts:
    """The inverse of :func:`to_xarray`; unknown coordinates and attributes are left out."""
    if "csi" not in dataset:
        raise WirelessFMError(f"expected a Dataset with the variable 'csi', found {[str(v) for v in dataset]}")
    array = dataset["csi"]
    arrays = {"values": _tensor(array)}
    scales: dict[int, str] = {}
    for key, value in dataset.coords.items():
        name = str(key)
        if name.startswith("label:"):
            arrays[f"label-{name.removeprefix('label:')}"] = _tensor(value)
        elif name.startswith("scale:"):
            _, index, kind = name.split(":", 2)
            arrays[f"scale-{index}"], scales[int(index)] = _tensor(value), kind
        elif name.removesuffix("_position") in array.dims:
            arrays[f"coord-{name.removesuffix('_position')}"] = _tensor(value)
    meta = {k: dataset.attrs[k] for k in ("carrier_hz", "source", "licence", "extra") if k in dataset.attrs}
    axes = tuple(str(d) for d in array.dims)
    return Parts(axes=axes, arrays=arrays, meta=meta, history=[scales[i] for i in sorted(scales)])


def _tensor(array: xarray.DataArray) -> Tensor:
    # A copy: xarray's buffers may be read-only, which torch does not support.
    return torch.from_numpy(np.array(array.values))
