"""Reading published weights: find the file, check it against the architecture, load it, and record what it was.

Nothing is ever unpickled beyond tensors: ``.pth``, ``.pt``, ``.pkl`` and ``.bin`` are read with PyTorch's
restricted loader, ``.safetensors`` with safetensors.
"""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from wirelessfm.errors import WirelessFMError, missing_extra
from wirelessfm.files import sha256_of
from wirelessfm.models.published import Origin, PublishedEncoder
from wirelessfm.models.published_zoo import PUBLISHED, Entry, entry

SUFFIXES = (".safetensors", ".pth", ".pt", ".pkl", ".bin")
# Where training scripts put the weights inside a checkpoint, and what wrappers put before the names.
_CONTAINERS = ("model_state_dict", "state_dict", "model")
_PREFIXES = ("module.", "_orig_mod.")


@dataclass(frozen=True)
class WeightsRecord:
    """What was loaded. ``official`` is None when no checksum of the authors' file is recorded."""

    system: str
    source: str
    file: str
    bytes: int
    sha256: str
    official: bool | None
    tensors: int
    parameters: int
    unused: tuple[str, ...]
    weights_licence: str
    citation: str


def load_weights(
    model_name: str, source: str | os.PathLike[str], **changes: Any
) -> tuple[PublishedEncoder, WeightsRecord]:
    """A published encoder with published weights, in evaluation mode.

    Args:
        model_name: name in :data:`wirelessfm.models.published_zoo.PUBLISHED`.
        source: a file, a folder that holds one, or a Hub repository ``owner/name``, which is downloaded.
        **changes: fields of the configuration that differ from the named one.

    Raises:
        WirelessFMError: no such file; a pickle with code; weights of another system or size; missing, extra,
            misshapen, NaN or infinite tensors; the Hub cannot be reached.
    """
    found = entry(model_name)
    found = replace(found, config=replace(found.config, **changes))
    path = find_file(source, found.origin)
    state, beside = read_checkpoint(path)
    _check_metadata(found, beside, f"'{path}'")
    model, unused = load_state(found, state, f"'{path}'")
    digest = sha256_of(path)
    recorded = found.origin.sha256
    return model.eval(), WeightsRecord(
        system=model_name,
        source=str(source),
        file=path.name,
        bytes=path.stat().st_size,
        sha256=digest,
        official=None if recorded is None else digest == recorded,
        tensors=len(state),
        parameters=sum(t.numel() for t in state.values()),
        unused=unused,
        weights_licence=found.origin.weights_licence,
        citation=found.origin.citation,
    )


def load_state(found: Entry, state: Mapping[str, Tensor], where: str) -> tuple[PublishedEncoder, tuple[str, ...]]:
    """Build the system of ``found`` and load published tensors into it.

    Returns:
        the model, and the names of the tensors its forward pass never uses.

    Raises:
        WirelessFMError: the tensors are not exactly those of the system.
    """
    unused = tuple(n for n in state if any(fnmatchcase(n, pattern) for pattern in found.system.unused))
    _check_state(found, {n: t for n, t in state.items() if n not in unused}, where)
    floats = {name: tensor.float() for name, tensor in state.items()}
    model = found.system.build(found.config)
    model.load_state_dict(found.system.convert(floats, found.config), strict=True)
    return model, unused


