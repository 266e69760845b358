"""Zero-label rules of resolved paths: line of sight, the best beam, path loss, and the position.

Without noise they are hard to beat, and what that says is about benchmarks: channels of a simulator give their paths
away. In noise they lose most of it, so compare at the noise of a receiver.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wirelessfm.baselines.path_loss import more_at_db
from wirelessfm.baselines.resolved_paths import NO_PATH_DB, ResolvedPaths, paths_of
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import SPEED_OF_LIGHT_M_PER_S

# A path that loses less than this against free space has had no interaction: where next to nothing is left unexplained,
# and where so much is that paths hide each other; the latter is the threshold of the rule ``power-delay``.
_EXACT_DB, _ROUGH_DB = 0.5, 4.0
_EXACT_REST_DB, _ROUGH_REST_DB = -120.0, -50.0


def los_threshold_db(paths: ResolvedPaths) -> Tensor:
    """Excess loss up to which a path counts as a line of sight, float64 [sample]."""
    rough = ((paths.rest_db - _EXACT_REST_DB) / (_ROUGH_REST_DB - _EXACT_REST_DB)).clamp(0, 1)
    return _EXACT_DB + (_ROUGH_DB - _EXACT_DB) * rough


def least_excess_db(paths: ResolvedPaths) -> Tensor:
    """How far the path nearest to it is from the loss of free space, float64 [sample]; far without any path."""
    return torch.where(paths.clear, paths.excess_db.abs(), NO_PATH_DB).amin(dim=1)


def los_from_resolved_paths(csi: CSI, n_classes: int = 2) -> Tensor:
    """Scores float32 [sample, 2] in dB: line of sight where some path loses what free space does and no more.

    Power must be physical and delays absolute, as for :func:`.power_delay_los.los_from_power_and_delay`.

    Raises:
        WirelessFMError: other than 2 classes, CSI without a carrier, or a grid that is not regular.
    """
    if n_classes != 2:
        raise WirelessFMError(f"the line-of-sight rule decides between 2 classes, found {n_classes}")
    return los_scores(paths_of(csi))


def los_scores(paths: ResolvedPaths) -> Tensor:
    """Of both classes, float32 [sample, 2] in dB: how much less than the threshold the least excess loss is."""
    margin_db = (los_threshold_db(paths) - least_excess_db(paths)).float()
    return torch.stack([-margin_db, margin_db], dim=1) / 2


def best_beam_of_resolved_paths(csi: CSI, n_classes: int, n_antennas: int = 32) -> Tensor:
    """Share of every beam in what an array of ``n_antennas`` would receive: float32 [sample, beam].

    At the carrier that ``csi.asked_at`` names, if any, paths interfere as far as their phases are known there. Right
    where both carriers share their paths.

    Raises:
        WirelessFMError: a grid that is not regular.
    """
    return paths_of(csi).beam_shares(n_classes, n_antennas, csi.target_carrier_hz).float()


def path_loss_of_resolved_paths(csi: CSI, n_outputs: int = 1, target_hz: float = 28e9) -> Tensor:
    """Loss at ``target_hz`` in dB, float32 [sample, 1]: of the powers of all paths, which do not fade, and free space.

    As :func:`.path_loss.path_loss_as_in_free_space`, whose power fades.

    Raises:
        WirelessFMError: other than 1 output, CSI without a carrier, or a grid that is not regular.
    """
    more_db, paths = more_at_db(csi, n_outputs, target_hz), paths_of(csi)
    power = torch.where(paths.possible, paths.power, 0.0).sum(dim=1, keepdim=True)
    return (more_db - 10 * power.clamp_min(1e-30).log10()).float()


def position_from_first_path(csi: CSI, n_outputs: int = 2) -> Tensor:
    """(forward, left) in metres of a linear array: float32 [sample, 2], where the first path comes from.

    As :func:`.delay_position.position_from_delay_and_angle`, of one path instead of all: right for users in line of
    sight, in front of the array and at its height.

    Raises:
        WirelessFMError: a grid that is not regular, other than 2 outputs.
    """
    if n_outputs != 2:
        raise WirelessFMError(f"the position rule gives 2 coordinates, forward and left, found {n_outputs} outputs")
    return first_path_position_m(paths_of(csi)).float()


def first_path_position_m(paths: ResolvedPaths) -> Tensor:
    """(forward, left), float64 [sample, 2]."""
    distance_m, cosine = SPEED_OF_LIGHT_M_PER_S * paths.of_first(paths.delay_s), paths.of_first(paths.cosine)
    return torch.stack([distance_m * (1 - cosine.square()).sqrt(), distance_m * cosine], dim=1)
