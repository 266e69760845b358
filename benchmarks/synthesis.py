"""Channels per second of `channel_response` for 32 antennas × 32 subcarriers, beside Sionna RT's own `cfr`.

Both run in this process on the same paths of the same users, alternately; the ratio is the median over the rounds.
Without the extra `rt` only our own speed is measured.

Run: python benchmarks/synthesis.py [--threads 2] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from wirelessfm.data.corpus import load_site
from wirelessfm.paths import Paths
from wirelessfm.signal import OFDM, PlanarArray, channel_response

ARRAY, GRID = PlanarArray(32), OFDM(32, 30e3)
BATCH, N_SIONNA_USERS = 512, 500


def channels_per_s(run: Callable[[], object], n_channels: int) -> float:
    """Speed of one call."""
    start = time.perf_counter()
    run()
    return n_channels / (time.perf_counter() - start)


def ours(paths: Paths) -> None:
    """Every user once, in batches."""
    for start in range(0, len(paths), BATCH):
        channel_response(paths[start : start + BATCH], ARRAY, GRID)


def sionna_cfr(n_users: int) -> Callable[[], object] | None:
    """A call of `cfr` for users of munich, the paths already solved; None without the extra."""
    try:
        from wirelessfm.data.simulate.llvm import sionna_rt

        rt = sionna_rt()
    except ValueError as error:
        print(f"Sionna RT not measured: {error}")
        return None
    site = load_site("munich", "bs0").connected()[:n_users]
    scene = rt.load_scene(rt.scene.munich)
    scene.frequency = 3.5e9
    scene.tx_array = rt.PlanarArray(num_rows=1, num_cols=32, pattern="iso", polarization="V")
    scene.rx_array = rt.PlanarArray(num_rows=1, num_cols=1, pattern="iso", polarization="V")
    scene.add(rt.Transmitter("bs", position=list(site.meta.bs_position_m)))
    for i, position in enumerate(site.position_m.tolist()):
        scene.add(rt.Receiver(f"user-{i}", position=position))
    paths = rt.PathSolver()(scene, max_depth=3, samples_per_src=20_000, refraction=False, seed=1)
    frequencies = rt.subcarrier_frequencies(GRID.n_subcarriers, GRID.spacing_hz)
    return lambda: paths.cfr(frequencies, normalize_delays=False, normalize=False, out_type="numpy")


def main() -> None:
    """Print one line per number."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for n_paths in (5, 10):
        users = load_site("munich", "bs0").connected().strongest(n_paths)
        ours(users)
        speeds = [channels_per_s(lambda users=users: ours(users), len(users)) for _ in range(options.rounds)]
        print(f"wirelessfm, {n_paths:2d} paths padded: {statistics.median(speeds):10,.0f} channels/s")
    cfr = sionna_cfr(N_SIONNA_USERS)
    if cfr is None:
        return
    users = load_site("munich", "bs0").connected().strongest(10)
    cfr()
    pairs = [
        (channels_per_s(lambda: ours(users), len(users)), channels_per_s(cfr, N_SIONNA_USERS))
        for _ in range(options.rounds)
    ]
    print(f"Sionna RT cfr, same users:   {statistics.median(b for _, b in pairs):10,.0f} channels/s")
    print(f"ratio per channel: {statistics.median(a / b for a, b in pairs):.0f}× (median of {options.rounds} rounds)")


if __name__ == "__main__":
    main()
