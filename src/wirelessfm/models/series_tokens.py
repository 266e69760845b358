"""Blocks of CSI of which the beginning of one axis is known, to one token per bin of the other axes.

The axes known from end to end are turned to beams and delays (or Dopplers) by unitary transforms. What is left is a
short series along the asked axis for every bin; a wave in a bin is a line in the spectrum of its series.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wirelessfm.baselines.autoregression import burg, model_order
from wirelessfm.baselines.known_part import KnownPart
from wirelessfm.nn.plane_waves import unit_phasors
from wirelessfm.nn.positions import harmonic_code
from wirelessfm.signal.power import squared_magnitude

N_CELLS = 128
_LAGS, _HARMONICS = 6, 16
SERIES_FEATURES = N_CELLS + 2 * _LAGS + 10
SERIES_POSITION_FEATURES = 6 * _HARMONICS


@dataclass(frozen=True)
class SeriesTokens:
    """What the encoder reads, and the series it is about.

    Attributes:
        features: float32 [sample, bin, SERIES_FEATURES].
        positions: float32 [bin, SERIES_POSITION_FEATURES].
        series: complex64 [sample, bin, known], one per bin.
        periodogram: float32 [sample, bin, N_CELLS], its share of power at each frequency, sum 1.
        entropy: float32 [sample, bin, N_CELLS], the same of the maximum-entropy spectrum (Burg) that the bins of one
            delay share, or those of one beam where subcarriers are asked.
        power: float32 [sample, bin], mean power of the series.
        noise: float32 [sample], noise power per entry of a series.
    """

    features: Tensor
    positions: Tensor
    series: Tensor
    periodogram: Tensor
    entropy: Tensor
    power: Tensor
    noise: Tensor


def bin_transforms(part: KnownPart, positions: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Unitary transforms of both complete axes, and where their bins are.

    Args:
        part: whose values are [sample, known, antenna, other].
        positions: float [antenna, 3] in wavelengths; None for a line. Antennas that are not rows after rows of equal
            length count as a line in the order of their numbers.

    Returns:
        complex64 [beam, antenna], complex64 [other bin, other], float32 [beam · other bin, 3]: cosines along y and z
        and the place of the other bin, all in [−1, 1).
    """
    n_antennas, n_other = part.values.shape[2:]
    columns, rows = _grid_sizes(positions, n_antennas)
    beams = torch.kron(_fourier(rows), _fourier(columns))
    z, y = torch.meshgrid(_bins(rows), _bins(columns), indexing="ij")
    beam_places = torch.stack([y.flatten(), z.flatten()], dim=1)
    places = torch.cat(
        [beam_places.repeat_interleave(n_other, dim=0), _bins(n_other).repeat(n_antennas)[:, None]], dim=1
    )
    device = part.values.device
    return beams.to(device), _fourier(n_other).to(device), places.to(device)


