"""How well can beams and lines of sight be known? Fits that begin at the true paths, beside what does not know them.

    python benchmarks/noise_limit.py florence --max-users 200
    python benchmarks/noise_limit.py fortworth --root cities --max-users 1000
    python benchmarks/noise_limit.py florence --max-users 300 --noiseless

Least squares, which in white noise is maximum likelihood, with a small cost of gains, over the directions, delays and
gains of so many paths, begun at the strongest true ones, or at all where a user has fewer. Resolved paths and fits are
read by the same rule. At 10 dB fits begin at one to four paths, and the last column adds powers of the true ones;
without noise they begin at all of them, and the last column knows their phases, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from wirelessfm.baselines import (
    best_beam_of_resolved_paths,
    best_same_sweep_beam,
    los_from_power_and_delay,
    los_from_resolved_paths,
)
from wirelessfm.baselines.path_phase_beam import path_phase_system
from wirelessfm.baselines.resolved_path_rules import los_scores
from wirelessfm.baselines.resolved_paths import ResolvedPaths, resolve_paths
from wirelessfm.compare import aligned
from wirelessfm.errors import WirelessFMError
from wirelessfm.paths import Paths
from wirelessfm.signal import direction_cosines
from wirelessfm.signal.power import squared_magnitude
from wirelessfm.signal.wave_fit import Waves, fit_waves
from wirelessfm.sources import site_pairs, thinned
from wirelessfm.tasks import TaskData, get_task
from wirelessfm.tasks.sites import connected_sites

MOST_PATHS, ALL_PATHS = 4, 32
ITERATIONS = 30
# What a squared gain costs, relative to the channel: next to nothing without noise.
_RIDGE = 1e-14
_NOTHING_LEFT_DB = -150.0
RULES = {
    "beam": (best_same_sweep_beam, best_beam_of_resolved_paths),
    "los": (los_from_power_and_delay, los_from_resolved_paths),
}
COLUMNS = ("task", "rule", "resolved paths", *(f"fit from {n}" for n in range(1, MOST_PATHS + 1)), "true powers")
NOISELESS_COLUMNS = ("task", "rule", "resolved paths", "fit from all", "true paths")


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


def begun_at(cosine: Tensor, delay_s: Tensor, power: Tensor, spacing_hz: float, ridge: float) -> Callable[..., Waves]:
    """Resolves half-wavelength arrays, as those of the tasks, by a fit that begins at these paths, which have power."""
    counts = (power > 0).sum(dim=1)

    def resolve(values: Tensor) -> Waves:
        scale = squared_magnitude(values).mean(dim=(1, 2)).sqrt()
        none = torch.zeros_like(power)
        whole = Waves(none.clone(), none.clone(), none.to(torch.complex128), torch.ones_like(scale))
        for n in counts.unique().tolist():
            users = (counts == n).nonzero()[:, 0]
            begin = cosine[users, :n] / 2, -delay_s[users, :n] * spacing_hz
            cost = torch.full((len(users),), ridge, dtype=torch.float64)
            found = fit_waves(values[users] / scale[users, None, None], *begin, cost, ITERATIONS)
            whole.rows[users, :n], whole.columns[users, :n] = found.rows, found.columns
            whole.gain[users, :n] = found.gain * scale[users, None]
            whole.rest[users] = found.rest * scale[users].square()
        return whole

    return resolve


def fitted(data: TaskData, paths: Sequence[Paths], n: int, ridge: float) -> ResolvedPaths:
    """What explains the inputs best, from the n strongest true paths on."""
    csi = data.inputs
    frequencies, positions = csi.coords["subcarrier"], csi.coords["antenna"]
    begin = [torch.cat(parts) for parts in zip(*(strongest(part, n) for part in paths), strict=True)]
    resolve = begun_at(*begin, float(frequencies.diff()[0]), ridge)
    values = csi.tensor("sample antenna subcarrier")
    found = resolve_paths(values, positions, frequencies, csi.meta.carrier_hz, resolve)
    if found is None:
        raise WirelessFMError("this needs half-wavelength arrays and regular subcarriers")
    return found


def true_paths(paths: Sequence[Paths], n: int, carrier_hz: float | None) -> ResolvedPaths:
    """The n strongest ones."""
    cosine, delay_s, power = (torch.cat(parts) for parts in zip(*(strongest(part, n) for part in paths), strict=True))
    return ResolvedPaths(cosine, delay_s, power, torch.full_like(power[:, 0], _NOTHING_LEFT_DB), carrier_hz)


def line(data: TaskData, paths: Sequence[Paths]) -> list[str]:
    """Accuracies of one task at 10 dB."""
    noise = 1 / (1 + 10 ** (float(str(data.notes["snr_db"])) / 10))
    fits = [fitted(data, paths, n, noise / 10) for n in range(1, MOST_PATHS + 1)]
    return _accuracies(data, [_beams(data, found) for found in (*fits, true_paths(paths, MOST_PATHS, None))])


def noiseless_line(data: TaskData, paths: Sequence[Paths]) -> list[str]:
    """Accuracies of one task without noise; waves interfere at the carrier that is asked for."""
    found = fitted(data, paths, ALL_PATHS, _RIDGE)
    if data.task.kind == "los":
        true = true_paths(paths, ALL_PATHS, data.inputs.meta.carrier_hz)
        return _accuracies(data, [los_scores(each) for each in (found, true)])
    true_beams = path_phase_system(list(paths), 32).run(data.inputs, data.task.n_classes)
    return _accuracies(data, [_beams(data, found), true_beams])


def _beams(data: TaskData, found: ResolvedPaths) -> Tensor:
    return found.beam_shares(data.task.n_classes, 32, data.inputs.target_carrier_hz)


def _accuracies(data: TaskData, others: Sequence[Tensor]) -> list[str]:
    rules = RULES[data.task.kind]
    said = [*(rule(data.inputs, data.task.n_classes) for rule in rules), *others]
    return [data.task.name, *(f"{(each.argmax(dim=1) == data.truth.labels).double().mean():.1%}" for each in said)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene")
    parser.add_argument("--root", help="folder of cities, instead of those shipped")
    parser.add_argument("--max-users", type=int, default=200, help="of each base station")
    parser.add_argument("--noiseless", action="store_true", help="without noise, instead of at 10 dB")
    arguments = parser.parse_args()
    sites = connected_sites(thinned(site_pairs([arguments.scene], arguments.root), arguments.max_users), "this")
    columns, say, noise = (NOISELESS_COLUMNS, noiseless_line, "") if arguments.noiseless else (COLUMNS, line, "-10db")
    names = [f"beam-64-antennas-{n}{noise}" for n in (32, 8, 4)] + ["los"] * arguments.noiseless
    lines = [say(get_task(name).build(sites), [site.sub6 for site in sites]) for name in names]
    print(*aligned([columns, *lines]), sep="\n")


if __name__ == "__main__":
    try:
        main()
    except WirelessFMError as error:
        raise SystemExit(f"error: {error}") from error
