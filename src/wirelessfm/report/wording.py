"""Numbers, units and budgets in words, the same everywhere on the page."""

from __future__ import annotations

import math
import re

from wirelessfm.metrics import lower_is_better
from wirelessfm.report.entries import Entry, Statistic

# Fractions of 1 that the field writes in percent; other metrics without a unit keep their own scale.
_IN_PERCENT = re.compile(r"(.+_)?(accuracy|f1)(_.+)?|top_?\d+|within_.+", re.ASCII)
_UNITS = {"db": "dB", "m": "m", "deg": "°", "s": "s", "ms": "ms", "mb": "MB"}
SIZES = ("no parameters", "below 1 M", "1 to 10 M", "10 to 100 M", "above 100 M")


def unit(metric: str) -> str:
    """Unit in which a metric is shown, told by its name: ``%``, ``dB``, ``m`` or nothing."""
    base = metric.split("@")[0]
    return "%" if _IN_PERCENT.fullmatch(base) else _UNITS.get(base.rpartition("_")[2], "")


def shown(value: float, metric: str) -> float:
    """A value of the metric in the unit in which it is shown."""
    return 100 * value if unit(metric) == "%" else value


def number(value: float, metric: str) -> str:
    """A value without its unit: percent with one decimal, dB and metres with two, ratios with three."""
    if math.isnan(value):
        return "not finite"
    value = shown(value, metric)
    decimals = {"%": 1, "": 3}.get(unit(metric), 2)
    if abs(value) >= 100:
        decimals = 1
    # Rounding first, so that no zero carries a sign.
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")


def spread(score: Statistic, metric: str) -> str:
    """Mean ± standard deviation; a dash where one seed tells no spread."""
    return f"{number(score.mean, metric)}\u00a0±\u00a0{'–' if score.std is None else number(score.std, metric)}"


def with_unit(text: str, metric: str) -> str:
    """A written number of the metric and its unit."""
    return f"{text}\u00a0{unit(metric)}" if unit(metric) else text


def metric_name(metric: str) -> str:
    """A metric as words with the unit in which it is shown: ``nmse_db@10`` is ``nmse@10, dB``."""
    base, at, condition = metric.partition("@")
    name, _, suffix = base.rpartition("_")
    words = name if suffix in _UNITS and name else base
    words = f"{words.replace('_', ' ')}{at}{condition}"
    return f"{words}, {unit(metric)}" if unit(metric) else words


def with_direction(metric: str) -> str:
    """A metric in words with an arrow to its better side."""
    return f"{metric_name(metric)} {'↓' if lower_is_better(metric) else '↑'}"


def labels(budget: float) -> str:
    """A label budget in words."""
    return f"{share(budget)} labels" if 0 < budget <= 1 else share(budget)


def share(budget: float) -> str:
    """A label budget as the head of a column."""
    return f"{100 * budget:g} %" if 0 < budget <= 1 else f"{grouped(budget)} labels"


def grouped(n: float) -> str:
    """A count with thin spaces between thousands."""
    return f"{n:,.0f}".replace(",", "\u2009")


def counted(n: int, noun: str) -> str:
    """A count and its noun."""
    return f"{grouped(n)} {noun}" if n == 1 else f"{grouped(n)} {noun}s"


def magnitude(n: float) -> str:
    """A count to three digits with its unit prefix; a dash for none."""
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= size:
            return f"{n / size:.3g}\u2009{prefix}"
    return f"{n:g}" if n else "–"


def kind_name(entry: Entry) -> str:
    """Kind of system in a word or two."""
    if entry.pretrained:
        return f"pretrained {entry.kind}"
    return "encoder, untrained" if entry.kind == "encoder" else entry.kind


def size_class(n_parameters: int) -> str:
    """The class of parameter counts, one of ``SIZES``."""
    return SIZES[sum(n_parameters >= n for n in (1, 1e6, 1e7, 1e8))]
