"""Views per second of pretraining: synthesis, forward and backward pass and optimiser, nothing left out.

Every recipe trains on 32 antennas × 32 subcarriers where its objectives let the batch choose, on three cities that
ship; recipes take turns, so that a slow phase of the machine meets all of them. Steps are not kept. A moving user
counts as one view however many times it is seen. With ``--processes 2`` one recipe runs in two processes side by side,
each with a batch of its own (DDP).

Run: python benchmarks/pretraining.py [spectrum demo masked] [--only better-view] [--threads 2] [--steps 80]
         [--processes 1]
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence

import torch

from wirelessfm.data.corpus import load_corpora
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.pretrain import Hardware, feeds, rehearsal
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
    parser.add_argument("--steps", type=int, default=80, help="Of each recipe, in rounds.")
    parser.add_argument("--processes", type=int, default=1, help="More than one takes one recipe.")
    arguments = parser.parse_args()
    if arguments.processes > 1 and len(arguments.recipes) != 1:
        parser.error("several processes take one recipe")
    torch.set_num_threads(arguments.threads)
    sites = load_corpora(CITIES)
    recipes = {name: prepared(name, arguments.only) for name in arguments.recipes}
    hardware = Hardware(devices=arguments.processes)
    steps = {name: rehearsal(recipe, sites, hardware) for name, recipe in recipes.items()}
    for run in steps.values():
        for _ in range(WARM_UP_STEPS):
            next(run)
    each, spent = max(1, arguments.steps // ROUNDS), dict.fromkeys(steps, 0.0)
    done: dict[str, list[int]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, run in steps.items():
            start = time.perf_counter()
            done[name] += itertools.islice(run, each)
            spent[name] += time.perf_counter() - start
    if torch.distributed.is_initialized() and torch.distributed.get_rank() > 0:
        return
    for name, recipe in recipes.items():
        rate = ROUNDS * each / spent[name]
        joined = [(feed.batch_size, sum(map(feed.joins, done[name]))) for feed in feeds(recipe, sites)]
        views = sum(size * times for size, times in joined) / len(done[name])
        shape = f"{arguments.processes} processes x {arguments.threads} threads"
        print(f"{name}: {rate:.2f} steps/s, {arguments.processes * rate * views:.0f} views/s, {shape}")


if __name__ == "__main__":
    try:
        main()
    except WirelessFMError as error:
        raise SystemExit(f"error: {error}") from error
