"""Numerical parity with the published architectures.

A vector is a pair ``NAME.json`` and ``NAME.npz``. The card names the system, lists every published parameter with
its shape and gives a ``salt``; the weights follow from a formula, so that no weights need to be shared. The arrays
are inputs and outputs of the published code. An implementation is faithful when a state dict filled by the formula
loads into it and every output agrees.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.files import read_json
from wirelessfm.models.checkpoints import load_state
from wirelessfm.models.lwm import LWM
from wirelessfm.models.published import PublishedEncoder
from wirelessfm.models.published_zoo import PUBLISHED, Entry, entry
from wirelessfm.models.wifo import WiFo
from wirelessfm.models.wimae import WiMAE, WiMAEConfig

TOLERANCE = 1e-4

Arrays = Mapping[str, Tensor]


@dataclass(frozen=True)
class ParityRow:
    """One array of one vector. ``error`` is the largest difference over the largest absolute value expected."""

    vector: str
    system: str
    array: str
    error: float
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; NaN is not."""
        return self.error <= TOLERANCE


def check_folder(folder: str | os.PathLike[str]) -> list[ParityRow]:
    """Check every vector of a folder; one that cannot be checked gives a row with an infinite error and a note.

    Raises:
        WirelessFMError: no such folder, or no vectors in it.
    """
    cards = sorted(Path(folder).glob("*.json"))
    if not cards:
        raise WirelessFMError(f"no parity vectors in '{folder}': expected NAME.json beside NAME.npz")
    rows = []
    for card in cards:
        try:
            rows += check_vector(card)
        except WirelessFMError as error:
            rows.append(ParityRow(card.stem, "?", "", float("inf"), str(error)))
    return rows


def check_vector(card_path: str | os.PathLike[str]) -> list[ParityRow]:
    """Check one vector.

    Raises:
        WirelessFMError: an unreadable card or arrays, an unknown system, or a state dict that does not fit it.
    """
    path = Path(card_path)
    card = read_json(path)
    if not isinstance(card, dict) or not isinstance(card.get("state_dict"), dict) or "system" not in card:
        raise WirelessFMError(f"'{path}' is no parity card: expected 'system' and 'state_dict'")
    arrays = _read_arrays(path.with_suffix(".npz"))
    state = filled_state(card["state_dict"], str(card.get("salt", "")))
    tried, failed = [], []
    for found in _entries(card, path.stem, arrays):
        try:
            tried.append(_check(found, card, arrays, state, path.stem))
        except WirelessFMError as error:
            failed.append(error)
    if not tried:
        raise failed[0]
    return min(tried, key=lambda rows: max(row.error for row in rows))


def _check(found: Entry, card: Mapping[str, Any], arrays: Arrays, state: Arrays, stem: str) -> list[ParityRow]:
    model, unused = load_state(found, state, f"'{stem}'")
    note = ", ".join(f"{name}={getattr(found.config, name)}" for name in found.system.silent)
    with torch.inference_mode():
        try:
            outputs = {name: ours for name, ours in _outputs(model.eval(), arrays) if name in arrays}
        except KeyError as error:
            raise WirelessFMError(f"'{stem}' lacks the input array {error}; found {', '.join(arrays)}") from error
    errors = {name: relative_error(ours, arrays[name]) for name, ours in outputs.items()}
    rows = [ParityRow(stem, card["system"], name, error, note) for name, error in errors.items()]
    total = sum(t.numel() for t in state.values())
    kept = sum(p.numel() for p in model.parameters()) + sum(state[n].numel() for n in unused)
    if kept != total or total != card.get("parameters", total):
        found_counts = f"{total} in the state dict, {card.get('parameters')} on the card, {kept} accounted for"
        rows.append(ParityRow(stem, card["system"], "parameters", float("inf"), found_counts))
    left = sorted(n for n in arrays.keys() - errors if arrays[n].dtype == torch.float32)
    return rows + [ParityRow(stem, card["system"], n, float("inf"), "no output of ours to compare") for n in left]


def filled_state(shapes: Mapping[str, Sequence[int]], salt: str = "") -> dict[str, Tensor]:
    """Weights by formula: 0.1 · standard normal seeded by salt and name; 1-D weight and alpha are around 1."""
    state = {}
    for name, shape in shapes.items():
        seed = zlib.crc32((salt + name).encode())
        values = 0.1 * np.random.default_rng(seed).standard_normal(tuple(shape))
        if len(shape) == 1 and name.split(".")[-1] in ("weight", "alpha"):
            values = values + 1
        state[name] = torch.from_numpy(np.asarray(values, dtype=np.float32))
    return state


