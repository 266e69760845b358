"""Vector quantisation of patches: the words that the next-token objective predicts."""

from __future__ import annotations

from typing import Any

from torch import Generator, Tensor

from wirelessfm.csi import CSI
from wirelessfm.nn.codebook import codebook_error, straight_through, unused_error


def vq_error(model: Any, csi: CSI, generator: Generator, commitment: float = 0.25) -> Tensor:
    """Reconstruction from the nearest code, and the distance between encodings and codes.

    ‖x - x̂‖² / ‖x‖² + ‖sg[e] - q‖² + commitment · ‖e - sg[q]‖², gradients passed straight through from q to e:
    A. van den Oord et al., "Neural Discrete Representation Learning", NeurIPS 2017. Codes that a batch does not use
    are drawn towards encodings that it has.

    Args:
        model: offers ``tokenize``, ``encode_patches``, ``codebook`` and ``decode_patches``.
        csi: the batch.
        generator: draws which encodings.
        commitment: weight of the term that keeps encodings near their codes.

    Returns:
        float []; trains the tokeniser of a next-token model and nothing else.
    """
    patches = model.tokenize(csi).patches
    encoded = model.encode_patches(patches)
    ids = model.codebook.nearest(encoded)
    codes = model.codebook(ids)
    error = model.decode_patches(straight_through(encoded, codes)).float() - patches
    reconstruction = error.square().sum() / patches.square().sum().clamp_min(1e-12)
    of_codes = codebook_error(encoded, codes, commitment) + unused_error(model.codebook, encoded, ids, generator)
    return reconstruction + of_codes
