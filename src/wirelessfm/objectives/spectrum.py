"""Angle-spectrum prediction: the summary of a partly hidden channel names the directions the power comes from."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wirelessfm.csi import CSI
from wirelessfm.nn.masks import random_mask
from wirelessfm.signal.codebooks import beam_powers, dft_codebook

FLOOR_DB = -30.0


def spectrum_error(model: Any, csi: CSI, generator: torch.Generator, mask_ratio: float = 0.3) -> Tensor:
    """Mean squared error of the angle-power spectrum predicted from the summary token, in units of (10 dB)².

    The target is computed from the batch itself, no label is used: the power of ``model.config.n_beams`` half-open
    DFT beams relative to the strongest, in dB, cut at -30. It is free of phase, and a fixed number of beams for any
    array, so it gives the summary the same meaning for every array.

    Args:
        model: offers ``tokenize``, ``encode`` and ``predict_spectrum``.
        csi: the batch.
        generator: draws the mask.
        mask_ratio: fraction of patches hidden from the encoder.
    """
    tokens = model.tokenize(csi)
    visible, _ = random_mask(len(tokens.patches), tokens.patches.shape[1], mask_ratio, generator)
    predicted = model.predict_spectrum(model.encode(tokens, visible)[:, 0]).float()
    return (predicted - log_spectrum(csi, model.config.n_beams)).square().mean()


def log_spectrum(csi: CSI, n_beams: int) -> Tensor:
    """Beam powers relative to the strongest in units of 10 dB, cut at FLOOR_DB: float [sample, beam]."""
    values = csi.tensor("sample antenna subcarrier")
    powers = beam_powers(values, dft_codebook(values.shape[1], n_beams))
    relative = powers / powers.amax(dim=1, keepdim=True).clamp_min(1e-30)
    return 10 * torch.log10(relative.clamp_min(10 ** (FLOOR_DB / 10))) / 10
