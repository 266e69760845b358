"""Recipes with changes given as text, for benchmarks that compare them; not a script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import yaml

from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.models.zoo import build_model
from wirelessfm.recipe import Recipe, parse_recipe


def parse_variant(text: str, recipe: Recipe) -> tuple[str, Recipe]:
    """Name and changed recipe out of ``NAME: KEY=VALUE; -OBJECTIVE``.

    Raises:
        WirelessFMError: a text that is none, keys, options or objectives that are not there, values that do not fit,
            changes that change nothing.
    """
    name, _, rest = (part.strip() for part in text.partition(":"))
    changes = [change.strip() for change in rest.split(";") if change.strip()]
    if not re.fullmatch(r"[\w.-]+", name) or not changes:
        raise WirelessFMError(
            "a variant is a name and changes such as 'no-known: objectives.0.options.known=0; -estimation', "
            f"found '{text}'"
        )
    try:
        changed = _changed(recipe, changes)
    except WirelessFMError as error:
        raise WirelessFMError(f"variant '{name}': {error}") from error
    # Steps and seed are those of the full recipe, whatever a variant says.
    steps = changed.training.model_copy(update={"steps": recipe.training.steps})
    changed = changed.model_copy(update={"training": steps, "seed": recipe.seed, "name": recipe.name})
    if changed == recipe:
        raise WirelessFMError(f"variant '{name}' changes nothing (seed, steps and name are the same for all)")
    return name, changed.model_copy(update={"name": f"{recipe.name} ({name})"})


def _changed(recipe: Recipe, changes: Sequence[str]) -> Recipe:
    content = recipe.model_dump(mode="json")
    dropped = {change.removeprefix("-").strip() for change in changes if change.startswith("-")}
    for change in changes:
        if not change.startswith("-"):
            _set(content, *(part.strip() for part in change.partition("=")[::2]))
    names = {part.name for part in parse_recipe(content).objectives}
    if unknown := sorted(dropped - names):
        raise unknown_name("objective of this recipe", unknown[0], names)
    content["objectives"] = [part for part in content["objectives"] if part["name"] not in dropped]
    changed = parse_recipe(content)
    build_model(changed.model.name, changed.model.config)
    return changed


def _set(content: Any, key: str, text: str) -> None:
    """Set ``key``, such as ``model.config.depth``; whether the last part is one, the validation of recipes says."""
    *above, last = key.split(".")
    for part in above:
        entries = {str(i): entry for i, entry in enumerate(content)} if isinstance(content, list) else content
        if not isinstance(entries, dict) or part not in entries:
            raise unknown_name(f"part of '{key}',", part, entries if isinstance(entries, dict) else ())
        content = entries[part]
    expected = WirelessFMError(f"expected KEY=VALUE with a value in YAML, or -OBJECTIVE; found '{key}={text}'")
    if not text or not isinstance(content, dict):
        raise expected
    try:
        content[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise expected from error
    # Numbers such as 1e-3 are text in YAML 1.1.
    if isinstance(content[last], str):
        with suppress(ValueError):
            content[last] = float(content[last])
