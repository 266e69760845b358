"""The whole pipeline in one sitting: shipped cities, pretraining, frozen embeddings, three tasks, baselines, report.

One city is kept out of pretraining and used for the tasks alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from wirelessfm.baselines import System
from wirelessfm.data import corpus
from wirelessfm.errors import unknown_name
from wirelessfm.evaluate import BUDGETS, evaluate, predict
from wirelessfm.pretrain import pretrained
from wirelessfm.recipe import Recipe, load_recipe
from wirelessfm.report import EmbeddingMap, UserMap, report_folder, save_map
from wirelessfm.sources import city_data, site_pairs
from wirelessfm.suite import encoder_system, find_systems, random_system
from wirelessfm.tasks import SUITES, Row, SitePaths, TaskData

PRETRAINED, RANDOM = "pretrained", "random-init"
TITLE = "wirelessfm demo: a masked autoencoder on a city it has never seen, beside rules and the shipped flagship"


@dataclass(frozen=True)
class Plan:
    """How much of everything. ``max_users`` is per base station of the test city; None takes all.

    The flagship resolves the paths of every user, which takes ten times as long as its network.
    """

    recipe: str
    budgets: tuple[float, ...] = BUDGETS
    heads: tuple[str, ...] = ("linear", "mlp")
    max_users: int | None = None
    baselines: tuple[str, ...] = ()


_RULES = ("majority", "same-sweep-beam", "power-delay", "resolved-paths-los", "resolved-paths-beam")
# The model that ships: as an encoder, and what it says without labels.
_FLAGSHIP = ("wfm-spectrum-800k", "wfm-spectrum-800k:los", "wfm-spectrum-800k:beams")
FULL = Plan(
    "demo",
    max_users=1000,
    baselines=(*_FLAGSHIP, *_RULES, "raw", "angle-spectrum", "autocorrelation", "physics", "cnn"),
)
FAST = Plan(
    "demo-fast",
    budgets=(0.05, 1.0),
    heads=("linear",),
    max_users=150,
    baselines=(*_FLAGSHIP[1:], *_RULES, "angle-spectrum", "autocorrelation"),
)


def demo(out: str | os.PathLike[str], fast: bool = False, test_scene: str = "florence") -> Path:
    """Run everything into ``out``; what is already there is not computed again.

    Args:
        out: folder for the run, the results and the report.
        fast: a small pretraining, fewer users, budgets and baselines.
        test_scene: the city that pretraining does not see.

    Returns:
        the report, an HTML file.
    """
    start, out, plan = time.monotonic(), Path(out), FAST if fast else FULL
    scenes = sorted({scene for scene, _ in corpus.sites()})
    if test_scene not in scenes:
        raise unknown_name("scene", test_scene, scenes)
    recipe = load_recipe(plan.recipe).on([scene for scene in scenes if scene != test_scene])
    systems = _systems(recipe, out / f"run-{recipe.name}", plan, test_scene)
    sites = site_pairs([test_scene])
    tasks = city_data(SUITES["quick"], [test_scene], plan.max_users)
    rows = evaluate(tasks, systems, plan.budgets, heads=plan.heads, out=out / "results.jsonl", n_workers=2)
    _draw_maps(tasks, {s.name: s for s in systems}, sites[0], out / "maps")
    summary = numbers_that_matter(rows)
    report = report_folder(out, summary=summary, title=TITLE)
    print("\n".join(["", *summary, f"{time.monotonic() - start:.0f} s; report: {report}"]))
    return report


def _systems(recipe: Recipe, run: Path, plan: Plan, test_scene: str) -> list[System]:
    trained = encoder_system(*pretrained(recipe, run), name=PRETRAINED)
    fresh = random_system(recipe.model.name, recipe.model.config, recipe.seed, RANDOM)
    return [trained, fresh, *other_systems(plan.baselines, test_scene)]


def other_systems(names: Sequence[str], test_scene: str) -> list[System]:
    """Those by name; a shipped model that was trained on the tested city has no place beside one that was not."""
    return [system for system in find_systems(names) if test_scene not in system.corpora]


def numbers_that_matter(rows: Sequence[Row]) -> list[str]:
    """One sentence per task: the pretrained encoder, the best other system and the zero-label rule."""
    return [_sentence(task, [r for r in rows if r.task == task]) for task in dict.fromkeys(r.task for r in rows)]


def _sentence(task: str, rows: Sequence[Row]) -> str:
    budget = min((r.budget for r in rows if r.budget > 0), key=lambda b: abs(b - 0.05))
    at = _means([r for r in rows if r.budget == budget])
    ours = max((value, key) for key, value in at.items() if key[0] == PRETRAINED)
    rival = max((value, key) for key, value in at.items() if key[0] != PRETRAINED)
    rules = "; ".join(f"{name} without labels {v:.1%}" for (name, _), v in _means(
        [r for r in rows if r.kind == "rule"]).items())  # fmt: skip
    n_labels = round(np.mean([r.n_labels for r in rows if r.budget == budget]))
    return (
        f"{task}, {n_labels} labels ({budget:.0%}): pretrained + {ours[1][1]} {ours[0]:.1%}; "
        f"best other, {rival[1][0]} + {rival[1][1]}, {rival[0]:.1%}; {rules}"
    )


def _means(rows: Sequence[Row]) -> dict[tuple[str, str], float]:
    keys = dict.fromkeys((r.system, r.head) for r in rows)
    return {key: float(np.mean([r.score for r in rows if (r.system, r.head) == key])) for key in keys}


def _draw_maps(tasks: Sequence[TaskData], systems: dict[str, System], site: SitePaths, folder: Path) -> None:
    """Truth of all users of the first base station; for its test users, what 10 % of the labels predict."""
    drawn: list[UserMap | EmbeddingMap] = []
    for i, data in enumerate(tasks):
        assert data.truth.position_m is not None
        here = data.truth.site == 0
        if not any(torch.equal(data.truth.labels, other.truth.labels) for other in tasks[:i]):
            drawn.append(_user_map(data, site, "truth", data.truth.position_m[here], data.truth.labels[here]))
        found = predict(data, systems[PRETRAINED], budget=0.1)
        tested = found.truth.site == 0
        assert found.truth.position_m is not None
        what = "predicted for test users with 10 % of the labels"
        drawn.append(_user_map(data, site, what, found.truth.position_m[tested], found.predicted[tested]))
    drawn += [_embedding_map(tasks[0], systems[name]) for name in (PRETRAINED, RANDOM)]
    for number, each in enumerate(drawn):
        save_map(folder / f"{number:02d}.npz", each)


def _user_map(data: TaskData, site: SitePaths, what: str, position_m: Tensor, values: Tensor) -> UserMap:
    is_los = data.task.kind == "los"
    return UserMap(
        f"{data.task.name}, {data.sites[0]}: {what}",
        position_m.numpy(),
        values.numpy(),
        "category" if is_los else "beam",
        np.array(site.sub6.meta.bs_position_m),
        names=("no line of sight", "line of sight") if is_los else (),
        limits=None if is_los else (0, data.task.n_classes - 1),
    )


def _embedding_map(data: TaskData, system: System, n_points: int = 1500) -> EmbeddingMap:
    from sklearn.manifold import TSNE

    chosen = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))[:n_points]
    features = system.run(data.inputs[chosen])
    scaled = (features - features.mean(dim=0)) / features.std(dim=0).clamp_min(1e-6)
    points = TSNE(random_state=0, init="pca", perplexity=min(30, len(chosen) // 4)).fit_transform(scaled.numpy())
    values = data.truth.labels[chosen].numpy()
    return EmbeddingMap(
        f"{system.name} embedding (t-SNE)", points, values, "category", names=("no line of sight", "line of sight")
    )