def read_checkpoint(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a checkpoint by published name, without the prefixes wrappers add, and what lies beside them.

    Raises:
        WirelessFMError: not a readable checkpoint of tensors alone.
    """
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            content: Any = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WirelessFMError(
            f"'{path}' holds Python objects besides tensors (a pickle that could run code) or is damaged; it was not "
            "opened. Expected a state dict of tensors: have it saved again as .safetensors by someone you trust"
        ) from error
    except (OSError, EOFError, RuntimeError, SafetensorError, ValueError, KeyError) as error:
        raise WirelessFMError(f"'{path}' is not a readable checkpoint ({', '.join(SUFFIXES)}): {error}") from error
    beside: dict[str, Any] = {}
    for container in _CONTAINERS:
        if isinstance(content, Mapping) and isinstance(content.get(container), Mapping):
            beside |= {str(k): v for k, v in content.items() if k != container}
            content = content[container]
    if not isinstance(content, Mapping) or not content or not all(isinstance(t, Tensor) for t in content.values()):
        raise WirelessFMError(f"'{path}' holds no state dict: expected names with tensors, found {_described(content)}")
    return {_plain_name(str(name)): tensor for name, tensor in content.items()}, beside


def find_file(source: str | os.PathLike[str], origin: Origin) -> Path:
    """The checkpoint file of a source: a file, a folder or a Hub repository."""
    path = Path(source).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        return path / _choose([str(p.relative_to(path)) for p in sorted(path.rglob("*"))], origin, f"'{path}'")
    if re.fullmatch(r"[\w.-]+/[\w.-]+", str(source)) and path.suffix not in SUFFIXES:
        return _download(str(source), origin)
    raise WirelessFMError(
        f"no weights at '{source}': expected a file, a folder or a Hub repository owner/name; "
        f"the authors' file is '{origin.file}' of '{origin.repository}'"
    )


def _download(repository: str, origin: Origin) -> Path:
    try:
        import huggingface_hub  # type: ignore[import-not-found]
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError  # type: ignore[import-not-found]
    except ImportError as error:
        raise missing_extra("huggingface_hub", "hub") from error
    try:
        try:
            return Path(huggingface_hub.hf_hub_download(repository, origin.file))
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            name = _choose(huggingface_hub.list_repo_files(repository), origin, f"Hub repository '{repository}'")
            return Path(huggingface_hub.hf_hub_download(repository, name))
    except WirelessFMError:
        raise
    except Exception as error:  # its network errors share no base class across versions
        raise WirelessFMError(
            f"cannot fetch '{origin.file}' from Hub repository '{repository}' ({type(error).__name__}); "
            f"without a network, download that file elsewhere, put it on this computer and give its path"
        ) from error


def _choose(names: Sequence[str], origin: Origin, where: str) -> str:
    """The authors' file name when present, else the only checkpoint."""
    wanted = Path(origin.file).name
    candidates = [n for n in names if Path(n).suffix in SUFFIXES]
    best = [n for n in candidates if Path(n).name == wanted] or candidates
    if len(best) != 1:
        raise WirelessFMError(
            f"expected one checkpoint ({', '.join(SUFFIXES)}), best named '{wanted}', in {where}, "
            f"found {', '.join(best) or 'none'}; give the path of the file"
        )
    return best[0]


def _plain_name(name: str) -> str:
    while any(name.startswith(prefix) for prefix in _PREFIXES):
        for prefix in _PREFIXES:
            name = name.removeprefix(prefix)
    return name


def _check_state(found: Entry, state: Mapping[str, Tensor], where: str) -> None:
    expected = found.system.shapes(found.config)
    missing, extra = sorted(expected.keys() - state), sorted(state.keys() - expected)
    misshapen = [
        f"{n} expected {list(expected[n])}, found {list(t.shape)}"
        for n, t in state.items()
        if n in expected and tuple(t.shape) != expected[n]
    ]
    if missing or extra or misshapen:
        raise WirelessFMError(
            f"{where} does not hold the weights of {found.config}: missing {_some(missing)}; extra {_some(extra)}; "
            f"wrong shape {_some(misshapen)}. {_looks_like(found, state)}"
        )
    broken = [n for n, t in state.items() if not t.is_floating_point() or not bool(torch.isfinite(t).all())]
    if broken:
        raise WirelessFMError(
            f"{where} holds NaN, infinite or non-float weights in {_some(broken)}; get the file again"
        )


def _check_metadata(found: Entry, beside: Mapping[str, Any], where: str) -> None:
    """Compare the sizes that training scripts save beside the weights, which shapes alone do not show."""
    for theirs, ours in found.system.metadata.items():
        expected, saved = getattr(found.config, ours), beside.get(theirs)
        saved = tuple(saved) if isinstance(saved, list) else saved
        if saved is not None and saved != expected:
            raise WirelessFMError(f"{where} was saved with {theirs} {saved}, expected {expected}; pass {ours}={saved}")


def _looks_like(found: Entry, state: Mapping[str, Tensor]) -> str:
    """A guess which configuration the checkpoint is of, for the error message."""
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    for name, other in PUBLISHED.items():
        if other.system.shapes(other.config) == shapes:
            return f"It looks like '{name}': load it under that name"
    try:
        inferred = found.system.infer(shapes, found.config)
    except (KeyError, ValueError, IndexError, TypeError):
        return "It is not of this family"
    if found.system.shapes(inferred) == shapes:
        return f"It fits {inferred}: pass the fields that differ"
    return "It fits no known configuration"


def _some(names: Sequence[str]) -> str:
    return (", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")) or "none"


def _described(content: Any) -> str:
    return (
        f"a mapping with {_some(list(map(str, content)))}" if isinstance(content, Mapping) else type(content).__name__
    )
