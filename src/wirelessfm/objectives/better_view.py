"""Better-view prediction: what a larger, noiseless array with more bandwidth would have seen of the same users.

No label is needed: a simulator, or a measurement of which most is thrown away, gives both views. With ``known`` and
``other_carrier`` it becomes pretraining with a simulator as the teacher; results of such weights say so.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.objectives.statistics import second_order_statistics
from wirelessfm.signal.codebooks import beam_powers, dft_codebook


def better_view_error(
    model: Any,
    csi: CSI,
    generator: torch.Generator,
    beams: float = 1.0,
    statistics: float = 1.0,
    known: float = 0.0,
    other_carrier: float = 0.0,
    sharpness: float = 2.0,
) -> Tensor:
    """Weighted sum of up to four errors of one encoding of the batch.

    Args:
        model: offers ``tokenize``, ``encode``, ``beam_logits``, ``compress``, ``predict_statistics`` and
            ``predict_known``.
        csi: with the label ``reference``, and ``known`` and ``other_carrier`` where these have a weight.
        generator: not used.
        beams: weight of the divergence of the predicted from the true distribution of power over 64 beams.
        statistics: of the squared error of :func:`.statistics.second_order_statistics`.
        known: of the cross-entropy of the line of sight plus the squared error of what else a simulator knows, see
            :func:`wirelessfm.data.known.known_of_paths`.
        other_carrier: as ``beams``, at the other carrier of the site.
        sharpness: exponent of the powers in these distributions: 1 for their shares, more for the best beam.

    Raises:
        WirelessFMError: a label is missing.
    """
    tokens = model.tokenize(csi)
    encoded = model.encode(tokens)
    summary = model.compress(encoded[:, 0])
    total = encoded.new_zeros((), dtype=torch.float32)
    if beams:
        total = total + beams * beam_divergence(model.beam_logits(encoded, tokens), _label(csi, "reference"), sharpness)
    if statistics:
        error = model.predict_statistics(summary).float() - second_order_statistics(_label(csi, "reference"))
        total = total + statistics * error.square().mean()
    if known:
        total = total + known * known_error(model.predict_known(summary).float(), _label(csi, "known"))
    if other_carrier:
        logits = model.beam_logits(encoded, tokens, other_carrier=True)
        total = total + other_carrier * beam_divergence(logits, _label(csi, "other_carrier"), sharpness)
    return total


def beam_divergence(logits: Tensor, values: Tensor, sharpness: float) -> Tensor:
    """Kullback–Leibler divergence of predicted from true shares of (sharpened) beam power, mean over samples.

    Args:
        logits: float [sample, beam].
        values: complex [sample, antenna, subcarrier], the true channel.
        sharpness: exponent of the beam powers.
    """
    powers = beam_powers(values, dft_codebook(values.shape[1], logits.shape[1]))
    powers = powers / powers.amax(dim=1, keepdim=True).clamp_min(1e-30)
    share = powers.pow(sharpness)
    share = share / share.sum(dim=1, keepdim=True).clamp_min(1e-30)
    return functional.kl_div(logits.float().log_softmax(dim=1), share, reduction="batchmean")


def known_error(predicted: Tensor, known: Tensor) -> Tensor:
    """Cross-entropy of the first column (0 or 1) plus the mean squared error of the others."""
    binary = functional.binary_cross_entropy_with_logits(predicted[:, 0], known[:, 0])
    return binary + (predicted[:, 1:] - known[:, 1:]).square().mean()


def _label(csi: CSI, name: str) -> Tensor:
    if name not in csi.labels:
        remedy = {
            "reference": "reference_antennas above 0",
            "known": "known: true",
            "other_carrier": "other_carrier: true",
        }
        raise WirelessFMError(f"better-view prediction needs the label '{name}', found none; set data.{remedy[name]}")
    return csi.labels[name]
