"""Towns that nobody built: boxes along straight streets on flat ground, as many different ones as training wants.

What a model learns of one city holds in that city; these differ in what cities differ in: how wide the streets are,
how large, high, regular and dense the buildings, and what they are made of (materials of Recommendation ITU-R P.2040).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from wirelessfm.errors import WirelessFMError

SIDE_M = 800.0
# Those of P.2040 that are defined from 1 to 40 GHz and that walls are made of.
WALLS = ("concrete", "brick", "marble", "glass", "metal", "wood")
GROUNDS = ("concrete", "concrete", "brick", "marble")
_NAME = re.compile(r"town-(0|[1-9][0-9]*)")


def town_number(scene: str) -> int | None:
    """7 for ``town-7``; None where that is the name of something else."""
    match = _NAME.fullmatch(scene)
    return int(match[1]) if match else None


def town_xml(number: int) -> str:
    """Town ``number`` as a Mitsuba scene in XML; the same number always gives the same town.

    Raises:
        WirelessFMError: a negative number.
    """
    if number < 0:
        raise WirelessFMError(f"the number of a town must be at least 0, found {number}")
    rng = np.random.default_rng([number, 38_901])
    used = rng.dirichlet(np.full(len(WALLS), 0.5))
    ground = str(rng.choice(GROUNDS))
    boxes = [_box("mesh-ground", (0, 0, -0.5), (SIDE_M, SIDE_M, 1.0), 0.0, ground)]
    for i, (centre, size, angle) in enumerate(_buildings(rng)):
        boxes.append(_box(f"mesh-building-{i}", centre, size, angle, str(rng.choice(WALLS, p=used))))
    return '<scene version="2.1.0">\n' + "\n".join([*map(_material, WALLS), *boxes]) + "\n</scene>\n"


def _buildings(
    rng: np.random.Generator,
) -> Iterator[tuple[tuple[float, float, float], tuple[float, float, float], float]]:
    """Centre and size in metres and angle in degrees of each box."""
    street_m, gap_m, smallest = rng.uniform(10, 35), rng.choice([0.0, rng.uniform(2, 12)]), rng.uniform(0.6, 1.0)
    plots, plot_m = rng.integers(1, 5, 2), rng.uniform(14, 40, 2)
    height_m, spread = np.exp(rng.uniform(np.log(6), np.log(35))), rng.uniform(0.1, 0.6)
    built, turn, disorder = rng.uniform(0.5, 1.0), rng.uniform(0, 90), rng.choice([0.0, rng.uniform(0, 15)])
    rows, columns = (_plots(rng, int(n), m, street_m) for n, m in zip(plots, plot_m, strict=True))
    cos, sin = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    for x, y in ((x, y) for x in rows for y in columns):
        size = (plot_m - gap_m) * rng.uniform(smallest, 1.0, 2)
        tall = float(np.clip(height_m * np.exp(spread * rng.normal()), 3, 90))
        angle = turn + disorder * rng.uniform(-1, 1)
        centre = (cos * x - sin * y, sin * x + cos * y)
        if rng.random() < built and max(map(abs, centre)) < SIDE_M / 2 - 30:
            yield (*centre, tall / 2), (float(size[0]), float(size[1]), tall), angle


def _plots(rng: np.random.Generator, n_together: int, plot_m: float, street_m: float) -> np.ndarray:
    """Middles of the plots along one axis: so many side by side, then a street, about each as wide as the last."""
    reach, middles, at = SIDE_M * 0.7, list[float](), -SIDE_M * 0.7
    while at < reach:
        middles += [at + (i + 0.5) * plot_m for i in range(n_together)]
        at += n_together * plot_m + street_m * float(np.exp(0.3 * rng.normal()))
    return np.array(middles)


def _material(name: str) -> str:
    return (
        f'<bsdf type="itu-radio-material" id="{name}"><string name="type" value="{name}"/>'
        '<float name="thickness" value="0.1"/></bsdf>'
    )


def _box(
    name: str, centre: tuple[float, float, float], size: tuple[float, float, float], angle_deg: float, material: str
) -> str:
    scale = " ".join(f'{axis}="{length / 2:.3f}"' for axis, length in zip("xyz", size, strict=True))
    place = " ".join(f'{axis}="{position:.3f}"' for axis, position in zip("xyz", centre, strict=True))
    return (
        f'<shape type="cube" id="{name}"><transform name="to_world"><scale {scale}/>'
        f'<rotate z="1" angle="{angle_deg:.3f}"/><translate {place}/></transform>'
        f'<ref id="{material}" name="bsdf"/></shape>'
    )
