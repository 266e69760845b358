"""Logs of Wi-Fi CSI tools: Intel 5300 (.dat), ESP32-CSI-Tool (.csv), Nexmon (.pcap); needs the extra ``wifi``.

The packets are parsed by csiread, https://github.com/citysu/csiread (MIT).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.data.guard import reading
from wirelessfm.errors import WirelessFMError, missing_extra, unknown_name

_LONGEST_PACKET = 4096
_KINDS = {".dat": "intel5300", ".csv": "esp32", ".pcap": "nexmon"}


def read_wifi_log(
    path: str | os.PathLike[str],
    kind: str | None = None,
    carrier_hz: float | None = None,
    nexmon_chip: str = "43455c0",
    nexmon_bandwidth_mhz: int = 80,
) -> CSI:
    """Read a log as CSI, one sample a packet, in the tool's own scale (gain control not undone).

    - ``intel5300``: [sample, subcarrier=30, rx, antenna]; receive antennas in the order of their connectors.
      Packets whose antenna numbers differ from the most frequent ones are left out and counted in ``meta.extra``.
      Labels timestamp_us and rssi_agc (three antennas, then AGC) [dB].
    - ``esp32``: [sample, subcarrier=64], labels rssi_dbm and timestamp_us.
    - ``nexmon``: [sample, subcarrier], in the order of the FFT (unused tones included); label timestamp_us.

    Args:
        path: the log.
        kind: one of these; None goes by the suffix.
        carrier_hz: not in the logs.
        nexmon_chip, nexmon_bandwidth_mhz: what the log was recorded with.

    Raises:
        WirelessFMError: csiread is not installed, missing or damaged log, unknown kind, no CSI packet.
    """
    try:
        import csiread  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise missing_extra("csiread", "wifi") from error
    with reading(path, "a Wi-Fi CSI log (.dat, .csv, .pcap)") as file:
        kind = _KINDS.get(file.suffix.lower()) if kind is None else kind
        readers: dict[str, Callable[..., CSI]] = {"intel5300": _intel5300, "esp32": _esp32, "nexmon": _nexmon}
        if kind not in readers:
            raise unknown_name("kind of Wi-Fi log (pass kind=)", str(kind), readers)
        _check_frames(file, kind, nexmon_bandwidth_mhz)
        options = {"chip": nexmon_chip, "bw": nexmon_bandwidth_mhz} if kind == "nexmon" else {}
        return readers[kind](csiread, file, CSIMeta(carrier_hz, source=f"{kind} log {file.name}"), **options)


def _intel5300(csiread: Any, file: Path, meta: CSIMeta) -> CSI:
    log = csiread.Intel(str(file), nrxnum=3, ntxnum=3, if_report=False)
    log.read()
    _require_packets(log.count, file)
    shapes, which = np.unique(np.stack([log.Nrx, log.Ntx], 1), axis=0, return_inverse=True)
    kept = np.flatnonzero(which == np.bincount(which).argmax())
    n_rx, n_tx = shapes[which[kept[0]]]
    strengths = np.stack([log.rssi_a, log.rssi_b, log.rssi_c, log.agc], 1).astype(np.int64)
    labels = {"timestamp_us": torch.from_numpy(log.timestamp_low[kept].astype(np.int64)),
              "rssi_agc": torch.from_numpy(strengths[kept])}  # fmt: skip
    extra = {"left_out": int(log.count - len(kept))}
    values = log.csi[kept][:, :, :n_rx, :n_tx]
    return _csi(values, ("sample", "subcarrier", "rx", "antenna"), labels, meta, extra)


def _esp32(csiread: Any, file: Path, meta: CSIMeta) -> CSI:
    log = csiread.ESP32(str(file), if_report=False)
    log.read()
    _require_packets(log.count, file)
    labels = {"rssi_dbm": torch.from_numpy(log.rssi), "timestamp_us": torch.from_numpy(log.local_timestamp)}
    return _csi(log.csi, ("sample", "subcarrier"), labels, meta, {})


def _nexmon(csiread: Any, file: Path, meta: CSIMeta, chip: str, bw: int) -> CSI:
    log = csiread.Nexmon(str(file), chip=chip, bw=bw, if_report=False)
    log.read()
    _require_packets(log.count, file)
    fraction_us = log.usec.astype(np.int64) // (1000 if log.nano else 1)
    labels = {"timestamp_us": torch.from_numpy(log.sec.astype(np.int64) * 1_000_000 + fraction_us)}
    return _csi(log.csi, ("sample", "subcarrier"), labels, meta, {"tones": "FFT order"})


def _csi(
    values: np.ndarray, axes: tuple[str, ...], labels: dict[str, torch.Tensor], meta: CSIMeta, extra: dict[str, Any]
) -> CSI:
    meta = CSIMeta(meta.carrier_hz, meta.source, meta.licence, {"unit": "tool counts", **extra})
    return CSI(torch.from_numpy(values.astype(np.complex64)), axes, labels=labels, meta=meta)


def _require_packets(count: int, file: Path) -> None:
    if not count:
        raise WirelessFMError(f"'{file}' has no CSI packet; check the kind of log (Intel 5300, ESP32, Nexmon)")


def _check_frames(file: Path, kind: str, nexmon_bandwidth_mhz: int) -> None:
    """csiread trusts the lengths in binary logs; a damaged one would make it read and write outside its buffers."""
    content = file.read_bytes()
    if kind == "intel5300":
        _check_intel5300(file, content)
    elif kind == "nexmon":
        _check_nexmon(file, content, nexmon_bandwidth_mhz)


def _check_intel5300(file: Path, content: bytes) -> None:
    place = 0
    while place + 3 <= len(content):
        length = int.from_bytes(content[place : place + 2], "big")
        frame = content[place + 2 : place + 2 + length]
        if len(frame) < max(length, 1):
            raise WirelessFMError(
                f"'{file}' is damaged: frame at byte {place} claims {length} bytes, {len(frame)} follow"
            )
        if frame[0] == 0xBB:
            _check_beamforming_frame(file, place, frame)
        place += 2 + length


def _check_beamforming_frame(file: Path, place: int, frame: bytes) -> None:
    """Header of 21 bytes with antenna numbers at 9 and 10, then 30 groups of 3 bits and 16 bits per antenna pair."""
    n_rx, n_tx = (frame[9], frame[10]) if len(frame) >= 21 else (0, 0)
    payload = (30 * (n_rx * n_tx * 16 + 3) + 7) // 8
    if not (1 <= n_rx <= 3 and 1 <= n_tx <= 3 and len(frame) == 21 + payload):
        raise WirelessFMError(f"'{file}' is damaged: CSI frame at byte {place} has {n_rx} x {n_tx} antennas")


def _check_nexmon(file: Path, content: bytes, bandwidth_mhz: int) -> None:
    """pcap of 24 bytes, then for each packet 16 bytes with its length at 8, 60 of headers and 4 a tone."""
    if bandwidth_mhz not in (20, 40, 80):
        raise WirelessFMError(f"nexmon_bandwidth_mhz must be 20, 40 or 80, found {bandwidth_mhz}")
    order: Literal["little", "big"] = "big" if content[:1] == b"\xa1" else "little"
    shortest, place = 60 + 4 * (bandwidth_mhz * 64 // 20), 24
    while place < len(content):
        length = int.from_bytes(content[place + 8 : place + 12], order)
        frame = content[place + 16 : place + 16 + length]
        if len(frame) < length or length > _LONGEST_PACKET:
            raise WirelessFMError(
                f"'{file}' is damaged: packet at byte {place} claims {length} bytes, {len(frame)} follow"
            )
        if frame[6:12] != b"NEXMON":
            raise WirelessFMError(
                f"'{file}': packet at byte {place} is not from Nexmon; keep only those (eth.src filter)"
            )
        if length < shortest:
            raise WirelessFMError(
                f"'{file}': packet at byte {place} has {length} bytes, {bandwidth_mhz} MHz need {shortest}; "
                "pass the nexmon_bandwidth_mhz it was recorded with"
            )
        place += 16 + length
