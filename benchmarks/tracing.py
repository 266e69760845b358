"""Speed of ray tracing at the default quality, users per second of one carrier on this machine.

Run: python benchmarks/tracing.py [SCENE ...]
"""

from __future__ import annotations

import os
import sys
import time

from wirelessfm.data.simulate.places import Outdoors
from wirelessfm.data.simulate.plan import describe, draw_users, site_positions
from wirelessfm.data.simulate.request import TraceRequest
from wirelessfm.data.simulate.sionna_rt import trace

N_BATCHES = 12


def main() -> None:
    for scene in sys.argv[1:] or ["munich"]:
        request = TraceRequest(scene=scene, spacing_m=2.0)
        start = time.perf_counter()
        place = Outdoors(scene)
        position = site_positions(request, place)[0]
        users = draw_users(request, place, position)[: request.batch_users * N_BATCHES]
        meta = describe(request, place, position, users, 0, request.carriers_hz[0])
        prepared = time.perf_counter()
        # Kernels are compiled in the first two batches.
        trace(request, place, users[: 2 * request.batch_users], meta, progress=False)
        compiled, busy = time.perf_counter(), time.process_time()
        paths = trace(request, place, users, meta, progress=False)
        traced, busy = time.perf_counter(), time.process_time() - busy
        print(
            f"{scene}: {len(users) / (traced - compiled):.0f} users/s on {os.cpu_count()} processors, "
            f"{1e3 * busy / len(users):.2f} ms processor time per user "
            f"(depth {request.depth}, {request.rays} rays, {paths.connected().n_paths.float().mean():.1f} paths per "
            f"connected user); load and place {prepared - start:.1f} s, first two batches {compiled - prepared:.1f} s"
        )


if __name__ == "__main__":
    main()
