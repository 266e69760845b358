"""Synthesis against first principles and against Sionna RT's own responses (golden values)."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from wirelessfm import Paths, PathsMeta, WirelessFMError
from wirelessfm.signal import OFDM, PlanarArray, synthesize

GOLDEN = Path(__file__).parents[1] / "golden" / "sionna_cfr.npz"


def by_definition(paths: Paths, array: PlanarArray, ofdm: OFDM) -> torch.Tensor:
    """The sum of plane waves, written out in float64 with rotation matrices."""
    yaw = paths.meta.bs_orientation_rad[0] + array.yaw_rad
    pitch = paths.meta.bs_orientation_rad[1] + array.pitch_rad
    turn = torch.tensor([[math.cos(yaw), -math.sin(yaw), 0], [math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]]).double()
    tilt = torch.tensor([[math.cos(pitch), 0, math.sin(pitch)], [0, 1, 0], [-math.sin(pitch), 0, math.cos(pitch)]])
    elements = array.positions_wavelengths().double() @ (turn @ tilt.double()).T
    azimuth, elevation = paths.departure_azimuth_rad.double(), paths.departure_elevation_rad.double()
    horizontal = elevation.cos()
    direction = torch.stack([horizontal * azimuth.cos(), horizontal * azimuth.sin(), elevation.sin()], -1)
    steering = torch.exp(2j * math.pi * torch.einsum("uld,ad->ual", direction, elements))
    tones = torch.exp(-2j * math.pi * torch.einsum("k,ul->ukl", ofdm.frequencies_hz(), paths.delay_s.double()))
    return torch.einsum("ul,ual,ukl->uak", paths.gain.to(torch.complex128), steering, tones)


@pytest.mark.parametrize(
    ("array", "ofdm"),
    [
        (PlanarArray(32), OFDM(32, 30e3)),
        (PlanarArray(5, 3, 0.7, 0.2, 0.3), OFDM(50, 480e3)),
        (PlanarArray(1), OFDM(1, 15e3)),
        (PlanarArray(3, 7), OFDM(257, 240e3)),
    ],
)
def test_agrees_with_the_definition(make_paths, array, ofdm) -> None:
    paths = make_paths(12, 6)
    expected = by_definition(paths, array, ofdm)
    error = (synthesize(paths, array, ofdm).values - expected).abs().max() / expected.abs().max()
    assert float(error) < 2e-5


def test_agrees_with_sionna_rt() -> None:
    golden = {name: torch.from_numpy(value) for name, value in np.load(GOLDEN).items()}
    per_path = {k: golden[k] for k in golden if k.endswith("_rad") and k != "bs_orientation_rad"}
    n_users = len(golden["gain"])
    yaw, pitch, roll = golden["bs_orientation_rad"].tolist()
    paths = Paths(
        gain=golden["gain"],
        delay_s=golden["delay_s"],
        **per_path,
        position_m=golden["position_m"],
        los=torch.zeros(n_users, dtype=torch.int8),
        n_paths=golden["n_paths"],
        meta=PathsMeta(float(golden["carrier_hz"]), tuple(golden["bs_position_m"].tolist()), (yaw, pitch, roll)),
    )
    ofdm = OFDM(16, 120e3)
    assert torch.equal(ofdm.frequencies_hz(), golden["frequency_hz"])
    array = PlanarArray(8, 2)
    # Sionna numbers antennas column by column from the top; match the elements by their positions.
    distance = torch.cdist(golden["antenna_local_wavelength"], array.positions_wavelengths())
    assert float(distance.amin(dim=1).max()) < 1e-6
    ours = synthesize(paths, array, ofdm).values[:, distance.argmin(dim=1)]
    error = (ours - golden["cfr"]).abs().amax(dim=(1, 2)) / golden["cfr"].abs().amax(dim=(1, 2))
    assert float(error.max()) < 1e-4


def test_batches_do_not_matter_and_pathless_users_are_zero(make_paths) -> None:
    paths = make_paths(9, 3)
    whole = synthesize(paths, PlanarArray(4), OFDM(6, 1e6))
    parts = synthesize(paths, PlanarArray(4), OFDM(6, 1e6), batch_size=2)
    assert torch.allclose(whole.values, parts.values, atol=1e-12)
    assert torch.equal(whole.values[paths.n_paths == 0], torch.zeros_like(whole.values[:1]))
    assert torch.equal(whole.labels["los"], paths.los)


def test_linear_in_the_gain(make_paths) -> None:
    paths = make_paths()
    twice = replace(paths, gain=paths.gain * 2j)
    a, b = (synthesize(p, PlanarArray(4), OFDM(6, 1e6)).values for p in (paths, twice))
    assert torch.allclose(b, 2j * a)


def test_gradients_reach_gain_delay_and_angles(make_paths) -> None:
    paths = make_paths(3, 2)
    leaves = {n: getattr(paths, n).clone().requires_grad_() for n in ("gain", "delay_s", "departure_azimuth_rad")}
    values = synthesize(replace(paths, **leaves), PlanarArray(4), OFDM(5, 1e6)).values
    (values[1, 2, 3] * 1e10).abs().square().backward()
    for name, leaf in leaves.items():
        assert leaf.grad is not None and float(leaf.grad.abs()[1].sum()) > 0, name
    # A numerical derivative by the delay.
    step = 1e-10
    shifted = paths.delay_s.double() + torch.tensor([0.0, step, 0.0])[:, None] * torch.tensor([1.0, 0.0])
    powers = []
    for delay in (paths.delay_s.double(), shifted):
        h = by_definition(replace(paths, delay_s=delay.float()), PlanarArray(4), OFDM(5, 1e6))[1, 2, 3] * 1e10
        powers.append(h.abs().square())
    moved = float((shifted.float() - paths.delay_s).double()[1, 0])
    assert math.isclose(float(powers[1] - powers[0]) / moved, float(leaves["delay_s"].grad[1, 0]), rel_tol=2e-2)


def test_doppler_turns_the_phase_and_rx_adds_an_axis(make_paths) -> None:
    paths = make_paths(4, 1, doppler=True)
    times_s = torch.arange(5) * 1e-3
    csi = synthesize(paths, PlanarArray(3), OFDM(4, 1e6), rx_array=PlanarArray(2), times_s=times_s)
    assert csi.axes == ("sample", "time", "rx", "antenna", "subcarrier")
    still = synthesize(paths, PlanarArray(3), OFDM(4, 1e6), rx_array=PlanarArray(2)).values
    turn = torch.exp(2j * math.pi * paths.doppler_hz.double() * times_s.double())
    expected = still[:, None] * turn[:, :, None, None, None]
    assert torch.allclose(csi.values, expected.to(torch.complex64), atol=1e-10)


def test_noise_has_the_power_asked_for_and_needs_a_generator(make_paths) -> None:
    paths = make_paths(50, 3).connected()
    generator = torch.Generator().manual_seed(0)
    clean = synthesize(paths, PlanarArray(16), OFDM(16, 1e6)).values
    noisy = synthesize(paths, PlanarArray(16), OFDM(16, 1e6), snr_db=7.0, generator=generator).values
    ratio = clean.abs().square().mean(dim=(1, 2)) / (noisy - clean).abs().square().mean(dim=(1, 2))
    assert abs(float(10 * torch.log10(ratio).mean()) - 7.0) < 0.1
    with pytest.raises(WirelessFMError, match=r"needs a torch\.Generator"):
        synthesize(paths, PlanarArray(2), OFDM(2, 1e6), snr_db=7.0)


def test_bad_requests_are_refused(make_paths) -> None:
    paths = make_paths()
    with pytest.raises(WirelessFMError, match="no users"):
        synthesize(paths[:0], PlanarArray(2), OFDM(2, 1e6))
    with pytest.raises(WirelessFMError, match="doppler_hz"):
        synthesize(paths, PlanarArray(2), OFDM(2, 1e6), times_s=torch.arange(3) * 1e-3)
    with pytest.raises(WirelessFMError, match="uniformly spaced"):
        synthesize(make_paths(doppler=True), PlanarArray(2), OFDM(2, 1e6), times_s=torch.tensor([0.0, 1e-3, 3e-3]))
    with pytest.raises(WirelessFMError, match="at least 1"):
        PlanarArray(0)
    with pytest.raises(WirelessFMError, match="positive spacing in Hz"):
        OFDM(4, 0.0)
