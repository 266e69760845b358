"""Channel prediction: every baseline on configurations of WiFo's data, in time and in frequency.

Run with ``OMP_NUM_THREADS=1 python benchmarks/prediction.py --out results.jsonl``; needs the extras ``phy`` and
``llm``. A killed run continues: rows that the file holds are not computed again. Numbers are comparable with each
other and not with the paper's, which has other channels, 20 times the training data and 200 epochs.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from wirelessfm.baselines import BASELINES, System
from wirelessfm.data.simulate.channels import simulate
from wirelessfm.data.simulate.wifo_sets import WIFO_SETS
from wirelessfm.evaluate import evaluate
from wirelessfm.tasks import Row, TaskData, get_task

TASKS = ("predict-time", "predict-frequency")


def systems() -> list[System]:
    """Every baseline that predicts CSI in time."""
    return [s for s in BASELINES.values() if s.applies_to("time-prediction", "csi")]


def build(name: str, n_samples: int) -> list[TaskData]:
    """Both tasks on the first samples of a configuration."""
    csi = simulate(replace(WIFO_SETS[name], n_samples=n_samples))
    return [get_task(task).build([csi]) for task in TASKS]


def print_table(rows: Sequence[Row]) -> None:
    """NMSE (linear, as in the paper's tables), its dB and SGCS, mean over the seeds."""
    cells: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        cells[row.task, *row.scenes, row.system].append(row)
    print(
        f"{'task':18} {'set':4} {'system':16} {'NMSE':>8} {'dB':>7} {'SGCS':>6} {'fit s':>6} {'parameters':>10}  seeds"
    )
    for (task, scene, system), found in sorted(cells.items(), key=lambda c: (c[0][:2], _nmse(c[1]))):
        nmse_db, sgcs = (_mean(found, metric) for metric in ("nmse_db", "sgcs"))
        seconds = sum(row.fit_seconds for row in found) / len(found)
        print(
            f"{task:18} {scene:4} {system:16} {_nmse(found):8.3f} {nmse_db:7.2f} {sgcs:6.3f} {seconds:6.1f} "
            f"{found[0].n_parameters:10}  {len(found)}"
        )


def _nmse(rows: Sequence[Row]) -> float:
    return _mean(rows, "nmse")


def _mean(rows: Sequence[Row], metric: str) -> float:
    return sum(row.metrics[metric] for row in rows) / len(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["D1", "D5", "D16"], choices=WIFO_SETS)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--systems", nargs="+", default=[s.name for s in systems()])
    parser.add_argument("--out", type=Path, default=None)
    args = parser.parse_args()
    torch.set_num_threads(1)
    chosen, rows = [s for s in systems() if s.name in args.systems], []
    for name in args.sets:
        rows += evaluate(build(name, args.samples), chosen, (1.0,), range(args.seeds), out=args.out)
    print_table(rows)


if __name__ == "__main__":
    main()
