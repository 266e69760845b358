"""Paths to CSI: the sum of plane waves, h[t, r, a, k] = Σ_l g_l · e^{j2π(ν_l t + p_r·u_l + q_a·w_l − f_k τ_l)}.

g, τ and ν are gain, delay and Doppler of path l; u and w its directions at user and base station; p and q the
element positions in wavelengths; f the frequency relative to the carrier. On every regular axis the phase grows
by a constant step from one entry to the next, so only about 2√n of n phasors need a sine and a cosine.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths
from wirelessfm.signal.arrays import PlanarArray, direction_cosines
from wirelessfm.signal.noise import add_noise
from wirelessfm.signal.ofdm import OFDM


def synthesize(
    paths: Paths,
    array: PlanarArray,
    ofdm: OFDM,
    rx_array: PlanarArray | None = None,
    times_s: Tensor | None = None,
    snr_db: float | None = None,
    generator: torch.Generator | None = None,
    batch_size: int = 512,
) -> CSI:
    """The channel of every user of ``paths`` (path-less users give zeros).

    Args:
        paths: multipath, one entry per user.
        array: base-station array; its yaw and pitch are added to those of ``paths.meta``.
        ofdm: frequency grid.
        rx_array: user array; adds the axis ``rx``.
        times_s: float [time], uniformly spaced; adds the axis ``time`` and needs ``paths.doppler_hz``.
        snr_db: adds white noise at this ratio to each sample's mean power.
        generator: of the noise; needed with ``snr_db``.
        batch_size: users at a time, bounds the memory beside the result.

    Returns:
        CSI with axes (sample[, time][, rx], antenna, subcarrier), complex64, differentiable in every float
        field of ``paths``; labels ``los``, ``position_m``, ``n_paths``.

    Raises:
        WirelessFMError: no users, no Doppler where time is asked for, times that are not uniform.
    """
    if paths.n_users == 0:
        raise WirelessFMError("nothing to synthesize: these Paths have no users")
    parts = [
        channel_response(paths[s : s + batch_size], array, ofdm, rx_array, times_s)
        for s in range(0, paths.n_users, batch_size)
    ]
    values = torch.cat(parts) if len(parts) > 1 else parts[0]
    axes = ("sample", *(("time",) if times_s is not None else ()), *(("rx",) if rx_array else ()))
    values = values.squeeze(2) if not rx_array else values
    values = values.squeeze(1) if times_s is None else values
    if snr_db is not None:
        values = add_noise(values, snr_db, generator)
    coords = {"antenna": array.positions_wavelengths(), "subcarrier": ofdm.frequencies_hz()}
    coords |= {"rx": rx_array.positions_wavelengths()} if rx_array else {}
    coords |= {"time": times_s.double()} if times_s is not None else {}
    coords = {k: v.to(values.device) for k, v in coords.items()}
    labels = {"los": paths.los, "position_m": paths.position_m, "n_paths": paths.n_paths}
    meta = CSIMeta(paths.meta.carrier_hz, paths.meta.source, paths.meta.licence, {"scene": paths.meta.scene})
    return CSI(values, (*axes, "antenna", "subcarrier"), coords, labels, meta)


def channel_response(
    paths: Paths,
    array: PlanarArray,
    ofdm: OFDM,
    rx_array: PlanarArray | None = None,
    times_s: Tensor | None = None,
    yaw_offset_rad: Tensor | None = None,
) -> Tensor:
    """Complex64 [user, time, rx, antenna, subcarrier] without validation of the result: the inner loop.

    ``yaw_offset_rad`` float [user] turns the base station for each user apart (for training on random
    orientations). Other arguments as in :func:`synthesize`.
    """
    yaw, pitch, _ = paths.meta.bs_orientation_rad
    turn: float | Tensor = yaw + array.yaw_rad
    turn = turn if yaw_offset_rad is None else turn + yaw_offset_rad[:, None]
    rows = _array_phasors(
        array, paths.departure_azimuth_rad, paths.departure_elevation_rad, turn, pitch + array.pitch_rad, paths.gain
    )
    if rx_array is not None:
        left = _array_phasors(
            rx_array,
            paths.arrival_azimuth_rad,
            paths.arrival_elevation_rad,
            rx_array.yaw_rad,
            rx_array.pitch_rad,
        )
        rows = _outer(left, rows)
    if times_s is not None:
        rows = _outer(_doppler_phasors(paths, times_s), rows)
    first = -(ofdm.n_subcarriers // 2)
    tones = _phasors(-ofdm.spacing_hz * paths.delay_s.double(), ofdm.n_subcarriers, first)
    values = torch.bmm(rows, tones.transpose(1, 2))
    n_times = 1 if times_s is None else len(times_s)
    n_rx = rx_array.size if rx_array else 1
    return values.reshape(paths.n_users, n_times, n_rx, array.size, ofdm.n_subcarriers)


def _array_phasors(
    array: PlanarArray,
    azimuth: Tensor,
    elevation: Tensor,
    yaw: float | Tensor,
    pitch: float | Tensor,
    gain: Tensor | None = None,
) -> Tensor:
    horizontal, vertical = direction_cosines(azimuth, elevation, yaw, pitch)
    d = array.spacing_wavelengths
    columns = _phasors(d * horizontal, array.n_horizontal, -(array.n_horizontal - 1) / 2, gain)
    if array.n_vertical == 1:
        return columns
    return _outer(_phasors(d * vertical, array.n_vertical, -(array.n_vertical - 1) / 2), columns)


def _doppler_phasors(paths: Paths, times_s: Tensor) -> Tensor:
    if paths.doppler_hz is None:
        raise WirelessFMError("time samples need paths with doppler_hz; trace moving users or leave times_s out")
    steps = times_s.diff()
    step = float(steps.mean()) if len(steps) else 0.0
    if len(steps) and not torch.allclose(steps.double(), torch.full_like(steps, step).double(), rtol=1e-3, atol=0):
        raise WirelessFMError("times_s must be uniformly spaced")
    start = _phasors(paths.doppler_hz.double() * float(times_s[0]), 1, 1.0)
    return start * _phasors(paths.doppler_hz.double() * step, len(times_s), 0.0)


def _phasors(cycles: Tensor, n: int, first: float, gain: Tensor | None = None) -> Tensor:
    """gain · e^{j2π·cycles·(first + i)} for i < n: complex64 [user, n, path] from ``cycles`` [user, path] per step.

    The gain is multiplied into the short factor, which is cheaper than into the result.
    """
    coarse = max(1, math.isqrt(n))
    fine = -(-n // coarse)
    big = _unit(cycles, torch.arange(coarse, device=cycles.device) * fine + first)
    big = big if gain is None else big * gain[:, None, :]
    small = _unit(cycles, torch.arange(fine, device=cycles.device))
    return _outer(big, small)[:, :n]


def _unit(cycles: Tensor, index: Tensor) -> Tensor:
    turns = cycles[:, None, :] * index.to(cycles.dtype)[:, None]
    # Whole turns are removed in the precision of the input, before float32 would round large phases.
    angle = (2 * math.pi) * (turns - turns.detach().round()).float()
    return torch.complex(torch.cos(angle), torch.sin(angle))


def _outer(slow: Tensor, fast: Tensor) -> Tensor:
    """[user, m, path] and [user, n, path] to [user, m·n, path], the second index running fastest."""
    return (slow[:, :, None, :] * fast[:, None, :, :]).flatten(1, 2)
