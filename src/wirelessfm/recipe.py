"""Pretraining recipes: YAML files, validated to the last key."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from wirelessfm.data.views import ViewSpec
from wirelessfm.errors import WirelessFMError, unknown_name
from wirelessfm.models.zoo import MODELS
from wirelessfm.objectives import OBJECTIVES, check_objective, check_options


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelPart(_Strict):
    """Which model, its settings, and the weights it starts from: a model folder, or a name of weights that ship."""

    name: str
    config: dict[str, Any] = Field(default_factory=dict)
    start: str | None = None

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return _one_of("model", name, MODELS)


class ObjectivePart(_Strict):
    """One term of the loss, its weight and its options.

    ``data`` changes keys of the recipe's data for this objective alone, which then has batches of its own, of
    ``batch_size`` views where that is given. ``every`` lets it join one step in so many only: what is learnt early, or
    costs much, need not be asked each time. ``between`` is the part of the run in which it joins, as shares of its
    steps; the same objective with other options before and after is a schedule, of masks for example.
    """

    name: str
    weight: float = Field(default=1.0, gt=0)
    options: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, Any] = Field(default_factory=dict)
    batch_size: int | None = Field(default=None, gt=0)
    every: int = Field(default=1, ge=1)
    between: tuple[float, float] = (0.0, 1.0)

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return _one_of("objective", name, OBJECTIVES)

    @field_validator("between")
    @classmethod
    def _a_part(cls, between: tuple[float, float]) -> tuple[float, float]:
        if not 0 <= between[0] < between[1] <= 1:
            raise ValueError("expected two shares of the steps, the second larger, such as [0, 0.5]")
        return between

    def steps_of(self, steps: int) -> range:
        """The steps between which it joins, out of ``steps``."""
        return range(*(round(share * steps) for share in self.between))


class DataPart(_Strict):
    """What is trained on: scenes of the shipped corpus or folders of Paths, and the views drawn from them."""

    corpora: tuple[str, ...] = Field(min_length=1)
    antennas: tuple[int, ...] = ViewSpec.antennas
    rows: tuple[int, ...] = ViewSpec.rows
    subcarriers: tuple[int, ...] = ViewSpec.subcarriers
    bandwidth_hz: tuple[float, float] = ViewSpec.bandwidth_hz
    snr_db: tuple[float, float] = ViewSpec.snr_db
    noiseless: float = Field(default=ViewSpec.noiseless, ge=0, le=1)
    turn: bool = ViewSpec.turn
    reference_antennas: int = Field(default=ViewSpec.reference_antennas, ge=0)
    reference_bandwidth_hz: float = Field(default=ViewSpec.reference_bandwidth_hz, gt=0)
    positions: bool = ViewSpec.positions
    times: int = Field(default=ViewSpec.times, ge=0)
    interval_s: tuple[float, float] = ViewSpec.interval_s
    speed_m_per_s: tuple[float, float] = ViewSpec.speed_m_per_s
    synchronised: bool = ViewSpec.synchronised
    rays_per_path: int = Field(default=ViewSpec.rays_per_path, ge=1)
    carriers_hz: tuple[float, ...] = ViewSpec.carriers_hz
    known: bool = ViewSpec.known
    other_carrier: bool = ViewSpec.other_carrier
    max_paths: int = Field(default=12, ge=1)

    def views(self) -> ViewSpec:
        """The part of this that says what a batch looks like."""
        return ViewSpec(**self.model_dump(exclude={"corpora", "max_paths"}))


class TrainingPart(_Strict):
    """Optimiser, schedule and bookkeeping. Steps rather than seconds, so that a recipe means the same everywhere.

    ``optimizer`` is one of :func:`wirelessfm.pretrain.build_optimizers`. ``clip_norm`` is the largest norm of the
    gradient of all parameters, with ``muon`` of the matrices of the blocks: what AdamW trains beside them takes steps
    that do not grow with the gradient.
    """

    steps: int = Field(gt=0)
    batch_size: int = Field(default=256, gt=0)
    optimizer: Literal["adamw", "muon"] = "adamw"
    learning_rate: float = Field(default=1e-3, gt=0)
    warmup_steps: int = Field(default=100, ge=0)
    weight_decay: float = Field(default=0.05, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    precision: Literal["32-true", "bf16-mixed"] = "bf16-mixed"
    checkpoint_every: int = Field(default=500, gt=0)
    log_every: int = Field(default=50, gt=0)


class Recipe(_Strict):
    """A whole pretraining run."""

    name: str
    seed: int = Field(default=0, ge=0)
    model: ModelPart
    objectives: tuple[ObjectivePart, ...] = Field(min_length=1)
    data: DataPart
    training: TrainingPart

    @model_validator(mode="after")
    def _objectives_fit(self) -> Recipe:
        covered = 0.0
        for first, last in sorted(part.between for part in self.objectives if part.every == 1):
            covered = max(covered, last) if first <= covered else covered
        if covered < 1:
            raise WirelessFMError(
                f"one objective at least must join each step, found none with 'every: 1' from {covered:g} of the run; "
                "set it to 1 for one, or widen 'between'"
            )
        for part in self.objectives:
            check_objective(part.name, self.model.name)
            check_options(part.name, part.options)
            if len(part.steps_of(self.training.steps)) < part.every:
                raise WirelessFMError(
                    f"objective '{part.name}' joins no step of {self.training.steps} ('between: "
                    f"{list(part.between)}', 'every: {part.every}'); widen its part, or train for longer"
                )
            self.data_of(part).views()
        return self

    def joining(self, step: int) -> set[str]:
        """Objectives whose part of the run has this step."""
        return {part.name for part in self.objectives if step in part.steps_of(self.training.steps)}

    def with_training(self, changes: Mapping[str, Any]) -> Recipe:
        """The same recipe with other settings of its training, checked again: of few steps a part may have none."""
        content = self.model_dump(mode="json")
        return parse_recipe(content | {"training": content["training"] | changes})

    def started_from(self, weights: str) -> Recipe:
        """The same recipe from trained weights on: a model folder, or a name of weights that ship."""
        return self.model_copy(update={"model": self.model.model_copy(update={"start": weights})})

    def check_from_random(self) -> None:
        """Refuse trained weights to start from: what they took and saw would not count.

        Raises:
            WirelessFMError: the recipe has a start.
        """
        if self.model.start is not None:
            raise WirelessFMError(
                f"recipe '{self.name}' starts from the trained weights '{self.model.start}', and models are compared "
                "here that all start from random ones; remove model.start"
            )

    def on(self, corpora: Iterable[str]) -> Recipe:
        """The same recipe on other corpora."""
        return self.model_copy(update={"data": self.data.model_copy(update={"corpora": tuple(corpora)})})

    def data_of(self, objective: ObjectivePart) -> DataPart:
        """The data of one objective.

        Raises:
            WirelessFMError: it changes the corpora or a key that is none, or to a wrong value.
        """
        own = set(DataPart.model_fields) - {"corpora"}
        for key in objective.data:
            if key not in own:
                raise unknown_name(f"key in the data of objective '{objective.name}'", key, own)
        try:
            return DataPart.model_validate({**self.data.model_dump(), **objective.data})
        except ValidationError as error:
            problems = "; ".join(_problem(e) for e in error.errors())
            raise WirelessFMError(f"data of objective '{objective.name}': {problems}") from error


def shipped_recipes() -> dict[str, Path]:
    """The recipes that come with the package, by name."""
    folder = Path(str(resources.files("wirelessfm") / "recipes"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_recipe(recipe: str | os.PathLike[str]) -> Recipe:
    """Read and validate a YAML recipe, given as a file or as the name of one that comes with the package.

    Raises:
        WirelessFMError: no such file or name, unreadable file, or wrong, missing and mistyped keys, all listed,
            each with the nearest valid key where there is one.
    """
    path = shipped_recipes().get(str(recipe), Path(recipe))
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise unknown_name("recipe (nor is there such a file)", str(recipe), shipped_recipes()) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WirelessFMError(f"'{path}' is not a readable YAML file: {error}") from error
    return parse_recipe(content, str(path))


def parse_recipe(content: Any, origin: str = "recipe") -> Recipe:
    """Validate the content of a recipe; see :func:`load_recipe`."""
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(_problem(e) for e in error.errors())
        raise WirelessFMError(f"{origin}: {problems}") from error


def _problem(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        keys = _keys_at(error["loc"][:-1])
        return str(unknown_name(f"key '{place}', that is" if len(error["loc"]) > 1 else "key", error["loc"][-1], keys))
    found = "" if error["type"] in ("missing", "value_error") else f", found {error['input']!r}"
    return f"{place or 'the recipe'}: {error['msg']}{found}"


def _keys_at(location: tuple[Any, ...]) -> Iterable[str]:
    parts: dict[str, type[BaseModel]] = {
        "model": ModelPart,
        "objectives": ObjectivePart,
        "data": DataPart,
        "training": TrainingPart,
    }
    return (parts[location[0]] if location else Recipe).model_fields


def _one_of(kind: str, name: str, known: Iterable[str]) -> str:
    if name not in known:
        raise unknown_name(kind, name, known)
    return name