def _grid_sizes(positions: Tensor | None, n_antennas: int) -> tuple[int, int]:
    """Columns (fast) and rows of a regular planar array; one row where it is none."""
    if positions is None:
        return n_antennas, 1
    rows = int((positions[:, 2].diff().abs() > 1e-6).sum()) + 1
    return (n_antennas // rows, rows) if n_antennas % rows == 0 else (n_antennas, 1)


def _bins(n: int) -> Tensor:
    return (2 * torch.arange(n) / n + 1) % 2 - 1


def _fourier(n: int) -> Tensor:
    index = torch.arange(n)
    return unit_phasors(-index[:, None] * index / n) / math.sqrt(n)


def series_tokens(part: KnownPart, positions: Tensor | None, step: float) -> SeriesTokens:
    """Tokens of every bin, ``step`` being the spacing of the asked axis in seconds or hertz."""
    beams, others, places = bin_transforms(part, positions)
    series = torch.einsum("ba,slao,mo->sbml", beams, part.values, others).flatten(1, 2)
    power = squared_magnitude(series).mean(dim=-1)
    spectrum = _cells(lambda n: squared_magnitude(torch.fft.fft(series, n=n, dim=-1)), series.shape[-1], 1)
    share = spectrum / spectrum.sum(dim=-1, keepdim=True).clamp_min(1e-30)
    entropy = _maximum_entropy(series.unflatten(1, (len(beams), len(others))), part)
    lags = torch.stack([_lag(series, lag) for lag in range(1, _LAGS + 1)], dim=-1) / power[..., None].clamp_min(1e-12)
    strongest = power.amax(dim=1, keepdim=True).clamp_min(1e-30)
    noise = part.noise_power.clamp_min(1e-5)
    n_known, same = series.shape[-1], torch.ones_like(power)
    parts = [
        power / strongest,
        (power / strongest + 1e-5).log() / 4,
        (power / noise[:, None] + 1e-2).log() / 4,
        (power + 1e-6).log() / 4,
        same * (noise.log10() / 3)[:, None],
        same * (math.log2(n_known) / 5),
        same * (math.log2(part.n_asked) / 5),
        same * (math.log10(step) / 6 if part.axis == "subcarrier" else math.log10(step) / 3),
        same * float(part.axis == "time"),
        same * (math.log2(power.shape[1]) / 10),
    ]
    coarse = [both.unflatten(-1, (-1, 2)).sum(dim=-1).sqrt() * 4 for both in (share, entropy)]
    features = torch.cat([*coarse, lags.real, lags.imag, torch.stack(parts, dim=-1)], dim=-1)
    code = harmonic_code(places, _HARMONICS).flatten(1)
    return SeriesTokens(features.float(), code, series, share, entropy, power, noise)


def _maximum_entropy(series: Tensor, part: KnownPart) -> Tensor:
    """Float32 [sample, bin, N_CELLS] of complex [sample, beam, other bin, known]; its cells are averages of four."""
    grouped = series.transpose(1, 2) if part.axis == "time" else series
    side_by_side = grouped.flatten(0, 1).transpose(1, 2)
    coefficients, _ = burg(side_by_side, model_order(part))
    polynomial = nn.functional.pad(-coefficients, (1, 0), value=1.0)

    def fine(n: int) -> Tensor:
        return 1 / squared_magnitude(torch.fft.fft(polynomial, n=n, dim=-1)).clamp_min(1e-9)

    cells = _cells(fine, polynomial.shape[-1], 4)
    cells = (cells / cells.sum(dim=-1, keepdim=True)).unflatten(0, (len(series), -1))
    if part.axis == "time":
        return cells[:, None].expand(-1, series.shape[1], -1, -1).flatten(1, 2).float()
    return cells[:, :, None].expand(-1, -1, series.shape[2], -1).flatten(1, 2).float()


def _cells(spectrum: Callable[[int], Tensor], n_entries: int, at_least: int) -> Tensor:
    """Means of a spectrum over N_CELLS cells, centred on their frequencies, sampled finely enough for its entries."""
    fold = max(at_least, -(-n_entries // N_CELLS))
    return spectrum(fold * N_CELLS).roll(fold // 2, dims=-1).unflatten(-1, (N_CELLS, fold)).mean(dim=-1)


def _lag(series: Tensor, lag: int) -> Tensor:
    if lag >= series.shape[-1]:
        return torch.zeros_like(series[..., 0])
    return (series[..., lag:] * series[..., :-lag].conj()).mean(dim=-1)


def untransform(bins: Tensor, part: KnownPart, positions: Tensor | None) -> Tensor:
    """Series [sample, bin, asked] back to [sample, asked, antenna, other]."""
    beams, others, _ = bin_transforms(part, positions)
    bins = bins.unflatten(1, (len(beams), len(others)))
    return torch.einsum("ba,sbml,mo->slao", beams.conj(), bins, others.conj())


def continue_series(series: Tensor, spectrum: Tensor, noise: Tensor, n_asked: int) -> Tensor:
    """Wiener prediction of the entries after a series whose spectrum is given.

    Args:
        series: complex64 [..., known].
        spectrum: float32 [..., N_CELLS], expected power at frequency c/N_CELLS cycles per entry, spread evenly over
            its cell.
        noise: float32 [...], noise power per known entry.
        n_asked: how many entries to predict.

    Returns:
        complex64 [..., asked].
    """
    n_known = series.shape[-1]
    n = n_known + n_asked
    lag = torch.arange(n, device=series.device)
    # The correlation of lines at the cells repeats; that of cells of some width fades.
    correlation = (torch.fft.ifft(spectrum, dim=-1) * N_CELLS)[..., lag % N_CELLS] * torch.sinc(lag / N_CELLS)
    both = torch.cat([correlation[..., 1:].flip(-1).conj(), correlation], dim=-1)
    row, column = torch.arange(n_known, device=series.device), torch.arange(n, device=series.device)
    within = both[..., row[:, None] - row + n - 1]
    across = both[..., column[n_known:, None] - row + n - 1]
    within = within + torch.diag_embed(noise[..., None].expand(*noise.shape, n_known)).to(within.dtype)
    return (across @ torch.linalg.solve(within, series[..., None]))[..., 0]