def relative_error(ours: Tensor, expected: Tensor) -> float:
    """Largest absolute difference over the largest absolute value expected; infinite for different shapes."""
    if ours.shape != expected.shape:
        return float("inf")
    largest = expected.abs().max().clamp_min(torch.finfo(torch.float32).tiny)
    return float((ours - expected).abs().max() / largest)


def _read_arrays(path: Path) -> dict[str, Tensor]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: torch.from_numpy(archive[name]) for name in archive.files}
    except (OSError, ValueError, TypeError) as error:
        raise WirelessFMError(f"cannot read the arrays of a parity vector, '{path}': {error}") from error


def _entries(card: Mapping[str, Any], stem: str, arrays: Arrays) -> Iterator[Entry]:
    """The named system with what the card says of its fields and the sizes of its state dict.

    Where neither tells, as for the number of heads, there is one entry for every value the authors have used.
    """
    found = entry(_system_name(str(card["system"]), stem))
    named = {found.system.metadata.get(k, k): tuple(v) if isinstance(v, list) else v for k, v in card.items()}
    said = {f.name: named[f.name] for f in fields(found.config) if f.name in named}
    if isinstance(found.config, WiMAEConfig) and "channel" in arrays:
        said |= {"rows": arrays["channel"].shape[1], "columns": arrays["channel"].shape[2]}
    open_fields = {name: values for name, values in found.system.silent.items() if name not in said}
    for values in product(*open_fields.values()):
        config = replace(found.config, **said, **dict(zip(open_fields, values, strict=True)))
        try:
            yield replace(found, config=found.system.infer(card["state_dict"], config))
        except (KeyError, ValueError, IndexError) as error:
            raise WirelessFMError(f"the state dict of '{stem}' is not one of {card['system']}: {error!r}") from error


def _system_name(system: str, stem: str) -> str:
    """``LWM 1.0`` → ``lwm-1.0``; a size or a patch may stand in the file name only."""
    name = "-".join(system.lower().replace("_", " ").split())
    if name in PUBLISHED:
        return name
    for candidate in sorted(PUBLISHED, key=len, reverse=True):
        plain = candidate.replace("-", "").replace(".", "")
        if plain in name.replace("-", "").replace(".", "") or plain in stem.lower().replace("_", "").replace("-", ""):
            return candidate
    raise unknown_name("published system", system, PUBLISHED)


def _outputs(model: PublishedEncoder, arrays: Arrays) -> Iterator[tuple[str, Tensor]]:
    """Name and value of every array of the vector that we compute."""
    if isinstance(model, LWM):
        yield from _lwm(model, arrays)
    elif isinstance(model, WiMAE):
        yield from _wimae(model, arrays)
    elif isinstance(model, WiFo):
        yield from _wifo(model, arrays)


def _lwm(model: LWM, arrays: Arrays) -> Iterator[tuple[str, Tensor]]:
    if "channel" in arrays:
        tokens = model.tokenize(arrays["channel"])
        yield "input_ids", model.with_cls(tokens)
    yield "hidden", model(arrays["input_ids"])
    if "masked_pos" in arrays:
        yield "logits", model.predict(arrays["input_ids"], arrays["masked_pos"].long())


def _wimae(model: WiMAE, arrays: Arrays) -> Iterator[tuple[str, Tensor]]:
    tokens = model.tokenize(arrays["channel"])
    yield "patches", tokens
    features = model.encode(tokens)
    yield "features", features
    yield "reconstruction", model.decode(features, None, tokens.shape[1])
    if model.config.contrastive:
        yield "contrastive", model.contrast(features)


def _wifo(model: WiFo, arrays: Arrays) -> Iterator[tuple[str, Tensor]]:
    channel = arrays["channel"]
    shape, tokens = channel.shape[1:], model.tokenize(channel)
    for kind in sorted(name.removesuffix("_mask") for name in arrays if name.endswith("_mask")):
        removed = arrays[f"{kind}_mask"]
        kept = int((removed[0] == 0).sum())
        # A stable sort of 0 for visible and 1 for removed keeps the order of the tokens.
        order = arrays.get(f"{kind}_ids_restore", removed).long().argsort(dim=1, stable=True)
        visible = order[:, :kept]
        yield f"{kind}_latent", model.encode(tokens, visible, shape, kind)
        yield f"{kind}_patches", model.reconstruct(tokens, visible, shape, kind)
