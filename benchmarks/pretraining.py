"""Views per second of pretraining: synthesis, forward and backward pass and optimiser, nothing left out.

Every recipe trains on 32 antennas × 32 subcarriers where its objectives let the batch choose, on three cities that
ship; recipes take turns, so that a slow phase of the machine meets all of them. Steps are not kept. A moving user
counts as one view however many times it is seen.

Run: python benchmarks/pretraining.py [spectrum demo masked] [--only better-view] [--threads 2] [--seconds 20]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import torch

from wirelessfm.data.corpus import load_corpora
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.pretrain import feeds, rehearsal
from wirelessfm.recipe import Recipe, load_recipe

CITIES = ("munich", "etoile", "san_francisco")
ROUNDS, WARM_UP_STEPS = 4, 3


def prepared(name: str, only: Sequence[str]) -> Recipe:
    """The recipe on the cities that ship and 32 × 32 channels, with the objectives named if any are."""
    recipe = load_recipe(name)
    names = [part.name for part in recipe.objectives]
    if wrong := [asked for asked in only if asked not in names]:
        raise unknown_name(f"objective of recipe '{name}'", wrong[0], names)
    kept = tuple(part for part in recipe.objectives if not only or part.name in only)
    data = recipe.data.model_copy(update={"corpora": CITIES, "antennas": (32,), "subcarriers": (32,)})
    return recipe.model_copy(update={"data": data, "objectives": kept})


def main() -> None:
    """Print a line for every recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=["spectrum", "demo", "masked"])
    parser.add_argument("--only", action="append", default=[], help="Objectives to keep; repeat for more.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20.0, help="For each recipe.")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    sites = load_corpora(CITIES)
    recipes = {name: prepared(name, arguments.only) for name in arguments.recipes}
    steps = {name: rehearsal(recipe, sites) for name, recipe in recipes.items()}
    for run in steps.values():
        for _ in range(WARM_UP_STEPS):
            next(run)
    taken, spent = dict.fromkeys(steps, 0), dict.fromkeys(steps, 0.0)
    for _ in range(ROUNDS):
        for name, run in steps.items():
            start = time.perf_counter()
            while (passed := time.perf_counter() - start) < arguments.seconds / ROUNDS:
                next(run)
                taken[name] += 1
            spent[name] += passed
    for name, recipe in recipes.items():
        rate, views = taken[name] / spent[name], sum(feed.batch_size for feed in feeds(recipe, sites))
        print(f"{name}: {rate:.2f} steps/s, {rate * views:.0f} views/s, {arguments.threads} threads")


if __name__ == "__main__":
    try:
        main()
    except WirelessFMError as error:
        raise SystemExit(f"error: {error}") from error
