"""Our flagship: an encoder that reads beams, says how power is spread over waves, and leaves the rest to mathematics.

One transformer trunk with two entrances. Static channels enter as one token per direction (:mod:`.beam_tokens`),
blocks to be continued as one token per bin (:mod:`.series_tokens`). What comes out is

- an embedding: a short summary, and the share of power a large array would receive from each of 64 directions;
- a power spectrum over direction × delay, or over the frequencies of every bin. Estimation, interpolation and
  prediction are then the linear minimum-mean-squared-error estimate for that spectrum: a Gaussian process whose
  spectral density a network reads off the observation (cf. A. Wilson and R. Adams, ICML 2013, for the process).

So grid, array, numerology and observed entries may be any: they enter through the phases of waves at physical
positions, never through the shape of a weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wirelessfm.baselines.known_part import KnownPart, known_part
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.models import spectrum_answers as answers
from wirelessfm.models.beam_tokens import (
    GLOBAL_FEATURES,
    N_DELAYS,
    POSITION_FEATURES,
    TOKEN_FEATURES,
    BeamTokens,
    beam_tokens,
)
from wirelessfm.models.completion import assumed_noise, complete, estimate_waves
from wirelessfm.models.seen import Seen, read_seen
from wirelessfm.models.series_tokens import (
    N_CELLS,
    SERIES_FEATURES,
    SERIES_POSITION_FEATURES,
    SeriesTokens,
    continue_series,
    series_tokens,
    untransform,
)
from wirelessfm.nn.attention import Block, take_tokens
from wirelessfm.nn.beams import on_beam_grid, side_by_side
from wirelessfm.nn.coarse import mean_of_pairs, through, through_in_pairs
from wirelessfm.nn.plane_waves import WaveEstimate


@dataclass(frozen=True)
class SpectrumConfig:
    """Sizes of the model.

    Attributes:
        n_summary: width of the summary in the embedding.
        n_statistics, n_known: numbers the objective ``better-view`` asks the summary for.
        coarse_blocks: blocks in the middle for which two neighbouring tokens are one, which makes a step a third
            shorter and hardly worse; fewer where the model is shallower, for the first and the last see every token.
        beams_per_token: neighbouring directions that share a token. Two halve the cost of a step.
        max_series: bins of a block that enter as tokens, the strongest; the others are continued with zeros.
        reweightings: steps in which the spectrum follows the estimate, when estimating; four times as many where
            everything is observed.
        iterations: of conjugate gradients, when estimating; fewer where fewer are enough.
    """

    width: int = 112
    depth: int = 6
    coarse_blocks: int = 4
    n_heads: int = 2
    mlp_ratio: float = 2.0
    n_summary: int = 24
    n_statistics: int = 5
    n_known: int = 9
    beams_per_token: int = 2
    max_series: int = 128
    reweightings: int = 2
    iterations: int = 300


# Other sizes, by about how many parameters they have; the default has 0.8 M, which is 3.1 MB.
SIZES: dict[str, dict[str, int]] = {
    "100k": {"width": 52, "depth": 2},
    "300k": {"width": 80, "depth": 4},
    "3m": {"width": 224, "depth": 7, "coarse_blocks": 5, "n_heads": 4},
}


class SpectrumModel(nn.Module):
    """CSI [sample(, time), antenna, subcarrier] of any sizes to embeddings, and to complete CSI.

    ``embed_batch`` samples at once are embedded fastest; ``tuned_pooling`` is of what can be trained, which resolved
    paths cannot.
    """

    embed_batch = 1024
    tuned_pooling = "summary+beams"

    def __init__(self, config: SpectrumConfig) -> None:
        super().__init__()
        if config.beams_per_token < 1:
            raise WirelessFMError(f"beams_per_token must be at least 1, found {config.beams_per_token}")
        if config.coarse_blocks < 0:
            raise WirelessFMError(f"coarse_blocks must be at least 0, found {config.coarse_blocks}")
        self.config, width = config, config.width
        group = config.beams_per_token
        self.embed_beam = _mlp(group * TOKEN_FEATURES, width, width)
        self.embed_direction = nn.Linear(group * POSITION_FEATURES, width)
        self.embed_summary = _mlp(GLOBAL_FEATURES, width, width)
        self.embed_series = _mlp(SERIES_FEATURES, width, width)
        self.embed_bin = nn.Linear(SERIES_POSITION_FEATURES, width)
        self.series_token = nn.Parameter(torch.zeros(width))
        blocks = [Block(width, config.n_heads, config.mlp_ratio) for _ in range(config.depth)]
        self.blocks, self.norm = nn.ModuleList(blocks), nn.LayerNorm(width)
        self.n_coarse = min(config.coarse_blocks, max(0, config.depth - 2))
        if self.n_coarse:
            self.merge = mean_of_pairs(width)
        self.compress = nn.Linear(width, config.n_summary)
        self.predict_statistics = nn.Linear(config.n_summary, config.n_statistics)
        self.predict_known = nn.Linear(config.n_summary, config.n_known)
        # For each direction: share of power at the same carrier, and at another.
        self.predict_beam = nn.Linear(width, group * 2)
        self.predict_delays = nn.Linear(width, group * (N_DELAYS + 1))
        self.predict_spectrum = nn.Linear(width, N_CELLS + 2)
        # How much matched filter, periodogram and maximum-entropy spectrum count, before anything is learnt.
        self.trust = nn.Parameter(torch.tensor([1.0, 0.2, 0.8]))

    def tokenize(self, csi: CSI) -> BeamTokens:
        """One token per direction; see :func:`.seen.read_seen` for errors raised."""
        return beam_tokens(read_seen(csi))

    def encode(self, tokens: BeamTokens) -> Tensor:
        """Float [sample, 1 + ceil(direction / beams_per_token), width], summary first."""
        features, positions = (
            side_by_side(part, self.config.beams_per_token) for part in (tokens.features, tokens.positions)
        )
        x = self.embed_beam(features) + self.embed_direction(positions)
        return self._trunk(torch.cat([self.embed_summary(tokens.summary)[:, None], x], dim=1), neighbours=True)

    def _per_direction(self, layer: nn.Linear, encoded: Tensor, tokens: BeamTokens) -> Tensor:
        """Float32 [sample, direction, output] of a layer that speaks for every direction of a token."""
        spoken = layer(encoded[:, 1:]).float().unflatten(-1, (self.config.beams_per_token, -1)).flatten(1, 2)
        return spoken[:, : len(tokens.directions)]

    def _trunk(self, x: Tensor, neighbours: bool) -> Tensor:
        """All blocks; ``neighbours``: tokens that follow each other are neighbours, and some blocks may see pairs."""
        n_coarse = self.n_coarse if neighbours else 0
        first = (self.config.depth - n_coarse) // 2
        x = through(self.blocks[:first], x)
        x = through_in_pairs(self.blocks[first : first + n_coarse], self.merge, x) if n_coarse else x
        return self.norm(through(self.blocks[first + n_coarse :], x))

    def beam_logits(
        self, encoded: Tensor, tokens: BeamTokens, other_carrier: bool = False, with_sweep: bool = False
    ) -> Tensor:
        """Float32 [sample, 64] about the cosines −1 + 2b/64 along y, up to a constant.

        As trained by ``better-view``: the log of powers that are made relative and sharpened (squared, by default).
        ``with_sweep`` adds a second expert that nobody trains, the log power that the sweep of this very array shows,
        which with many antennas is hard to improve on. Weights of 0 to 4 of it were tried on munich and san_francisco,
        cities of the training.
        """
        logits = self._per_direction(self.predict_beam, encoded, tokens)[..., int(other_carrier)]
        if with_sweep:
            logits = logits + (tokens.power + 1e-4).log()
        return on_beam_grid(logits, tokens.directions, answers.N_BEAMS)

    def embed(self, csi: CSI, pooling: str = "summary+paths") -> Tensor:
        """Frozen embeddings of every sample, see :func:`.spectrum_answers.embed`."""
        return answers.embed(self, csi, pooling)

    def predict_los(self, csi: CSI, resolve: bool = True) -> Tensor:
        """Score of a line of sight, float [sample], positive where there is one; of weights taught with ``known``.

        ``resolve``: add what the paths that can be resolved say, see :mod:`.path_expert`; without, it takes a tenth of
        the time.
        """
        return answers.predict_los(self, csi, resolve)

    def predict_beams(self, csi: CSI, resolve: bool = True) -> Tensor:
        """How probable each of 64 beams is the best at the other carrier, logarithm, float [sample, 64].

        The beams are those of :func:`~wirelessfm.signal.codebooks.dft_codebook`. Needs weights taught with
        ``other_carrier``, and ``beams``: the mean of what it says of both carriers, because how they differ was learnt
        from one ray tracer. On cities of the training that costs nothing. ``resolve`` as in :meth:`predict_los`; the
        paths interfere at the other carrier if ``csi.asked_at`` names it, and have only powers otherwise.
        """
        return answers.best_beam(self, csi, (True, False), resolve, csi.target_carrier_hz)

    def predict_same_band_beams(self, csi: CSI, resolve: bool = True) -> Tensor:
        """The same at the carrier of ``csi``, for 32 antennas; of weights taught with ``beams``."""
        return answers.best_beam(self, csi, (False,), resolve, csi.meta.carrier_hz)

    def complete(self, csi: CSI) -> Tensor:
        """All entries from the ``observed`` ones: complex64 in the shape of ``csi``, normalisation undone.

        CSI (sample, antenna, subcarrier) is estimated; CSI (sample, time, antenna, subcarrier) of which the beginning
        of time or of the subcarriers is observed is continued. The label ``noise_power`` is used where there is one.

        Raises:
            WirelessFMError: other axes, no samples, or observed entries that are not as said above, among them fewer
                than two along the axis to be continued.
        """
        return complete(self, csi)

    def observe(self, csi: CSI) -> Seen:
        """What :meth:`estimate` starts from."""
        return read_seen(csi)

    def estimate(self, seen: Seen, iterations: int) -> Tensor:
        """Complex64 [sample, antenna, subcarrier] at the scale of ``seen``, differentiable in the weights."""
        tokens = beam_tokens(seen)
        power = self.power_spectrum(self.encode(tokens), tokens, seen)
        waves = estimate_waves(seen, tokens)
        with torch.autocast(power.device.type, enabled=False):
            return WaveEstimate.apply(power, seen.values[:, 0], assumed_noise(seen), *waves, iterations)

    def power_spectrum(self, encoded: Tensor, tokens: BeamTokens, seen: Seen) -> Tensor:
        """Expected power over direction × delay, float32 [sample, direction, N_DELAYS], in units of the mean entry."""
        delta = self._per_direction(self.predict_delays, encoded, tokens)
        signal = (1 - torch.where(torch.isfinite(seen.noise), seen.noise, 0.0)).clamp(0.02, 1)
        logits = self.trust[0] * (tokens.profile + 1e-4).log() + delta[..., :-1] + delta[..., -1:]
        shares = logits.flatten(1).softmax(dim=1).view_as(logits)
        return shares * signal[:, None, None]

    def continue_csi(self, csi: CSI) -> Tensor:
        """The asked part of CSI (sample, time, antenna, subcarrier), see :meth:`complete`; in its scale and axes."""
        part = known_part(csi)
        asked = self.asked(csi, part) * part.scale[:, None, None, None]
        return asked if part.axis == "time" else asked.transpose(1, 3)

    def asked(self, csi: CSI, part: KnownPart) -> Tensor:
        """The asked part, complex64 [sample, asked, antenna, other], in the scale of ``part``."""
        positions = csi.coords.get("antenna")
        tokens = series_tokens(part, positions, axis_step(csi, part.axis))
        return untransform(self.continuation(tokens, part.n_asked), part, positions)

    def continuation(self, tokens: SeriesTokens, n_asked: int) -> Tensor:
        """Complex64 [sample, bin, asked] of every bin, differentiable in the weights."""
        n_chosen = min(self.config.max_series, tokens.power.shape[1])
        chosen = tokens.power.topk(n_chosen, dim=1).indices
        x = self.embed_series(tokens.features) + self.embed_bin(tokens.positions)
        x = take_tokens(x, chosen)
        x = torch.cat([self.series_token.expand(len(x), 1, -1).to(x.dtype), x], dim=1)
        x = self._trunk(x, neighbours=False)  # the strongest bins, in no order
        delta = self.predict_spectrum(x[:, 1:]).float()
        seen = [take_tokens(spectrum, chosen) for spectrum in (tokens.periodogram, tokens.entropy)]
        logits = delta[..., :N_CELLS]
        for trust, spectrum in zip(self.trust[1:], seen, strict=True):
            logits = logits + trust * (spectrum + 1e-5).log()
        series, noise = take_tokens(tokens.series, chosen), tokens.noise[:, None].expand(-1, n_chosen)
        power = tokens.power.gather(1, chosen)
        signal = (power - noise).clamp_min(0.05 * power) * delta[..., -2].exp()
        spectrum = logits.softmax(dim=-1) * signal[..., None]
        with torch.autocast(spectrum.device.type, enabled=False):
            strong = continue_series(series, spectrum, noise * delta[..., -1].exp(), n_asked)
        out = strong.new_zeros(*tokens.power.shape, n_asked)
        return out.scatter(1, chosen[..., None].expand_as(strong), strong)


def axis_step(csi: CSI, axis: str) -> float:
    """Spacing of a uniform axis in seconds or hertz; that of a millisecond or 100 kHz where it is not known."""
    steps = csi.coords[axis].diff() if axis in csi.coords else torch.zeros(0)
    return float(steps.mean()) if len(steps) else {"time": 1e-3, "subcarrier": 1e5}[axis]


def _mlp(n_in: int, hidden: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(n_in, hidden), nn.GELU(), nn.Linear(hidden, n_out))
