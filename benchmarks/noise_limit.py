"""How well can beams at 28 GHz be known in noise? A fit that begins at the true paths, beside what need not know them.

    python benchmarks/noise_limit.py florence --max-users 200
    python benchmarks/noise_limit.py fortworth --root cities --max-users 1000

Least squares, which in white noise is maximum likelihood, with a small cost of gains, over the directions, delays and
gains of so many paths, begun at the strongest true ones, or at all where a user has fewer; the powers of what it finds
are added, as the rule does.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from wirelessfm.baselines import best_beam_of_resolved_paths, best_same_sweep_beam
from wirelessfm.baselines.resolved_paths import ResolvedPaths
from wirelessfm.compare import aligned
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths
from wirelessfm.signal import direction_cosines
from wirelessfm.signal.power import squared_magnitude
from wirelessfm.signal.wave_fit import fit_waves
from wirelessfm.sources import site_pairs, thinned
from wirelessfm.tasks import TaskData, get_task
from wirelessfm.tasks.sites import connected_sites

MOST_PATHS = 4
ITERATIONS = 30
COLUMNS = ("task", "sweep", "resolved paths", *(f"fit from {n}" for n in range(1, MOST_PATHS + 1)), "true powers")


def strongest(paths: Paths, n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Cosines, delays in seconds and powers of the n strongest paths, float64 [user, path]; 0 where there are fewer."""
    yaw, pitch, _ = paths.meta.bs_orientation_rad
    cosine, _ = direction_cosines(
        paths.departure_azimuth_rad.double(), paths.departure_elevation_rad.double(), yaw, pitch
    )
    power = squared_magnitude(paths.gain).double()
    order = power.argsort(dim=1, descending=True)[:, :n]
    cosine, delay_s, power = (each.gather(1, order) for each in (cosine, paths.delay_s.double(), power))
    missing = (0, n - order.shape[1])
    return functional.pad(cosine, missing), functional.pad(delay_s, missing), functional.pad(power, missing)


def fitted(data: TaskData, cosine: Tensor, delay_s: Tensor, power: Tensor) -> ResolvedPaths:
    """Paths that explain the noisy inputs best, from the given ones on, which are as many as have power."""
    values = data.inputs.tensor("sample antenna subcarrier").to(torch.complex128)
    values = values / squared_magnitude(values).mean(dim=(1, 2)).sqrt()[:, None, None]
    spacing_hz = float(data.inputs.coords["subcarrier"].diff()[0])
    noise = 1 / (1 + 10 ** (float(str(data.notes["snr_db"])) / 10))
    counts, found, strength = (power > 0).sum(dim=1), cosine.clone(), torch.zeros_like(power)
    for n in counts.unique().tolist():
        users = (counts == n).nonzero()[:, 0]
        begin = cosine[users, :n] / 2, -delay_s[users, :n] * spacing_hz
        ridge = torch.full((len(users),), noise / 10, dtype=torch.float64)
        waves = fit_waves(values[users], *begin, ridge, ITERATIONS)
        found[users, :n], strength[users, :n] = (2 * waves.rows).clamp(-1, 1), squared_magnitude(waves.gain)
    return ResolvedPaths(found, delay_s, strength, torch.zeros_like(found[:, 0]), None)


def line(data: TaskData, paths: Sequence[Paths]) -> list[str]:
    """Accuracies of one task."""
    found = [strongest(part, MOST_PATHS) for part in paths]
    cosine, delay_s, power = (torch.cat([each[i] for each in found]) for i in range(3))
    true = ResolvedPaths(cosine, delay_s, power, torch.zeros_like(power[:, 0]), None)
    n = data.task.n_classes
    said = [rule(data.inputs, n) for rule in (best_same_sweep_beam, best_beam_of_resolved_paths)]
    said += [
        fitted(data, cosine[:, :k], delay_s[:, :k], power[:, :k]).beam_shares(n, 32) for k in range(1, MOST_PATHS + 1)
    ]
    said.append(true.beam_shares(n, 32))
    return [data.task.name, *(f"{(each.argmax(dim=1) == data.truth.labels).double().mean():.1%}" for each in said)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene")
    parser.add_argument("--root", help="folder of cities, instead of those shipped")
    parser.add_argument("--max-users", type=int, default=200, help="of each base station")
    arguments = parser.parse_args()
    sites = connected_sites(thinned(site_pairs([arguments.scene], arguments.root), arguments.max_users), "this")
    names = [f"beam-64-antennas-{n}-10db" for n in (32, 8, 4)]
    lines = [line(get_task(name).build(sites), [site.sub6 for site in sites]) for name in names]
    print(*aligned([COLUMNS, *lines]), sep="\n")


if __name__ == "__main__":
    try:
        main()
    except WirelessFMError as error:
        raise SystemExit(f"error: {error}") from error
