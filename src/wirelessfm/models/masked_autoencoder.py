"""Our first model: a masked autoencoder over angle–delay patches with a summary token.

Architecture after K. He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022: the encoder sees
the visible tokens only, a small decoder fills in the rest. What is particular to channels:

- patches are cut from the angle–delay domain, and a summary token has what they hide (:mod:`.angle_delay`);
- positions are direction cosines and delay bins, not indices of a fixed grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import repeat
from torch import Tensor, nn

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.models.angle_delay import POSITION_FEATURES, SUMMARY_FEATURES, Tokens, position_code, tokenize
from wirelessfm.nn.attention import Block, take_tokens

POOLINGS = ("summary", "power", "summary+power", "mean", "tokens")


@dataclass(frozen=True)
class MaskedAutoencoderConfig:
    """Sizes of the model.

    Attributes:
        patch_angle, patch_delay: bins of a patch.
        oversampling: angle bins per antenna. At 2 the power of the bins alone determines the antenna
            autocorrelation; at 1 half of it is in their phases.
        compand: exponent that the magnitude of every bin is raised to (1 leaves it as it is).
        n_summary: width that the summary is compressed to in the embedding, so that the few numbers it carries are
            not drowned by the patches when every feature of an embedding is scaled alike.
        n_lags, n_statistics: what the embedding can be asked for by the objectives of these names.
        n_project: width of the projection that objectives compare embeddings in; 0 for none.
    """

    width: int = 64
    depth: int = 3
    n_heads: int = 4
    mlp_ratio: float = 2.0
    decoder_depth: int = 1
    patch_angle: int = 1
    patch_delay: int = 32
    oversampling: int = 2
    compand: float = 0.5
    n_summary: int = 16
    n_lags: int = 31
    n_statistics: int = 5
    n_project: int = 0


class MaskedAutoencoder(nn.Module):
    """Encoder of CSI [sample, antenna, subcarrier] into one summary and one embedding per patch."""

    def __init__(self, config: MaskedAutoencoderConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        features = 2 * config.patch_angle * config.patch_delay
        self.embed_patch = nn.Linear(features * 3 // 2 + 2 * config.patch_angle, width)
        self.embed_summary = nn.Sequential(nn.Linear(SUMMARY_FEATURES, width), nn.GELU(), nn.Linear(width, width))
        self.embed_position = nn.Linear(POSITION_FEATURES, width)
        blocks = [Block(width, config.n_heads, config.mlp_ratio) for _ in range(config.depth)]
        self.blocks, self.norm = nn.ModuleList(blocks), nn.LayerNorm(width)
        self.mask_token = nn.Parameter(torch.zeros(width))
        decoder = [Block(width, config.n_heads, config.mlp_ratio) for _ in range(config.decoder_depth)]
        self.decoder, self.decoder_norm = nn.ModuleList(decoder), nn.LayerNorm(width)
        self.predict_patch = nn.Linear(width, features)
        self.predict_autocorrelation = nn.Linear(width, 2 * config.n_lags)
        self.compress = nn.Linear(width, config.n_summary)
        self.predict_statistics = nn.Linear(config.n_summary, config.n_statistics)
        # Last, and only if asked for: the random weights of all other parts stay the same.
        if config.n_project:
            first, last = nn.Linear(config.n_summary + width, 2 * width), nn.Linear(2 * width, config.n_project)
            self.projection = nn.Sequential(first, nn.GELU(), last)

    def tokenize(self, csi: CSI) -> Tokens:
        """CSI with axes (sample, antenna, subcarrier) and any sizes to tokens.

        Raises:
            WirelessFMError: other axes longer than 1, or no subcarrier coordinates.
        """
        config = self.config
        return tokenize(csi, config.patch_angle, config.patch_delay, config.oversampling, config.compand)

    def encode(self, tokens: Tokens, visible: Tensor | None = None) -> Tensor:
        """Float [sample, 1 + tokens, width], summary first; of the ``visible`` int64 [sample, kept] only, if given."""
        x = self.embed_patch(self._features(tokens)) + self._position_code(tokens)
        x = x if visible is None else take_tokens(x, visible)
        x = torch.cat([self.embed_summary(tokens.summary)[:, None], x], dim=1)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def decode(self, encoded: Tensor, tokens: Tokens, visible: Tensor) -> Tensor:
        """Predicted patches, float [sample, token, feature], from what :meth:`encode` gave for ``visible``."""
        count = tokens.patches.shape[1]
        x = repeat(self.mask_token, "d -> b n d", b=len(encoded), n=count).to(encoded.dtype)
        index = visible[..., None].expand(-1, -1, encoded.shape[-1])
        x = x.scatter(1, index, encoded[:, 1:]) + self._position_code(tokens).to(encoded.dtype)
        x = torch.cat([encoded[:, :1], x], dim=1)
        for block in self.decoder:
            x = block(x)
        return self.predict_patch(self.decoder_norm(x[:, 1:]))

    def embed(self, csi: CSI, pooling: str = "summary+power") -> Tensor:
        """Frozen embeddings of every sample.

        Args:
            csi: axes (sample, antenna, subcarrier).
            pooling: ``summary`` float [sample, n_summary], ``power`` (patches weighted by their power) or ``mean``
                [sample, width], ``summary+power`` [sample, n_summary + width], ``tokens`` [sample, token, width].
        """
        if pooling not in POOLINGS:
            raise unknown_name("pooling", pooling, POOLINGS)
        tokens = self.tokenize(csi)
        encoded = self.encode(tokens).float()
        parts = {
            "summary": lambda: self.compress(encoded[:, 0]),
            "power": lambda: self.pool(encoded, tokens),
            "mean": lambda: encoded[:, 1:].mean(dim=1),
            "tokens": lambda: encoded[:, 1:],
        }
        return torch.cat([parts[name]() for name in pooling.split("+")], dim=1)

    def pool(self, encoded: Tensor, tokens: Tokens, visible: Tensor | None = None) -> Tensor:
        """Mean of the patches weighted by their power, float [sample, width] of what :meth:`encode` gave.

        So the embedding is a sum over directions weighted by the angle-power spectrum, as the antenna
        autocorrelation is; an unweighted mean consists mostly of directions nothing comes from.
        """
        power = self._angle_power(tokens).sum(dim=-1, keepdim=True)
        power = power if visible is None else take_tokens(power, visible)
        return (encoded[:, 1:] * power).sum(dim=1) / power.sum(dim=1).clamp_min(1e-12)

    def project(self, encoded: Tensor, tokens: Tokens, visible: Tensor | None = None) -> Tensor:
        """The embedding ``summary+power`` of what :meth:`encode` gave, projected: float [sample, n_project].

        Raises:
            WirelessFMError: the model has no projection.
        """
        if not self.config.n_project:
            raise WirelessFMError("this objective compares projections; set n_project of the model, such as 64")
        embedded = torch.cat([self.compress(encoded[:, 0]), self.pool(encoded, tokens, visible)], dim=1)
        return self.projection(embedded)

    def _angle_power(self, tokens: Tokens) -> Tensor:
        """Share of the sample's power in each angle bin of each patch, float [sample, token, angle]."""
        real, imaginary = tokens.patches.chunk(2, dim=-1)
        power = (real.square() + imaginary.square()) ** (1 / self.config.compand)
        # Bins have unit mean power, so their number is the power of the sample.
        total = tokens.grid.rows * tokens.grid.columns
        return power.unflatten(-1, (self.config.patch_angle, -1)).sum(dim=-1) / total

    def _features(self, tokens: Tokens) -> Tensor:
        """What an encoder cannot easily make of real and imaginary parts: log magnitudes, and each angle's power."""
        real, imaginary = tokens.patches.chunk(2, dim=-1)
        log_magnitude = (real.square() + imaginary.square() + 1e-6).log() * 0.25
        # Times the number of tokens: about 1 where power is spread evenly.
        power = self._angle_power(tokens) * tokens.patches.shape[1]
        return torch.cat([tokens.patches, log_magnitude, power, power.sqrt()], dim=-1)

    def _position_code(self, tokens: Tokens) -> Tensor:
        return self.embed_position(position_code(tokens.positions))
