"""Our first model: a masked autoencoder over angle–delay patches with a summary token.

Architecture after K. He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022: the encoder sees
the visible tokens only, a small decoder fills in the rest. What is particular to channels:

- patches are cut from the angle–delay domain, where a channel is sparse, of any number of antennas and subcarriers;
- power and global phase are taken out of the patches (a common phase means nothing, power spans 80 dB);
- the summary token carries what that removes and what patches hide: log power and the frequency correlation,
  whose phase is the absolute delay;
- positions are direction cosines and delay bins, not indices of a fixed grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import repeat
from torch import Tensor, nn

from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.nn.attention import Block, take_tokens
from wirelessfm.nn.positions import harmonic_code, octave_code
from wirelessfm.nn.tokens import PatchGrid, patch
from wirelessfm.signal.transforms import to_angle_delay

POOLINGS = ("summary", "power", "summary+power", "mean", "tokens")
_HARMONICS, _OCTAVES = 32, 6
_SUMMARY_FEATURES = 6


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


@dataclass(frozen=True)
class Tokens:
    """A tokenised batch: ``summary`` float [sample, feature], ``patches`` float [sample, token, feature],
    ``positions`` float [token, 2] (direction cosine, delay in units of 64 bins), and the grid for the way back."""

    summary: Tensor
    patches: Tensor
    positions: Tensor
    grid: PatchGrid


class MaskedAutoencoder(nn.Module):
    """Encoder of CSI [sample, antenna, subcarrier] into one summary and one embedding per patch."""

    def __init__(self, config: MaskedAutoencoderConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        features = 2 * config.patch_angle * config.patch_delay
        self.embed_patch = nn.Linear(features * 3 // 2 + 2 * config.patch_angle, width)
        self.embed_summary = nn.Sequential(nn.Linear(_SUMMARY_FEATURES, width), nn.GELU(), nn.Linear(width, width))
        self.embed_position = nn.Linear(2 * _HARMONICS + 2 * _OCTAVES, width)
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
        if "subcarrier" not in csi.coords:
            raise WirelessFMError("this model needs coords['subcarrier'] in Hz; give the CSI its frequencies")
        values = csi.denormalise().tensor("sample antenna subcarrier").to(torch.complex64)
        n_bins = values.shape[1] * self.config.oversampling
        bins = to_angle_delay(nn.functional.pad(values, (0, 0, 0, n_bins - values.shape[1])))
        grid = PatchGrid(bins.shape[1], bins.shape[2], self.config.patch_angle, self.config.patch_delay)
        power = bins.abs().square().mean(dim=(1, 2))
        summary = _summary_features(values, power, csi.coords["subcarrier"])
        return Tokens(
            summary, patch(_standardised(bins, power, self.config.compand), grid), _positions(grid, values.device), grid
        )

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
        cosine, delay = tokens.positions.unbind(dim=-1)
        return self.embed_position(torch.cat([harmonic_code(cosine, _HARMONICS), octave_code(delay, _OCTAVES)], dim=-1))


def _standardised(bins: Tensor, power: Tensor, compand: float) -> Tensor:
    """Unit mean power, the strongest bin real and positive, magnitudes companded.

    Neither power nor global phase is left. Without companding the few strongest bins are all that counts, and a
    masked one among them can hardly be told from the faint side lobes that stay visible.
    """
    flat = bins.flatten(1)
    strongest = flat.gather(1, flat.abs().argmax(dim=1, keepdim=True))
    turn = torch.where(strongest.abs() > 0, strongest.conj() / strongest.abs().clamp_min(1e-30), 1)
    unit = bins * turn[..., None] / power.sqrt().clamp_min(1e-30)[:, None, None]
    return unit * unit.abs().clamp_min(1e-6) ** (compand - 1)


def _summary_features(values: Tensor, power: Tensor, frequencies_hz: Tensor) -> Tensor:
    """Float [sample, 6]: log power, log delay and log delay times power, frequency correlation, log bandwidth."""
    spacing_hz = (frequencies_hz[1] - frequencies_hz[0]).float() if len(frequencies_hz) > 1 else torch.tensor(1.0)
    lag = (values[..., 1:] * values[..., :-1].conj()).sum(dim=(1, 2)) / values.shape[1] / values.shape[2]
    correlation = lag / power.clamp_min(1e-30)
    # A delay τ turns the phase by -2π·spacing·τ from one subcarrier to the next; negative slopes are aliases.
    delay_s = torch.remainder(-torch.angle(correlation), 2 * torch.pi) / (2 * torch.pi * spacing_hz)
    log_power = (10 * torch.log10(power.clamp_min(1e-20)) + 110) / 20
    log_delay = torch.log10(delay_s.clamp_min(1e-9)) + 6.5
    bandwidth = torch.log10(spacing_hz * values.shape[2] / 1e7).expand_as(log_power)
    parts = [log_power, log_delay, log_power + log_delay, correlation.real, correlation.imag, bandwidth]
    return torch.stack(parts, dim=1)


def _positions(grid: PatchGrid, device: torch.device) -> Tensor:
    down, right = grid.shape
    # Middle of the bins of a patch; bin i of n is the direction cosine 2i/n - 1.
    row = torch.arange(down, device=device) * grid.patch_rows + (grid.patch_rows - 1) / 2
    column = torch.arange(right, device=device) * grid.patch_columns + (grid.patch_columns - 1) / 2
    cosine, delay = 2 * row / grid.rows - 1, column / 64
    return torch.stack([cosine.repeat_interleave(right), delay.repeat(down)], dim=1)
