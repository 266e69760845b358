"""How the loss on a city never seen falls with the size of the model and the number of users trained on.

Trains one recipe at every size on every share of its users, always for the same number of steps, and measures the
objectives on the same batches of the held-out city. Prints the table and the law

    L(N, D) = E + A N^-alpha + B D^-beta

(J. Hoffmann et al., "Training Compute-Optimal Large Language Models", 2022, equation 2) of N parameters and D users,
with the scatter of the exponents when every cell is left out in turn. Cells that FOLDER/scaling.jsonl holds are not
trained again, and an interrupted one continues.

Run: python benchmarks/scaling.py RECIPE --size width=32,depth=2 --size width=64,depth=3 --size width=128,depth=4 \
         --fraction 0.0625 0.25 1 --steps 1000 --held-out florence -o FOLDER
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from scipy.optimize import least_squares

from wirelessfm.data.corpus import load_corpora
from wirelessfm.errors import WirelessFMError
from wirelessfm.models.saved import load_saved
from wirelessfm.models.zoo import build_model
from wirelessfm.paths import Paths
from wirelessfm.pretrain import PretrainStep, pretrain, spread_steps
from wirelessfm.recipe import Recipe, load_recipe, parse_recipe

RESULTS = "scaling.jsonl"
# Training in one process draws as rank 0.
HELD_OUT_RANK = 1
# E as a share of the smallest loss, alpha and beta.
STARTS = tuple(itertools.product((0.1, 0.9), (0.2, 0.8), (0.2, 0.8)))


@dataclass(frozen=True)
class Law:
    """E + A N^-alpha + B D^-beta; ``rms`` is the root mean square of ln(predicted / measured) at the fitted points."""

    E: float
    A: float
    alpha: float
    B: float
    beta: float
    rms: float = 0.0

    def loss(self, n: Any, d: Any) -> Any:
        """The loss of ``n`` parameters trained on ``d`` users: numbers or arrays."""
        return self.E + self.A * np.power(n, -self.alpha) + self.B * np.power(d, -self.beta)


def fit_law(n: Sequence[float], d: Sequence[float], losses: Sequence[float]) -> Law:
    """Least squares on ln(predicted / measured), from several starts, all five parameters positive.

    Args:
        n, d, losses: parameters, users and loss of every cell.

    Raises:
        WirelessFMError: losses that are not positive, or fewer than three different N or D, which leave exponents
            undetermined.
    """
    sizes, users, measured = (np.asarray(values, float) for values in (n, d, losses))
    if min(_levels(sizes), _levels(users)) < 3:
        raise WirelessFMError(
            f"a law needs at least 3 sizes and 3 numbers of users, found {_levels(sizes)} and {_levels(users)}"
        )
    if not (measured > 0).all():
        raise WirelessFMError(f"a law of this form needs positive losses, found {measured.min():g}")
    # Around the middle of the data, so that A and B are of the size of a loss and do not hang on the exponents.
    middle_n, middle_d = np.exp(np.log(sizes).mean()), np.exp(np.log(users).mean())
    best = _best_fit(np.log(sizes / middle_n), np.log(users / middle_d), measured)
    e, a, alpha, b, beta = (float(value) for value in np.exp(best.x))
    return Law(e, a * middle_n**alpha, alpha, b * middle_d**beta, beta, float(np.sqrt(np.mean(best.fun**2))))


def _best_fit(log_n: np.ndarray, log_d: np.ndarray, measured: np.ndarray) -> Any:
    """Of all starts; ``x`` has the logarithms of E, A, alpha, B and beta, ``fun`` the residuals."""

    def terms(logs: np.ndarray) -> np.ndarray:
        e, a, alpha, b, beta = np.exp(logs)
        return np.stack([np.full_like(log_n, e), a * np.exp(-alpha * log_n), b * np.exp(-beta * log_d)])

    def residuals(logs: np.ndarray) -> np.ndarray:
        return np.log(terms(logs).sum(axis=0) / measured)

    def slopes(logs: np.ndarray) -> np.ndarray:
        (e, a, b), (alpha, beta) = terms(logs), np.exp(logs[[2, 4]])
        return (np.stack([e, a, -alpha * log_n * a, b, -beta * log_d * b]) / (e + a + b)).T

    low, high = measured.min(), measured.max()
    bounds = np.log([[1e-6 * low, 1e-6 * low, 1e-3, 1e-6 * low, 1e-3], [high, high, 5.0, high, 5.0]])
    starts = np.log([[low * e, low * (1 - e), alpha, low * (1 - e), beta] for e, alpha, beta in STARTS])
    fits = [least_squares(residuals, start, slopes, tuple(bounds), max_nfev=300) for start in starts]
    return min(fits, key=lambda fit: fit.cost)


def _levels(values: np.ndarray) -> int:
    """How many values differ by more than a tenth, as the numbers of users of two seeds do not."""
    return 1 + int((np.diff(np.sort(np.log(values))) > 0.1).sum())


def left_out(n: Sequence[float], d: Sequence[float], losses: Sequence[float]) -> list[Law]:
    """The law without each cell in turn."""
    table = np.stack([np.asarray(values, float) for values in (n, d, losses)])
    return [fit_law(*np.delete(table, i, axis=1)) for i in range(table.shape[1])]


def parse_size(text: str) -> dict[str, Any]:
    """Settings of the model out of ``width=48,depth=2``; values are YAML."""
    expected = f"a size is settings of the model such as width=48,depth=2, found '{text}'"
    try:
        settings: dict[str, Any] = yaml.safe_load("{" + text.replace("=", ": ") + "}")
    except yaml.YAMLError as error:
        raise WirelessFMError(expected) from error
    if None in settings.values():
        raise WirelessFMError(expected)
    return settings


def some_users(site: Paths, fraction: float, seed: int) -> Paths:
    """A share of the users of a site, connected or not; a smaller share is part of a larger one.

    All carriers of a base station keep the same users.
    """
    if not 0 < fraction <= 1:
        raise WirelessFMError(f"a share of the users lies in (0, 1], found {fraction:g}")
    words = np.random.SeedSequence([seed, zlib.crc32(f"{site.meta.scene} {site.meta.site}".encode())])
    order = np.random.default_rng(words).permutation(site.n_users)
    return site[torch.from_numpy(np.sort(order[: max(1, round(fraction * site.n_users))]))]


@dataclass(frozen=True)
class Cell:
    """One training: everything that its loss depends on."""

    recipe: Recipe
    size: Mapping[str, Any]
    fraction: float
    held_out: str
    batches: int
    held_out_seed: int

    @property
    def key(self) -> str:
        """12 hexadecimal digits: the same for the same training and measurement."""
        content = {**vars(self), "recipe": self.recipe.model_dump(mode="json", exclude_defaults=True)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def check_steps(recipe: Recipe, steps: int) -> None:
    """Refuse so few steps that the learning rate never reaches that of the recipe."""
    if steps <= recipe.training.warmup_steps:
        raise WirelessFMError(f"{steps} steps are all warm-up ({recipe.training.warmup_steps} steps); give more")


def check_apart(sites: Sequence[Paths], held_out: Iterable[str]) -> None:
    """Refuse training sites in any of the scenes that are held out."""
    if shared := {site.meta.scene for site in sites} & set(held_out):
        raise WirelessFMError(f"{', '.join(sorted(shared))} is both trained on and held out; hold out another city")


def cells(
    recipe: Recipe,
    sizes: Sequence[Mapping[str, Any]],
    fractions: Sequence[float],
    steps: int,
    held_out: str,
    seeds: int = 1,
    batches: int = 20,
) -> list[Cell]:
    """Sizes × fractions × seeds, every recipe checked. Seeds count up from that of the recipe.

    Raises:
        WirelessFMError: settings that the model does not have, steps within the warm-up, trained weights to start from.
    """
    recipe.check_from_random()
    check_steps(recipe, steps)
    found = []
    for size, fraction, seed in itertools.product(sizes, fractions, range(seeds)):
        content = recipe.model_dump(mode="json")
        content["model"]["config"] |= size
        content["training"]["steps"] = steps
        content["seed"] = recipe.seed + seed
        if fraction < 1:
            # The card of the model would otherwise claim all users.
            content["name"] += f" ({fraction:g} of the users)"
        build_model(content["model"]["name"], content["model"]["config"])
        found.append(Cell(parse_recipe(content), size, fraction, held_out, batches, recipe.seed))
    return found


def held_out_loss(cell: Cell, model: torch.nn.Module, sites: Sequence[Paths]) -> tuple[float, dict[str, float]]:
    """The weighted loss and its terms in evaluation mode, mean over batches that are the same for every model."""
    step = PretrainStep(cell.recipe.model_copy(update={"seed": cell.held_out_seed}), sites)
    step.model = model
    step.eval()
    with torch.no_grad():
        numbers = itertools.islice(spread_steps(cell.recipe.training.steps), cell.batches)
        results = [step(number, HELD_OUT_RANK) for number in numbers]
    names = dict.fromkeys(name for _, found in results for name in found)
    terms = {name: float(np.mean([found[name] for _, found in results if name in found])) for name in names}
    return float(np.mean([float(total) for total, _ in results])), terms


def run_cell(cell: Cell, sites: Sequence[Paths], unseen: Sequence[Paths], out: Path) -> dict[str, Any]:
    """Train, or take the model that is already there, and measure."""
    chosen = [some_users(site, cell.fraction, cell.recipe.seed) for site in sites]
    folder = out / "runs" / cell.key
    if not (folder / "model").exists():
        pretrain(cell.recipe, chosen, folder)
    model, card = load_saved(folder / "model")
    loss, terms = held_out_loss(cell, model, unseen)
    return {
        "cell": cell.key,
        "recipe": cell.recipe.name,
        "size": dict(cell.size),
        "fraction": cell.fraction,
        "seed": cell.recipe.seed,
        "steps": cell.recipe.training.steps,
        "held_out": cell.held_out,
        "n_parameters": card.n_parameters,
        "n_users": sum(site.connected().n_users for site in chosen),
        "loss": loss,
        "terms": terms,
        "seconds": card.seconds,
        "cpu_seconds": card.cpu_seconds,
        "weights": card.weights,
    }


def run(planned: Sequence[Cell], sites: Sequence[Paths], unseen: Sequence[Paths], out: Path) -> list[dict[str, Any]]:
    """The row of every cell, in order; each is appended to ``out/scaling.jsonl`` as soon as it is measured.

    Raises:
        WirelessFMError: the held-out city is trained on.
    """
    check_apart(sites, {site.meta.scene for site in unseen})
    done, results = read_rows(out / RESULTS), out / RESULTS
    for number, cell in enumerate(planned, 1):
        if cell.key not in done:
            print(f"{number}/{len(planned)}: {_named(cell.size)}, {cell.fraction:g} of the users", flush=True)
            done[cell.key] = run_cell(cell, sites, unseen, out)
            with open(results, "a", encoding="utf-8") as stream:
                stream.write(json.dumps(done[cell.key]) + "\n")
    return [done[cell.key] for cell in planned]


def read_rows(path: Path) -> dict[str, dict[str, Any]]:
    """Rows by cell; none if there is no such file.

    Raises:
        WirelessFMError: a line that is not a row.
    """
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    try:
        rows = [json.loads(line) for line in lines if line.strip()]
        return {row["cell"]: row for row in rows}
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise WirelessFMError(f"'{path}' has a line that is not a row ({error}); remove that line") from error


def table(rows: Sequence[Mapping[str, Any]], law: Law | None = None) -> list[str]:
    """One line a cell: N, D, the loss, that of the law, the objectives."""
    names = list(rows[0]["terms"])
    lines = [f"{'N':>10s}{'D':>8s}{'seed':>5s}{'loss':>9s}{'law':>9s}" + "".join(f"  {n}" for n in names) + "  seconds"]
    for row in sorted(rows, key=lambda r: (r["n_parameters"], r["n_users"], r["seed"])):
        fitted = f"{law.loss(row['n_parameters'], row['n_users']):9.4f}" if law else f"{'–':>9s}"
        terms = "".join(f"  {row['terms'][name]:{len(name)}.4f}" for name in names)
        numbers = f"{row['n_parameters']:10,d}{row['n_users']:8,d}{row['seed']:5d}{row['loss']:9.4f}"
        lines.append(f"{numbers}{fitted}{terms}  {row['seconds']:7.0f}  {_named(row['size'])}")
    return lines


def summary(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table, the law and how far it can be trusted."""
    columns = [[row[name] for row in rows] for name in ("n_parameters", "n_users", "loss")]
    try:
        law = fit_law(*columns)
        others = left_out(*columns)
    except WirelessFMError as error:
        return [*table(rows), f"no law: {error}"]
    spread = ", ".join(
        f"{name} {min(values):.2g} to {max(values):.2g}"
        for name, values in ((name, [asdict(other)[name] for other in others]) for name in ("E", "alpha", "beta"))
    )
    formula = f"L = {law.E:.4g} + {law.A:.4g} N^-{law.alpha:.3g} + {law.B:.4g} D^-{law.beta:.3g}"
    return [*table(rows, law), f"{formula}; residual {law.rms:.2%} (rms)", f"without one cell: {spread}"]


def _named(size: Mapping[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in size.items()) or "as in the recipe"


def main() -> None:
    """Train what is missing, print table and law."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", help="YAML file, or the name of a recipe that ships")
    parser.add_argument("--size", action="append", required=True, help="settings of the model; repeat for more")
    parser.add_argument("--fraction", type=float, nargs="+", default=[1 / 16, 1 / 4, 1.0], help="of the users")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--held-out", default="florence", help="city or folder that no cell is trained on")
    parser.add_argument("--seeds", type=int, default=1, help="of users, weights and batches; each is a cell")
    parser.add_argument("--batches", type=int, default=20, help="of the held-out city")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-o", "--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    try:
        recipe, sizes = load_recipe(options.recipe), [parse_size(text) for text in options.size]
        wanted = (options.fraction, options.steps, options.held_out, options.seeds, options.batches)
        planned = cells(recipe, sizes, *wanted)
        sites, unseen = load_corpora(recipe.data.corpora), load_corpora([options.held_out])
        print(*summary(run(planned, sites, unseen, options.out)), sep="\n")
    except WirelessFMError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
