"""802.11a/n packets recorded with a USRP N210 (OpenOFDM test inputs).

Source: https://github.com/open-sdr/openofdm, testing_inputs; npz with one int16 (n, 2) array per data rate, named
``conducted_11a_6`` ... ``radiated_11n_65`` (Mbit/s), 20 Msample/s.
"""

from __future__ import annotations

import os

import torch

from wirelessfm.data.arrayfiles import find_array
from wirelessfm.data.iq import IQ
from wirelessfm.errors import WirelessFMError


def read_openofdm_iq(path: str | os.PathLike[str], name: str) -> IQ:
    """Read one capture, full scale 1; an unknown ``name`` lists those there are.

    Raises:
        WirelessFMError: missing or damaged file, unknown name, not (n, 2) integers.
    """
    values = find_array(path, name).read()
    if values.ndim != 2 or values.shape[1] != 2 or values.dtype.kind != "i":
        raise WirelessFMError(f"'{name}' must be integers (n, 2), found {values.dtype} {list(values.shape)}")
    scaled = torch.from_numpy(values.astype("float32")) / 2.0 ** (8 * values.dtype.itemsize - 1)
    return IQ(torch.view_as_complex(scaled.contiguous()), 20e6, source=f"OpenOFDM {name}", licence="Apache-2.0")
