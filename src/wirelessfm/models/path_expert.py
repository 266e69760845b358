"""What resolved paths say beside a network: an expert that nobody trains, trusted the more the less it leaves open.

Without noise the paths of a channel can be read off it nearly exactly, which no network of this size does; in noise
they blur, and the network knows as much or better. So the two are added as logits (a product of experts, G. Hinton,
Neural Comput. 14(8), 2002), the expert's times a trust that grows with what the paths explain.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.resolved_path_rules import first_path_position_m, least_excess_db, los_threshold_db
from wirelessfm.baselines.resolved_paths import ResolvedPaths, resolve_paths
from wirelessfm.models.seen import Seen

# Chosen on etoile, with weights that had not seen it.
# For beams the network adds next to nothing at 10 dB, for the line of sight most.
_BEAMS_COUNT = 8.0
# Trust doubles from 10 to 30 dB below the channel, and grows by 7.5 from 60 to 120 dB, where paths become exact.
_GROWTH = ((-10.0, -30.0, 2.0), (-60.0, -120.0, 7.5))
_LEAST_SHARE = 1e-2
_EXCESSES_DB = (0.1, 0.3, 0.6, 1.0, 2.0, 4.0, 8.0)
# Trust, evidence of a line of sight, steps of its excess loss; delay, excess loss, power and place of the first path.
PATH_FEATURES = 2 + len(_EXCESSES_DB) + 5


def read_paths(seen: Seen) -> ResolvedPaths | None:
    """Paths of what was seen at one time; None of moving users, a single antenna or grids that are not regular."""
    if seen.values.shape[1] != 1 or len(seen.antennas) < 2:
        return None
    amplitude = seen.power.sqrt()[:, None, None]
    frequencies = seen.frequencies_hz[seen.subcarriers]
    return resolve_paths(seen.values[:, 0] * amplitude, seen.positions[seen.antennas], frequencies, seen.carrier_hz)


def trust(paths: ResolvedPaths) -> Tensor:
    """How much the expert counts, float64 [sample]: as the network at 10 dB, 15 times as much with nothing open.

    Not at all where there is no path. For beams eight times that.
    """
    counts = paths.power.any(dim=1).to(paths.rest_db.dtype)
    for first_db, last_db, factor in _GROWTH:
        counts = counts * factor ** ((paths.rest_db - first_db) / (last_db - first_db)).clamp(0, 1)
    return counts


def los_evidence(paths: ResolvedPaths) -> Tensor:
    """Between −1 and 1, float64 [sample]: is there a path that loses what free space does, and no more?

    0 where every path is stronger than that: power is not a path gain then.
    """
    threshold = los_threshold_db(paths)
    return torch.tanh(2 * (threshold - least_excess_db(paths)) / threshold) * paths.allowed.any(dim=1)


def los_logit(paths: ResolvedPaths) -> Tensor:
    """To be added to that of the network, float32 [sample]."""
    return (trust(paths) * los_evidence(paths)).float()


def beam_logits(paths: ResolvedPaths, n_beams: int, carrier_hz: float | None = None, n_antennas: int = 32) -> Tensor:
    """To be added to those of the network, float32 [sample, beam]; ``carrier_hz`` as for ``paths.beam_shares``."""
    shares = paths.beam_shares(n_beams, n_antennas, carrier_hz)
    return (_BEAMS_COUNT * trust(paths)[:, None] * (shares + _LEAST_SHARE).log()).float()


def path_features(paths: ResolvedPaths) -> Tensor:
    """What a head may want to know of the paths, float32 [sample, PATH_FEATURES]; zeros where there is none."""
    least = least_excess_db(paths)[:, None]
    limits = torch.tensor(_EXCESSES_DB, dtype=least.dtype, device=least.device)
    parts = [
        trust(paths)[:, None].clamp_min(1).log10(),
        los_evidence(paths)[:, None],
        torch.sigmoid((limits - least) / (0.3 * limits)),
        paths.of_first(paths.delay_s)[:, None].clamp_min(1e-9).log10() + 6.5,
        paths.of_first(paths.excess_db)[:, None].clamp(-4, 20) / 10,
        (10 * paths.of_first(paths.power)[:, None].clamp_min(1e-20).log10() + 110) / 20,
        first_path_position_m(paths).clamp(-3e3, 3e3) / 100,
    ]
    return (torch.cat(parts, dim=1) * paths.power.any(dim=1, keepdim=True)).float()
