"""One call for every trainer, by the name that experiments and the command line use."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.nouns.errors import ConfigError
from harness.nouns.hashing import MAX_SEED
from harness.nouns.nearest import did_you_mean
from harness.train.result import TrainResult
from harness.train.reward_model_quality import refuse_chance
from harness.train.row_forms import Row
from harness.train.settings import SamplingSettings, TrainerSettings, explain
from harness.train.table import TRAINERS
from harness.train.training import Training, TrainOptions


def trainer_class(name: str) -> type[Training]:
    """Return a trainer by name.

    Raises:
        ConfigError: There is none of that name.
    """
    if not isinstance(name, str) or name not in TRAINERS:
        hint = f"{did_you_mean(str(name), TRAINERS, after=' ')}use one of {', '.join(TRAINERS)}"
        raise ConfigError(f"no trainer is named {name!r}", hint=hint)
    module, _, attribute = TRAINERS[name].partition(":")
    found: type[Training] = getattr(import_module(module), attribute)
    return found


def settings_of(
    trainer: str, values: Mapping[str, Any] | TrainerSettings, where: str
) -> TrainerSettings:
    """Return the checked settings of a trainer.

    Args:
        trainer: A name of ``TRAINERS``.
        values: Settings by name, or an object of the trainer's ``Settings``.
        where: Place of the settings, for errors.

    Raises:
        ConfigError: There is no such trainer, or a name is unknown or a value is of the wrong type
            or out of its range; one error for all of them.
    """
    kind = trainer_class(trainer).Settings
    if not isinstance(values, Mapping | TrainerSettings):
        raise ConfigError(f"must be a mapping of names to values, got {values!r:.60}", where=where)
    named = _nested(values) if isinstance(values, Mapping) else values.given()
    try:
        return kind.model_validate(named)
    except ValidationError as error:
        lines = [line for entry in error.errors() for line in explain(kind, entry, named)]
        details = tuple(dict.fromkeys(lines))  # each of a list may be wrong
        raise ConfigError("wrong training settings", where=where, details=details) from error


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with those that are called "trl.NAME" under "trl", and so on."""
    found: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        name, dot, field = str(key).partition(".")
        if dot and name in ("trl", "chat_template_kwargs"):
            inner.setdefault(name, {})[field] = value
        else:
            found[key] = value
    for name, fields in inner.items():
        whole = found.get(name, {})
        if isinstance(whole, Mapping):
            found[name] = {**whole, **fields}
    return found


def train(
    trainer: str,
    model: str | Path,
    rows: Sequence[Row],
    settings: Mapping[str, Any] | TrainerSettings,
    out: Path,
    options: TrainOptions = TrainOptions(),  # noqa: B008 - it is frozen
) -> TrainResult:
    """Train a policy or a reward model.

    Args:
        trainer: A name of ``TRAINERS``.
        model: Checkpoint folder (also of a LoRA adapter) or hub id; also the reference policy.
        rows: With ``prompt`` and what the trainer learns from: ``completion``; ``chosen`` and
            ``rejected`` (perhaps with ``probability``); or what the reward functions read.
        settings: Settings by name, or an object of the trainer's ``Settings``.
        out: Folder for log, resume state and result; the same call on it goes on after a kill and
            returns at once when the training had finished.
        options: Rewards, seed, monitor, progress.

    Raises:
        ConfigError: A setting or the seed is wrong, or rewards do not fit the trainer.
        DataError: A row lacks a column or has something wrong in it, nothing can be learnt from
            the rows, or a reward model is no better than chance.
        InputError: There is no such model, or the folder holds another training.
        MissingExtraError: The libraries for training are not installed.
    """
    if not 0 <= options.seed <= MAX_SEED:
        raise ConfigError(f"seed is {options.seed}", hint=f"use a number from 0 to {MAX_SEED}")
    kind = trainer_class(trainer)
    checked = settings_of(trainer, settings, "settings")
    needs = kind.needs == "rewards"
    if needs != (options.rewards is not None):
        raise ConfigError(f"{trainer} {'needs' if needs else 'takes no'} rewards")
    if isinstance(checked, SamplingSettings) and options.rewards and not checked.unproven_rewards:
        refuse_chance(options.rewards)
    try:
        return kind(model, rows, checked, Path(out), options).run()
    finally:
        gc.collect()  # model and trainer hold each other: else they stay beside the next training's
