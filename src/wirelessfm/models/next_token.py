"""Our second model: patches as words of a learnt codebook, and a causal transformer that predicts the next word.

Two parts. The tokeniser is a VQ-VAE of single patches (A. van den Oord et al., NeurIPS 2017; see
:mod:`wirelessfm.nn.codebook`). The transformer reads the summary and then the codes of the patches, angle by angle,
and says at each what the next code is; it is what gives the embeddings. It reads codes without gradient, so that
each part has its own objective (``vq`` and ``next-token``) and both can be trained in one run: a tokeniser that could
be changed to please the predictor would give every patch the same code.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from wirelessfm.csi import CSI
from wirelessfm.errors import unknown_name
from wirelessfm.models.angle_delay import POSITION_FEATURES, SUMMARY_FEATURES, Tokens, position_code, tokenize
from wirelessfm.nn.attention import Block
from wirelessfm.nn.codebook import Codebook, perplexity

POOLINGS = ("mean", "last", "tokens")


@dataclass(frozen=True)
class NextTokenConfig:
    """Sizes of the model.

    Attributes:
        n_codes, code_width: size of the codebook, and of a code.
        patch_angle, patch_delay, oversampling, compand: as in
            :class:`~wirelessfm.models.masked_autoencoder.MaskedAutoencoderConfig`.
    """

    width: int = 64
    depth: int = 3
    n_heads: int = 4
    mlp_ratio: float = 2.0
    n_codes: int = 256
    code_width: int = 16
    patch_angle: int = 1
    patch_delay: int = 32
    oversampling: int = 2
    compand: float = 0.5


class NextTokenModel(nn.Module):
    """Encoder of CSI [sample, antenna, subcarrier] into a sequence of which every embedding knows what came before."""

    def __init__(self, config: NextTokenConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        features = 2 * config.patch_angle * config.patch_delay
        self.patch_encoder = _mlp(features, 2 * width, config.code_width)
        self.codebook = Codebook(config.n_codes, config.code_width)
        self.patch_decoder = _mlp(config.code_width, 2 * width, features)
        self.embed_summary = _mlp(SUMMARY_FEATURES, width, width)
        self.embed_code = nn.Linear(config.code_width, width)
        self.embed_position = nn.Linear(POSITION_FEATURES, width)
        blocks = [Block(width, config.n_heads, config.mlp_ratio) for _ in range(config.depth)]
        self.blocks, self.norm = nn.ModuleList(blocks), nn.LayerNorm(width)
        self.predict = nn.Linear(width, config.n_codes)

    def tokenize(self, csi: CSI) -> Tokens:
        """CSI with axes (sample, antenna, subcarrier) and any sizes to tokens, as :func:`.angle_delay.tokenize`."""
        config = self.config
        return tokenize(csi, config.patch_angle, config.patch_delay, config.oversampling, config.compand)

    def encode_patches(self, patches: Tensor) -> Tensor:
        """Float [..., feature] to unit vectors float [..., code_width]: what is then replaced by the nearest code."""
        return functional.normalize(self.patch_encoder(patches).float(), dim=-1)

    def decode_patches(self, codes: Tensor) -> Tensor:
        """Float [..., code_width] to patches float [..., feature]."""
        return self.patch_decoder(codes)

    @torch.no_grad()
    def ids(self, tokens: Tokens) -> Tensor:
        """The words of a batch, int64 [sample, token]."""
        return self.codebook.nearest(self.encode_patches(tokens.patches))

    def read(self, tokens: Tokens, ids: Tensor) -> Tensor:
        """Hidden states float [sample, 1 + token, width], of the summary first; no gradient reaches the codebook.

        Number i has seen the summary and words 0 … i - 1; ``predict`` of it are the logits of word i.
        """
        words = self.embed_code(self.codebook(ids).detach()) + self.embed_position(position_code(tokens.positions))
        x = torch.cat([self.embed_summary(tokens.summary)[:, None].to(words.dtype), words], dim=1)
        for block in self.blocks:
            x = block(x, causal=True)
        return self.norm(x)

    def embed(self, csi: CSI, pooling: str = "mean") -> Tensor:
        """Frozen embeddings of every sample.

        Args:
            csi: axes (sample, antenna, subcarrier).
            pooling: of the hidden states, ``mean`` or ``last`` float [sample, width], ``tokens`` [sample, token,
                width] without the summary's.
        """
        if pooling not in POOLINGS:
            raise unknown_name("pooling", pooling, POOLINGS)
        tokens = self.tokenize(csi)
        hidden = self.read(tokens, self.ids(tokens)).float()
        if pooling == "tokens":
            return hidden[:, 1:]
        return hidden.mean(dim=1) if pooling == "mean" else hidden[:, -1]

    @torch.no_grad()
    def quantisation(self, csi: CSI) -> tuple[float, float]:
        """How good the words are: NMSE (linear) of the patches rebuilt from them, and perplexity of the codebook."""
        tokens = self.tokenize(csi)
        ids = self.ids(tokens)
        error = self.decode_patches(self.codebook(ids)) - tokens.patches
        nmse = error.square().sum() / tokens.patches.square().sum().clamp_min(1e-12)
        return float(nmse), perplexity(ids, self.config.n_codes)


def _mlp(inputs: int, hidden: int, outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))
