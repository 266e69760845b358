"""Speed of the statistical simulators, samples per second of one thread.

Run: python benchmarks/simulation.py [SCENARIO or D1 … D19, ...]; without names, all whose package is installed.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import torch

from wirelessfm.data.simulate.channel_request import SCENARIOS, SimulationRequest
from wirelessfm.data.simulate.channels import BLOCK_SAMPLES, simulate
from wirelessfm.data.simulate.wifo_sets import WIFO_SETS
from wirelessfm.errors import WirelessFMError

N_SAMPLES = 2 * BLOCK_SAMPLES


def main() -> None:
    torch.set_num_threads(1)
    requests = {name: SimulationRequest(name) for name in SCENARIOS} | WIFO_SETS
    for name in sys.argv[1:] or requests:
        request = replace(requests[name], n_samples=N_SAMPLES)
        try:
            simulate(replace(request, n_samples=1))
        except WirelessFMError as error:
            print(f"{name:7s} {error}")
            continue
        start, busy = time.perf_counter(), time.process_time()
        csi = simulate(request)
        wall, busy = time.perf_counter() - start, time.process_time() - busy
        shape = " × ".join(str(n) for n in csi.values.shape[1:])
        print(
            f"{name:7s} {request.scenario:7s} {shape:14s} {N_SAMPLES / wall:6.0f} samples/s, "
            f"{1e3 * busy / N_SAMPLES:5.2f} ms processor time per sample, "
            f"12,000 samples in {12_000 * wall / N_SAMPLES:4.0f} s"
        )


if __name__ == "__main__":
    main()
