"""Rows as a full benchmark gives them: 10 systems, 6 tasks, 4 label budgets, 3 seeds, two generalisation cases.

Scores, directions and units are as in the field: fractions, metres, dB with entries for each SNR; some systems cannot
do some tasks, some were reported by others, some saw the test city.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from wirelessfm.tasks.row import Row

BUDGETS = (0.01, 0.05, 0.1, 1.0)
SNRS_DB = (-10, -5, 0, 5, 10, 15, 20)


@dataclass(frozen=True)
class Sample:
    """A system: ``quality`` 0 to 1 with all labels, ``hunger`` what it loses at 1 % of them."""

    name: str
    kind: str
    quality: float
    hunger: float
    n_parameters: int = 0
    latency_ms: float = 0.0
    families: str = "los beam position estimation"
    pretrained: bool = False
    notes: tuple[tuple[str, object], ...] = ()


SYSTEMS = (
    Sample("wfm-mae", "encoder", 0.93, 0.2, 2_400_000, 1.9, pretrained=True),
    Sample("lwm-1.1", "encoder", 0.86, 0.25, 2_500_000, 3.1, pretrained=True, notes=(("resize", "pad"),)),
    Sample("wimae", "encoder", 0.88, 0.24, 6_300_000, 4.4, pretrained=True, notes=(("reproduced", True),)),
    Sample("wifo-base", "encoder", 0.9, 0.3, 21_600_000, 12.0, pretrained=True, notes=(("near_duplicates", 12),)),
    Sample("wfm-mae", "encoder", 0.74, 0.35, 2_400_000, 1.9),
    Sample("angle-delay", "features", 0.8, 0.28, 0, 0.1, "los beam position"),
    Sample("cnn", "network", 0.91, 0.6, 184_000, 0.4),
    Sample("lmmse", "rule", 0.78, 0.0, 0, 0.3, "estimation"),
    Sample("genie-lmmse", "rule", 0.99, 0.0, 0, 0.3, "estimation", notes=(("genie", True),)),
    Sample("majority", "constant", 0.05, 0.0, 0, 0.01, "los beam position"),
    Sample("paper-net", "external", 0.89, 0.0, 48_000_000, 0.0, "beam position"),
)
# Task, family, metric, its value at quality 0 and 1.
TASKS = (
    ("los", "los", "accuracy", 0.5, 0.97),
    ("beam-64-antennas-32", "beam", "accuracy", 0.02, 0.92),
    ("beam-64-antennas-8", "beam", "accuracy", 0.02, 0.8),
    ("position-horizontal", "position", "error_m", 85.0, 2.5),
    ("estimation-pilots-8", "estimation", "nmse_db", 0.0, -18.0),
    ("estimation-pilots-16", "estimation", "nmse_db", 0.0, -22.0),
)


def benchmark_rows(seeds: int = 3) -> list[Row]:
    """Rows of every system, task it can do, case, head, budget and seed."""
    generator = np.random.default_rng(11)
    rows = []
    for case in ("1", "2"):
        for task in TASKS:
            for system in SYSTEMS:
                if task[1] not in system.families:
                    continue
                completes = task[1] == "estimation"
                heads = ("linear", "mlp") if system.kind in ("encoder", "features") and not completes else ("none",)
                label_free = system.kind in ("rule", "external") or (completes and system.kind == "encoder")
                for head in heads:
                    for budget in (0.0,) if label_free else BUDGETS:
                        for seed in range(seeds):
                            rows.append(_row(system, task, case, head, budget, seed, generator))
    return rows


def _row(
    system: Sample, task: tuple, case: str, head: str, budget: float, seed: int, generator: np.random.Generator
) -> Row:
    name, family, metric, worst, best = task
    loss = system.hunger * -math.log10(budget) / 2 if budget else 0.0
    quality = system.quality - loss - 0.04 * (head == "linear") - 0.12 * (case == "2")
    value = worst + (best - worst) * (max(quality, 0.0) + generator.normal(0, 0.008))
    metrics = {metric: float(value)}
    if family == "estimation":
        metrics["sgcs"] = float(1 - 10 ** (value / 10))
        metrics |= {f"nmse_db@{snr}": float(value - 0.8 * (snr - 5) * quality) for snr in SNRS_DB}
    elif metric == "accuracy":
        metrics |= {"f1_macro": float(value - 0.02), "top_3": float(min(1.0, value + 0.1))}
    saw = system.name == "lwm-1.1" and family == "beam"
    costs = {"macs": 40.0 * system.n_parameters, "latency_ms_1": system.latency_ms, "peak_mb": 150 + system.latency_ms}
    return Row(
        task=name,
        scenes=("florence",) if case == "1" else ("munich",),
        split=f"{len(name):02x}{case}{seed}9c3d41f0ab",
        system=system.name,
        kind=system.kind,
        head=head,
        budget=budget,
        n_labels=round(8513 * budget),
        n_test=3605,
        seed=seed,
        metrics=metrics,
        metric=metric,
        pretrained=system.pretrained,
        weights=f"{len(system.name):x}7b8de65e96fd{system.n_parameters % 4096:03x}" if system.pretrained else "",
        corpora=("etoile", "san_francisco", *(("florence",) if saw else ())) if system.pretrained else (),
        saw_test_scene=saw and case == "1",
        n_parameters=system.n_parameters,
        fit_seconds=0.3 + 20 * budget * (system.kind == "network"),
        version="0.1.0",
        notes={"carrier_ghz": 3.5, "antennas": 32, **dict(system.notes)},
        case=case,
        costs=costs if system.latency_ms else {},
        self_reported=system.kind == "external",
    )
