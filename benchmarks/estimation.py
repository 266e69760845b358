"""Classical and learned channel estimators on a ray-traced city: NMSE in dB over SNR.

Every number comes from `evaluate`: users of one city, squares of ground for training and test, mean over seeds.
`lmmse-genie` knows the paths of every user and is a bound.

Run: python benchmarks/estimation.py [--scene florence] [--users 600] [--tasks estimate-pilots,denoise,...]
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import torch

from wirelessfm.baselines import BASELINES, true_covariance_system
from wirelessfm.evaluate import evaluate
from wirelessfm.sources import site_pairs
from wirelessfm.tasks import TASKS, EstimationTask, Row, SitePaths

SYSTEMS = ("ls-linear", "ls-dft", "omp", "lmmse", "denoising-cnn", "mapping-network")


def thinned(site: SitePaths, n: int) -> SitePaths:
    """At most ``n`` connected users of a site, always the same."""
    site = site.connected()
    kept = torch.randperm(site.sub6.n_users, generator=torch.Generator().manual_seed(0))[:n].sort().values
    return SitePaths(site.sub6[kept])


def table(rows: Sequence[Row]) -> list[str]:
    """One line a system and budget: mean over seeds of every NMSE."""
    groups: dict[tuple[str, float], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.system, row.budget].append(row)
    names = [name for name in rows[0].metrics if name.startswith("nmse_db")] + ["nmse_ratio_db", "sgcs"]
    heads = [name.removeprefix("nmse_db@").removeprefix("nmse_") for name in names]
    lines = [f"{'system':18s}labels" + "".join(f"{head:>9s}" for head in heads) + "    fit s"]
    for (system, budget), found in groups.items():
        values = [np.mean([row.metrics[name] for row in found]) for name in names]
        cells = "".join(f"{value:9.2f}" for value in values)
        seconds = np.mean([row.fit_seconds for row in found])
        lines.append(f"{system:18s}{found[0].n_labels if budget else 0:6d}{cells}{seconds:9.1f}")
    return lines


def main() -> None:
    """Print one table a task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", default="florence")
    parser.add_argument("--users", type=int, default=600, help="of each base station")
    parser.add_argument("--tasks", default=",".join(n for n, t in TASKS.items() if isinstance(t, EstimationTask)))
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--budgets", default="0.05,1.0")
    parser.add_argument("--seeds", default="0,1")
    options = parser.parse_args()
    torch.set_num_threads(1)
    sites = [thinned(site, options.users) for site in site_pairs([options.scene])]
    budgets, seeds = [float(b) for b in options.budgets.split(",")], [int(s) for s in options.seeds.split(",")]
    for name in options.tasks.split(","):
        task = TASKS[name]
        assert isinstance(task, EstimationTask)
        bound = true_covariance_system(task.channel_paths(sites), task.array, task.ofdm)
        systems = [*(BASELINES[system] for system in options.systems.split(",")), bound]
        start = time.perf_counter()
        rows = evaluate([task.build(sites)], systems, budgets, seeds, progress=False)
        spent = time.perf_counter() - start
        print(f"\n{name}: {options.scene}, {rows[0].n_test} test samples, NMSE in dB, {spent:.0f} s")
        print(*table(rows), sep="\n", flush=True)


if __name__ == "__main__":
    main()
