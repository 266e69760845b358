"""Activity recognition with ESP32 Wi-Fi amplitudes (GeoTec).

Source: M. Matey-Sanz, J. Torres-Sospedra, A. Moreira, "Temporal Stability on Human Activity Recognition based on
Wi-Fi CSI", IPIN 2023, doi:10.1109/IPIN57070.2023.10332214; npz with ``D1_e01_rx_tx_x`` float32 (56 subcarriers, T)
and ``..._y`` text (T) for every session D, run e and direction.
"""

from __future__ import annotations

import os
import re

import numpy as np
import torch

from wirelessfm.csi import CSI, CSIMeta
from wirelessfm.data.arrayfiles import list_arrays
from wirelessfm.data.card_values import label_tensor
from wirelessfm.data.guard import reading
from wirelessfm.errors import WirelessFMError

CARRIER_HZ, SPACING_HZ = 2.437e9, 312.5e3
_RUN = re.compile(r"(D\d+)_e(\d+)_(rx_tx|tx_rx)_x")
# 802.11n HT-LTF of a 20 MHz channel: 28 tones on either side of an unused centre.
_TONES = np.concatenate([np.arange(-28, 0), np.arange(1, 29)])


def read_esp32_har(path: str | os.PathLike[str]) -> CSI:
    """Read CSI [sample, subcarrier=56]: one sample a packet, runs one after the other, about 100 packets a second.

    Only amplitudes were recorded, so all phases are zero (``meta.extra["values"] == "amplitude"``). Labels:
    ``activity``, ``session`` and ``direction`` are codes into ``meta.extra["classes"]``; ``run`` counts the
    recordings in the file and ``packet`` the samples within one. Split by ``run`` or ``session``.

    Raises:
        WirelessFMError: missing or damaged file, no runs, a run whose labels differ in length.
    """
    with reading(path, "an ESP32 activity file (npz with D1_e01_rx_tx_x, ..._y)"):
        arrays = list_arrays(path)
        runs = {name: match for name in sorted(arrays) if (match := _RUN.fullmatch(name))}
        if not runs:
            raise WirelessFMError(
                f"'{path}' has no run such as D1_e01_rx_tx_x; it has: {', '.join(arrays) or 'nothing'}"
            )
        values = [arrays[name].read().T for name in runs]
        activity = [arrays[f"{name[:-1]}y"].read() for name in runs]
        lengths = [len(v) for v in values]
        if [len(a) for a in activity] != lengths or any(v.shape[1:] != _TONES.shape for v in values):
            raise WirelessFMError(f"'{path}': every run must be ({len(_TONES)}, T) with T labels")
        text = {
            "activity": np.concatenate(activity),
            "session": np.repeat([m[1] for m in runs.values()], lengths),
            "direction": np.repeat([m[3] for m in runs.values()], lengths),
        }
        coded = {name: np.unique(words, return_inverse=True) for name, words in text.items()}
        labels = {name: label_tensor(codes) for name, (_, codes) in coded.items()}
        labels["run"] = torch.arange(len(runs)).repeat_interleave(torch.tensor(lengths))
        labels["packet"] = torch.cat([torch.arange(n) for n in lengths])
        classes = {name: [str(k) for k in known] for name, (known, _) in coded.items()}
        return CSI(
            torch.from_numpy(np.concatenate(values).astype(np.complex64)),
            ("sample", "subcarrier"),
            {"subcarrier": torch.from_numpy(_TONES * SPACING_HZ)},
            labels,
            CSIMeta(CARRIER_HZ, "stability-csi-har (ESP32-S2)", "ODC-By 1.0",
                    {"values": "amplitude", "groups": ["run", "session"], "classes": classes}),
        )  # fmt: skip
