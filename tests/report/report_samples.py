"""Results as a benchmark would produce them: three tasks, ten lines each, a rule that wins with few labels."""

from __future__ import annotations

import math

import numpy as np

from wirelessfm.report import EmbeddingMap, UserMap
from wirelessfm.tasks.row import Row

BUDGETS = (0.01, 0.05, 0.1, 1.0)
N_TRAINING = 6000
# name, kind, heads, pretrained, parameters, (score with all labels, loss at 1 % of them) as fractions of the range
LEARNED = (
    ("wfm-mae", "encoder", ("linear", "mlp"), True, 2_400_000, (0.97, 0.22)),
    ("lwm-1.1", "encoder", ("linear", "mlp"), True, 610_000, (0.93, 0.27)),
    ("wimae", "encoder", ("linear", "mlp"), True, 1_240_000, (0.94, 0.30)),
    ("wfm-mae", "encoder", ("linear", "mlp"), False, 2_400_000, (0.80, 0.35)),
    ("raw", "features", ("linear", "mlp"), False, 0, (0.88, 0.42)),
    ("angle-delay", "features", ("linear", "mlp"), False, 0, (0.92, 0.28)),
    ("cnn", "network", ("none",), False, 184_000, (0.95, 0.55)),
)
# task, ranking metric, value at fraction 0 and 1 of the range, rule, its fraction
TASKS = (
    ("los", "f1", 0.5, 1.0, "k-factor", 0.78),
    ("beam-64", "top1", 0.0, 0.9, "strongest-dft-beam", 0.83),
    ("position", "error_m", 60.0, 1.0, "toa-circle", 0.55),
)


def synthetic_rows(seeds: tuple[int, ...] = (0, 1, 2)) -> list[Row]:
    """Rows of every task, system, head, budget and seed."""
    generator = np.random.default_rng(7)
    rows = []
    for task in TASKS:
        for seed in seeds:
            rows += [_row(task, seed, 0.0, task[4], "rule", "none", task[5] + generator.normal(0, 0.004))]
            rows += [_row(task, seed, 0.0, "majority", "constant", "none", 0.08)]
            for name, kind, heads, pretrained, n_parameters, (top, gap) in LEARNED:
                for head in heads:
                    for budget in BUDGETS:
                        shortfall = gap * (1 + math.log10(budget) / -2) / 2 if budget < 1 else 0.0
                        fraction = top - shortfall - (0.03 if head == "linear" else 0) + generator.normal(0, 0.012)
                        more = {"pretrained": pretrained, "n_parameters": n_parameters}
                        rows.append(_row(task, seed, budget, name, kind, head, fraction, **more))
    return rows


def _row(task, seed, budget, system, kind, head, fraction, pretrained=False, n_parameters=0) -> Row:
    name, metric, low, high, _, _ = task
    value = low + (high - low) * fraction
    saw = system == "lwm-1.1" and name != "los"
    return Row(
        task=name,
        scenes=("munich",),
        split=f"{name[:2]}{seed}",
        system=system,
        kind=kind,
        head=head,
        budget=budget,
        n_labels=round(budget * N_TRAINING),
        n_test=2000,
        seed=seed,
        metrics={metric: value, "accuracy": min(1.0, 0.4 + 0.6 * fraction), "nmse_db": -20 * fraction},
        metric=metric,
        pretrained=pretrained,
        weights=f"{len(system):x}a41c09e77b2d{len(system):03x}" if pretrained else "",
        corpora=("etoile", "florence", *(("munich",) if saw else ())) if pretrained else (),
        saw_test_scene=saw,
        n_parameters=n_parameters,
        fit_seconds=0.0 if kind in ("rule", "constant") else 0.4 + 30 * budget * (1 + 3 * (kind == "network")),
        version="0.1.0",
    )


def synthetic_maps(n_users: int = 4000) -> tuple[list[UserMap], list[EmbeddingMap]]:
    """A city of streets between square blocks, and two embeddings of its users."""
    generator = np.random.default_rng(3)
    position = generator.uniform((-220, -150), (220, 150), (4 * n_users, 2))
    street = (np.abs(position % 70 - 35) > 22).any(1)
    position = position[street][:n_users]
    base = np.array([12.0, 8.0, 25.0])
    angle = np.arctan2(*(position - base[:2]).T[::-1])
    los = ((np.abs(position - base[:2]) < 16).any(1)).astype(int)
    beam = np.floor((angle + math.pi) / (2 * math.pi) * 64).astype(int) % 64
    predicted = np.where(generator.random(len(beam)) < 0.8, beam, (beam + generator.integers(-6, 7, len(beam))) % 64)
    predicted[::50] = -1
    power = -70 - 30 * np.log10(np.linalg.norm(position - base[:2], axis=1) + 5) - 15 * (1 - los)
    maps = [
        UserMap("Line of sight", position, los, "category", base, ("NLoS", "LoS")),
        UserMap("True beam", position, beam, "beam", base, limits=(0, 63)),
        UserMap("Predicted beam: wfm-mae + mlp, 1 % labels", position, predicted, "beam", base, limits=(0, 63)),
        UserMap("Received power", position, power, "value", base, ("power, dBm",)),
    ]
    swirl = np.stack([np.cos(angle) * (2 + los), np.sin(angle) * (2 + los)], 1)
    embeddings = [
        EmbeddingMap(f"{name}, t-SNE", swirl + generator.normal(0, noise, swirl.shape), values, kind, names)
        for name, noise, values, kind, names in (
            ("raw", 0.9, los, "category", ("NLoS", "LoS")),
            ("wfm-mae", 0.15, los, "category", ("NLoS", "LoS")),
            ("wfm-mae", 0.15, beam, "beam", ()),
        )
    ]
    return maps, embeddings
