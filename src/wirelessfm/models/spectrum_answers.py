"""What the flagship says without being trained for it: embeddings, line of sight, beams.

Each is the word of the network and that of the paths that can be resolved (:mod:`.path_expert`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from wirelessfm.baselines.resolved_paths import ResolvedPaths
from wirelessfm.csi import CSI
from wirelessfm.errors import unknown_name
from wirelessfm.models.beam_tokens import beam_tokens
from wirelessfm.models.path_expert import PATH_FEATURES, beam_logits, los_logit, path_features, read_paths
from wirelessfm.models.seen import Seen, read_seen
from wirelessfm.nn.beams import beam_harmonics, mirrored_beams

N_BEAMS = 64
POOLINGS = ("summary", "beams", "paths", "summary+beams", "summary+paths", "mean", "tokens")
# However sure the network, paths that leave nothing open are surer.
_SUREST = 4.0


def embed(model: Any, csi: CSI, pooling: str) -> Tensor:
    """Frozen embeddings of every sample.

    Args:
        model: a :class:`.spectrum.SpectrumModel`, of any weights.
        csi: axes (sample[, time], antenna, subcarrier).
        pooling: parts, joined by ``+``: ``summary`` float [sample, n_summary]; ``beams`` [sample, 62] of the network
            alone, see :func:`~wirelessfm.nn.beams.beam_harmonics`; ``paths`` [sample, 76], the beams of both experts
            and what is known of paths, zeros where grid or motion forbid to resolve them; or ``mean`` [sample, width]
            or ``tokens`` [sample, token, width].

    Raises:
        WirelessFMError: another pooling.
    """
    if pooling not in POOLINGS:
        raise unknown_name("pooling", pooling, POOLINGS)
    seen, names = read_seen(csi), pooling.split("+")
    tokens = beam_tokens(seen)
    encoded = model.encode(tokens).float()
    parts: dict[str, Callable[[], Tensor]] = {
        "summary": lambda: model.compress(encoded[:, 0]),
        "beams": lambda: beam_harmonics(model.beam_logits(encoded, tokens, with_sweep=True)),
        "paths": lambda: _with_paths(model.beam_logits(encoded, tokens, with_sweep=True), read_paths(seen)),
        "mean": lambda: encoded[:, 1:].mean(dim=1),
        "tokens": lambda: encoded[:, 1:],
    }
    return torch.cat([parts[name]() for name in names], dim=1)


def predict_los(model: Any, csi: CSI, resolve: bool) -> Tensor:
    """See :meth:`.spectrum.SpectrumModel.predict_los`."""
    seen = read_seen(csi)
    encoded = model.encode(beam_tokens(seen)).float()
    said = model.predict_known(model.compress(encoded[:, 0]))[:, 0]
    paths = read_paths(seen) if resolve else None
    return said if paths is None else said.clamp(-_SUREST, _SUREST) + los_logit(paths)


def best_beam(model: Any, csi: CSI, other_carriers: Sequence[bool], resolve: bool, carrier_hz: float | None) -> Tensor:
    """Log probabilities of 64 beams, the mean over carriers, and of the world as it is and of its mirror image.

    Physics is the same in both, a network is not. Paths interfere at ``carrier_hz``, if it and that of ``csi`` are
    known, as far as their phases are known there.
    """
    seen = read_seen(csi)
    straight, mirrored = (_beams_of(model, each, other_carriers) for each in (seen, seen.mirrored()))
    paths = read_paths(seen) if resolve else None
    said = _joined((straight + mirrored_beams(mirrored)) / 2, paths, carrier_hz if csi.meta.carrier_hz else None)
    return said.log_softmax(dim=1)


def _beams_of(model: Any, seen: Seen, other_carriers: Sequence[bool]) -> Tensor:
    tokens = beam_tokens(seen)
    encoded = model.encode(tokens).float()
    said = [model.beam_logits(encoded, tokens, other, with_sweep=True) for other in other_carriers]
    return torch.stack([each.log_softmax(dim=1) for each in said]).mean(dim=0)


def _with_paths(logits: Tensor, paths: ResolvedPaths | None) -> Tensor:
    known = logits.new_zeros(len(logits), PATH_FEATURES) if paths is None else path_features(paths)
    return torch.cat([beam_harmonics(_joined(logits, paths)), known], dim=1)


def _joined(logits: Tensor, paths: ResolvedPaths | None, carrier_hz: float | None = None) -> Tensor:
    """Of the network and of the paths."""
    return logits if paths is None else logits + beam_logits(paths, logits.shape[1], carrier_hz)
