"""Path gains of a simulator to CSI with coordinates, labels and a card."""

from __future__ import annotations

import math
from dataclasses import asdict
from importlib import metadata

import torch
from torch import Tensor

from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.data.simulate.channel_request import WIFI, SimulationRequest
from wirelessfm.errors import missing_extra


def to_csi(request: SimulationRequest, gains: Tensor, delay_s: Tensor, labels: dict[str, Tensor]) -> CSI:
    """Frequency responses of path gains; adds the label ``delay_spread_s``, the RMS of the sample's own paths.

    Args:
        gains: complex [sample, antenna, path, time], antennas in our order.
        delay_s: float [sample, path].
        labels: of the samples.
    """
    frequency_hz = request.ofdm.frequencies_hz().to(delay_s.device)
    cycles = delay_s.double()[:, :, None] * frequency_hz
    phasors = torch.polar(torch.ones_like(cycles), -2 * math.pi * cycles).to(gains.dtype)
    flat = gains.permute(0, 3, 1, 2).flatten(1, 2)
    values = (flat @ phasors).unflatten(1, (request.n_times, request.array.size))
    power = gains.abs().square().mean(dim=(1, 3))
    power = power / power.sum(dim=1, keepdim=True)
    mean_s = (power * delay_s).sum(dim=1, keepdim=True)
    spread_s = (power * (delay_s - mean_s).square()).sum(dim=1).sqrt()
    return CSI(
        values.cpu(),
        ("sample", "time", "antenna", "subcarrier"),
        coords={
            "time": torch.arange(request.n_times, dtype=torch.float64) * request.interval_s,
            "antenna": request.array.positions_wavelengths(),
            "subcarrier": request.ofdm.frequencies_hz(),
        },
        labels={**labels, "delay_spread_s": spread_s.float().cpu()},
        meta=describe(request),
    )


def describe(request: SimulationRequest) -> CSIMeta:
    """The card of a simulated data set; ``extra`` is the request.

    Raises:
        WirelessFMError: the simulator is not installed.
    """
    package, extra = ("quadriga-lib", "indoor") if request.scenario in WIFI else ("sionna-no-rt", "phy")
    model = "IEEE 802.11 TGn/TGac" if request.scenario in WIFI else "3GPP TR 38.901"
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError as error:
        raise missing_extra(package, extra) from error
    return CSIMeta(
        request.carrier_hz, f"{package} {version}, {model} {request.scenario}", "Apache-2.0", asdict(request)
    )
