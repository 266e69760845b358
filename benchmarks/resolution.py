"""What paths that can be resolved are worth as noise grows: accuracy of a rule, of a network, and of both together.

    python benchmarks/resolution.py florence --snr 10 30 60 100 --antennas 4 --max-users 200

Line of sight from 32 antennas and the best of 64 beams at 28 GHz from so many, without labels, in one run on the same
users and the same noise; and the time a channel takes. ``--model`` is a shipped model or a model folder.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import torch
from torch import Tensor

from wirelessfm.baselines import (
    best_beam_of_resolved_paths,
    best_same_sweep_beam,
    los_from_power_and_delay,
    los_from_resolved_paths,
)
from wirelessfm.compare import aligned
from wirelessfm.csi import CSI
from wirelessfm.errors import WirelessFMError
from wirelessfm.models.shipped import find_trained
from wirelessfm.signal import add_noise
from wirelessfm.sources import city_data

COLUMNS = ("SNR", "rule", "resolved paths", "network", "both", "ms a channel to resolve", "ms of the network")


def timed(run, csi: CSI) -> tuple[Tensor, float]:
    """What it says, and milliseconds for each sample."""
    start = time.perf_counter()
    with torch.inference_mode():
        said = torch.cat([run(csi[i : i + 256]) for i in range(0, len(csi), 256)])
    return said, (time.perf_counter() - start) / len(csi) * 1e3


def lines(csi: CSI, labels: Tensor, runs, snrs_db: list[float]) -> list[list[str]]:
    """One for each signal-to-noise ratio, the last without noise."""
    made = []
    for snr_db in (*snrs_db, None):
        generator = torch.Generator().manual_seed(0)
        noisy = csi if snr_db is None else replace(csi, values=add_noise(csi.values, snr_db, generator))
        found = [timed(run, noisy) for run in runs]
        right = [f"{(scores.argmax(dim=1) == labels).double().mean():.1%}" for scores, _ in found]
        name = "none" if snr_db is None else f"{snr_db:g} dB"
        made.append([name, *right, f"{found[1][1]:.1f}", f"{found[2][1]:.1f}"])
    return made


def of_model(model, task: str):
    """The network alone, and with the paths."""
    if task == "los":
        return [lambda csi, r=r: torch.stack([-(s := model.predict_los(csi, resolve=r)), s], 1) for r in (False, True)]
    return [lambda csi, r=r: model.predict_beams(csi, resolve=r) for r in (False, True)]


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene")
    parser.add_argument("--root", help="folder of cities, instead of those shipped")
    parser.add_argument("--model", default="wfm-spectrum-800k")
    parser.add_argument("--snr", type=float, nargs="*", default=[10.0, 30.0, 60.0, 100.0])
    parser.add_argument("--antennas", type=int, choices=(4, 8, 32), default=4)
    parser.add_argument("--max-users", type=int, default=200)
    arguments = parser.parse_args()
    if (found := find_trained(arguments.model)) is None:
        raise WirelessFMError(f"no such model: '{arguments.model}'")
    rules = {"los": (los_from_power_and_delay, los_from_resolved_paths)}
    beam = f"beam-64-antennas-{arguments.antennas}"
    for data in city_data(["los", beam], [arguments.scene], arguments.max_users, arguments.root):
        both = rules.get(data.task.name, (best_same_sweep_beam, best_beam_of_resolved_paths))
        runs = [lambda csi, rule=rule, n=data.task.n_classes: rule(csi, n) for rule in both]
        table = lines(data.inputs, data.truth.labels, [*runs, *of_model(found[0], data.task.name)], arguments.snr)
        print(data.task.name, *aligned([COLUMNS, *table]), sep="\n")


if __name__ == "__main__":
    try:
        main()
    except WirelessFMError as error:
        raise SystemExit(f"error: {error}") from error
