"""The card of a set of weights for people: what it is, what it saw, what it took, how to make it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from wirelessfm.errors import WirelessFMError
from wirelessfm.models.saved import ModelCard


def card_text(whole: ModelCard, name: str, stage: int | None = None) -> str:
    """Plain text of a card.

    Args:
        whole: of the weights.
        name: what the weights are found under, a name or a folder.
        stage: which of several trainings in a row, from 1; None for the last.

    Raises:
        WirelessFMError: the recipe in the card is not one, or there is no such training.
    """
    stages = _stages_to(whole, stage)
    card, before = stages[-1], stages[-2] if len(stages) > 1 else None
    lines = {
        "model": f"{card.model}{_settings(card.config)}",
        "parameters": f"{card.n_parameters:,}",
        "trained on": in_short(card.corpora) or "not recorded",
        **({"starts from": f"{before.weights} ({before.name or before.model})"} if before else {}),
        **_training(card),
        "seed": str(card.seed),
        "took": f"{card.seconds:,.0f} s, {card.cpu_seconds:,.0f} s of the processor{_each(card)}{_in_all(stages)}",
        "weights": f"{card.weights} (hash of their names, shapes and values)",
        "licence": card.licence,
        "made with": f"wirelessfm {card.version}",
    }
    text = "\n".join([card.name or card.model, *(f"  {what:12s}{value}" for what, value in lines.items())])
    return f"{text}\nMake it again:\n{_commands(stages, name, several=len(whole.stages()) > 1)}"


def recipe_text(whole: ModelCard, stage: int | None = None) -> str:
    """The recipe of a card as the YAML that ``wfm pretrain`` reads.

    Args:
        whole, stage: as in :func:`card_text`.

    Raises:
        WirelessFMError: the weights were saved without one, or there is no such training.
    """
    card = _stages_to(whole, stage)[-1]
    if not card.recipe:
        raise WirelessFMError(
            f"the card of '{card.name or card.model}' has no recipe: its weights were not made by 'wfm pretrain'"
        )
    # With all settings of the model: defaults may be others by now.
    model = {"name": card.model, "config": dict(card.config), "start": card.recipe.get("model", {}).get("start")}
    text = yaml.safe_dump({**card.recipe, "model": model}, sort_keys=False, width=120)
    return f"# The weights in model.start were {card.before['weights']}.\n{text}" if card.before else text


def _stages_to(whole: ModelCard, last: int | None) -> list[ModelCard]:
    """The cards of the trainings up to number ``last``, from 1; of all for None."""
    stages = whole.stages()
    if last is not None and not 1 <= last <= len(stages):
        raise WirelessFMError(f"these weights took {len(stages)} training(s), found no number {last}")
    return stages[:last]


def in_short(scenes: Iterable[str]) -> str:
    """Names with commas; of those that differ in a number at their end, three or more, the first and the last."""
    families: dict[str, list[str]] = {}
    for scene in scenes:
        families.setdefault(scene.rstrip("0123456789"), []).append(scene)
    return ", ".join(_family(names) for names in families.values())


def _family(names: Sequence[str]) -> str:
    if len(names) < 3:
        return ", ".join(names)
    ordered = sorted(names, key=lambda name: (len(name), name))
    return f"{ordered[0]} … {ordered[-1]} ({len(names)})"


def _commands(stages: Sequence[ModelCard], name: str, several: bool) -> str:
    if not stages[-1].recipe:
        return "  no recipe is recorded"
    lines, start = list[str](), ""
    for number, stage in enumerate(stages, start=1):
        own = str(number) if several else ""
        if stage.recipe:
            processes = f" --devices {stage.processes}" if stage.processes > 1 else ""
            lines.append(f"  wfm card {name} --recipe{own and f' --stage {own}'} > recipe{own}.yaml")
            lines.append(f"  wfm pretrain recipe{own}.yaml{processes}{start} -o run{own}")
        start = f" --start run{own}/model" if stage.recipe else f" --start FOLDER-OF-{stage.weights}"
    return "\n".join(lines)


def _in_all(stages: Sequence[ModelCard]) -> str:
    seconds = sum(stage.seconds for stage in stages)
    return f"; {seconds:,.0f} s with the {len(stages) - 1} training(s) before" if len(stages) > 1 else ""


def _each(card: ModelCard) -> str:
    return f" in each of {card.processes} processes" if card.processes > 1 else ""


def _training(card: ModelCard) -> dict[str, str]:
    recipe = card.recipe
    if not recipe:
        return {}
    try:
        terms = ", ".join(f"{part['weight']:g} × {part['name']}" for part in recipe["objectives"])
        length = f"{recipe['training']['steps']:,} steps of {recipe['training']['batch_size']} samples{_each(card)}"
        return {"recipe": recipe["name"], "objectives": terms, "length": length}
    except (KeyError, TypeError, ValueError) as error:
        raise WirelessFMError(
            f"the recipe in this card is incomplete ({error}); expected that of a pretraining"
        ) from error


def _settings(config: Mapping[str, Any]) -> str:
    return f" ({', '.join(f'{key} {value}' for key, value in config.items())})" if config else ""
