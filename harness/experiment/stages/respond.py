"""Respond: a policy or a chat model answers items: ``harness.respond``, and the base of a run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.chat.local_weights import located
from harness.experiment.changed import tell_aside
from harness.experiment.config import PolicyConfig
from harness.experiment.context import Move, StartBar, asking_with, no_bar
from harness.experiment.experiment import Experiment
from harness.nouns.errors import ConfigError
from harness.nouns.schema import Response
from harness.policy.weights import check_weights
from harness.records.rows import ItemsOrFile, items_of, read_responses, to_dict
from harness.records.run_directory import RunDirectory
from harness.records.writes import write_jsonl
from harness.scale_out.loop_thread import run_to_end

BASE = "base"
"""The untrained policy of a run."""


@dataclass(frozen=True, slots=True)
class RespondSettings:
    """How responses are sampled.

    Args:
        per_item: Responses for each item.
        system: Name of the policy on its responses; by default "base", as in a run, or with
            ``chat`` the model's.
        temperature: Of the sampling.
        max_new_tokens: Upper limit of a response, in tokens.
        base: Checkpoint of the base policy: each response's log p - log p_base, in nats, goes into
            its metadata as ``log_ratio``, from which ``evaluate`` estimates the KL divergence.
        seed: Of the sampling, 0 by default; with ``chat`` sent only where it is given, since some
            providers take none.
        chat: Whether the model is asked through an API or as local/<name>.
        budget: With ``chat``: stop before spending more, in dollars; what the journal holds counts.
        chat_template_kwargs: What the policy's chat template is told; by default what it was told
            in its training.
        journal: With ``chat``: file that keeps every reply, so that the same call pays only for
            what is missing.
    """

    per_item: int = 1
    system: str | None = None
    temperature: float = 1.0
    max_new_tokens: int = 256
    seed: int | None = None
    chat: bool = False
    budget: float | None = None
    journal: str | Path | None = None
    base: str | None = None
    chat_template_kwargs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, policy: PolicyConfig, per_item: int, system: str, seed: int) -> RespondSettings:
        """Return how an experiment samples a policy: a trained one brings its own template's."""
        found = cls(per_item, system, policy.temperature, policy.max_new_tokens, seed)
        values = policy.chat_template_kwargs
        return replace(found, chat_template_kwargs=values) if system == BASE else found


def respond(
    model: str, items: ItemsOrFile, settings: RespondSettings | None = None, bar: StartBar = no_bar
) -> list[Response]:
    """Sample responses to items.

    Args:
        model: Folder of a checkpoint or a hub id; with ``chat`` a model as litellm names it.
        items: What is asked.
        settings: How many, how long, how hot.
        bar: For progress.

    Returns:
        ``per_item`` responses for each item, in order. A failed call of a chat model leaves an
        empty text with its status in the metadata.

    Raises:
        ConfigError: There is a budget for a policy of one's own, or the model cannot be asked.
        DataError: The items cannot be read.
        BudgetExceededError: The budget is used up; what was paid for is in the journal.
        InputError: The checkpoint cannot be loaded.
    """
    from harness.policy.respond import ask_model, log_ratios, sample_policy
    from harness.policy.sampling import Sampling

    settings = settings or RespondSettings()
    if settings.base is not None and settings.chat:
        raise ConfigError("--base is for a policy of your own; --chat tells no log-probabilities")
    if settings.chat_template_kwargs and settings.chat:
        raise ConfigError("--chat-template-kwargs are for a policy of your own, not for --chat")
    if settings.budget is not None and not settings.chat:
        raise ConfigError("--budget is for --chat; a policy of your own costs nothing")
    asked = items_of(items)
    if not settings.chat:
        model, base = located(model), settings.base and located(settings.base)
        settings = replace(settings, base=base)
    total, seed = len(asked) * settings.per_item, settings.seed
    sampling = Sampling(settings.temperature, settings.max_new_tokens, seed, settings.per_item)
    if not settings.chat:
        move, system = bar("sampling", total), settings.system or BASE
        values = settings.chat_template_kwargs
        drawn = sample_policy(model, asked, sampling, system=system, template=values, on_batch=move)
        if settings.base is None:
            return drawn
        ratios = [0.0] * len(drawn)
        if settings.base != str(model):
            ratios = log_ratios(model, settings.base, asked, drawn, settings.temperature, values)
        return [
            replace(response, metadata={**response.metadata, "log_ratio": ratio})
            for response, ratio in zip(drawn, ratios, strict=True)
        ]

    async def ask() -> list[Response]:
        with asking_with(settings.journal, seed or 0, budget_usd=settings.budget) as asking:
            async with asking.open() as ctx:
                ctx.chat.check(model)
                move = bar("asking", total)
                return await ask_model(ctx.chat, model, asked, sampling, on_batch=move)

    found = run_to_end(ask())
    name = settings.system
    return [replace(response, system=name) for response in found] if name else found


def is_quick(experiment: Experiment, directory: RunDirectory) -> bool:
    """Tell whether the responses to the training items are there already, or are one batch."""
    from harness.policy.respond import BATCH

    if experiment.responses is not None:
        return True
    total = len(experiment.train) * experiment.config.policy.responses_per_item
    return total <= BATCH or directory.holds("respond", _inputs(experiment), _path(directory))


def _path(directory: RunDirectory) -> Path:
    return directory.path / "responses" / "train.jsonl"


def _inputs(experiment: Experiment) -> dict[str, Any]:
    """Return all that the base policy's responses depend on."""
    config = experiment.config
    return {
        "policy": [config.policy.model_dump(), experiment.weights],
        "items": [to_dict(item) for item in experiment.train],
        "seed": config.seeds[0],
    }


def base_responses(
    experiment: Experiment, directory: RunDirectory, bar: StartBar
) -> list[Response]:
    """Return the responses to the training items, and write them.

    Those that were made elsewhere, else what the base policy says: sampled now, or by an earlier
    try.
    """
    config, items, policy = experiment.config, experiment.train, experiment.config.policy
    path = _path(directory)
    if (given := experiment.responses) is not None:
        found = [to_dict(response) for response in given]
        tell_aside(directory, directory.begin("respond", {"responses": found}, path))
        write_jsonl(path, given)
        if without := len({item.id for item in items} - {one.item_id for one in given}):
            sys.stderr.write(f"{without} of {len(items)} items to train on have no response\n")
        return list(given)
    tell_aside(directory, directory.begin("respond", _inputs(experiment), path))
    if path.is_file():
        return read_responses(path, items)
    settings = RespondSettings.of(policy, policy.responses_per_item, BASE, config.seeds[0])

    def named_bar(_: str, total: int) -> Move:
        return bar("sampling the base policy", total)

    responses = respond(experiment.model, items, settings, named_bar)
    check_weights(experiment.model, experiment.weights)
    write_jsonl(path, responses)
    return responses
