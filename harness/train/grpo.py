"""Group-relative policy optimization through TRL's GRPOTrainer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from statistics import fmean
from typing import Any, ClassVar

from pydantic import Field, model_validator

from harness.nouns.errors import ConfigError
from harness.nouns.stop_ids import stop_ids
from harness.policy.prompts import as_prompt
from harness.policy.sampling import decode
from harness.policy.templates import told_template
from harness.train.environments import seeing_rows
from harness.train.memory import Use
from harness.train.monitor import diversity
from harness.train.ranks import joined, of_all, ranks
from harness.train.reward_arguments import call_rewards
from harness.train.reward_surroundings import kept_chance
from harness.train.sampling_training import SamplingTraining
from harness.train.settings import OnlineSettings, TrlSettings
from harness.train.trl_head import check_padding, count_from_masks
from harness.train.trl_training import TrlTraining

LOST = 1e-5
"""The most that rounding may take of the difference of rewards."""


class GrpoSettings(OnlineSettings, TrlSettings):
    """Group-relative policy optimization (Shao et al. 2024) through TRL.

    Attributes:
        group_size: Completions for each prompt; ``batch_size * accumulation`` is a multiple of it.
    """

    trl_config: ClassVar[str] = "GRPOConfig"

    group_size: int = Field(default=8, ge=2, le=1_000_000)

    @model_validator(mode="after")
    def _whole_groups(self) -> GrpoSettings:
        made = self.batch_size * self.accumulation
        if made % self.group_size:
            raise ValueError(
                f"group_size: batch_size * accumulation = {made} is no multiple of"
                f" {self.group_size}"
            )
        return self


class Grpo(SamplingTraining, TrlTraining):
    """A policy trained on rewards, with the mean of each prompt's group as its baseline."""

    name = "grpo"
    Settings = GrpoSettings
    log_keys: ClassVar[dict[str, str]] = {
        "reward_std": "reward_std",
        "kl": "kl_token",
        "completions/mean_length": "length",
        "completions/clipped_ratio": "truncated_share",
        "clip_ratio/region_mean": "clip_fraction",
    }
    trainer_name: ClassVar[str] = "TokensGrpoTrainer"
    takes_environments: ClassVar[bool] = True
    scale_free: ClassVar[bool] = True  # rewards are divided by their deviation in the group
    settings: GrpoSettings

    def build(self) -> Any:
        """Return TRL's trainer.

        Arrow cannot hold columns of mixed types, so TRL sees row numbers and the rows stay here.
        """
        import trl

        from harness.train import own_tokens

        settings = self.settings
        prompts = {n: as_prompt(self.tokenizer, r["prompt"]) for n, r in self.readable().items()}
        with self._in_environments():
            made = self.trl(
                getattr(own_tokens, self.trainer_name)
                if self.environment_factory is None
                else own_tokens.EnvironmentsGrpoTrainer,
                getattr(trl, settings.trl_config),
                [self._example(number, prompt) for number, prompt in prompts.items()],
                max_steps=settings.steps * settings.epochs,
                num_iterations=settings.epochs,
                num_generations=settings.group_size,
                max_completion_length=self.new_tokens,
                temperature=settings.temperature,
                beta=settings.beta,
                epsilon=settings.clip,
                chat_template_kwargs=told_template(self.tokenizer),
            )
        if self.environment_factory is not None:
            several = isinstance(self.environment_factory, Mapping)
            by_name = {
                self.rows[number].get("environment") if several else None: prompt
                for number, prompt in prompts.items()
            }
            own_tokens.check_environments(made, by_name)
        made.args.save_steps = between_rollouts(self.settings.checkpoint_every, made.args)
        if made.ref_model is not None:
            count_from_masks(made.accelerator.unwrap_model(made.ref_model))
        return made

    @contextmanager
    def _in_environments(self) -> Iterator[None]:
        """Say that it is the environments which TRL refuses.

        Raises:
            ConfigError: It does.
        """
        try:
            yield
        except ValueError as error:
            if self.environment_factory is None:
                raise
            raise ConfigError(f"environments: TRL refuses them: {error!s:.300}") from error

    def enough(self, examples: list[dict[str, Any]], made: Any) -> list[dict[str, Any]]:
        """Return the prompts, so often that steps of as many as TRL asks for use up all of them.

        Where a step asks for more than there are; TRL would make none.
        """
        asked, there = made.generation_batch_size // made.num_generations, len(examples)
        return examples if asked <= there else examples * (math.lcm(asked, there) // there)

    def reached(self, steps: int) -> int:
        """Return how many prompts so many steps asked; each rollout is used in some."""
        settings = self.settings
        asked = settings.batch_size * settings.accumulation // settings.group_size
        return min(self.left_out.used, asked * -(-steps // settings.epochs))

    def use(self, settings: Any) -> Use:
        """Return the use of groups that are sampled at once, and of a reference."""
        found = super().use(settings)
        copies = found.copies + (1 if settings.beta and not found.lora else 0)
        sampled = settings.batch_size * settings.accumulation // ranks()
        return replace(found, copies=copies, sampled=sampled)

    def trainable(self) -> dict[str, Any]:
        """Return the model and its adapter, and the reward function."""
        self._texts: list[str] = []
        self._ended: list[bool] = []
        self._scored: list[list[float | None]] = []
        found = super().trainable()
        count_from_masks(found["model"])
        check_padding(found["model"])
        self.stops = stop_ids(found["model"], self.tokenizer)
        if self.environment_factory is not None:
            found["environment_factory"] = seeing_rows(self.environment_factory, self.rows)
        return {**found, "reward_funcs": [self._reward]}

    def _example(self, number: int, prompt: Any) -> dict[str, Any]:
        example = {"prompt": prompt, "row": number}
        if isinstance(self.environment_factory, Mapping):
            example["environment"] = self.rows[number].get("environment")
        return example

    def _reward(
        self, completion_ids: list[list[int]], row: list[int], trainer_state: Any, **others: Any
    ) -> list[float | None]:
        """Return the rewards of texts without a stop token that is not special; TRL's keep it."""
        texts = [decode(self.tokenizer, ids, self.stops) for ids in completion_ids]
        self._texts += texts
        self._ended += [bool(ids) and ids[-1] in self.stops for ids in completion_ids]
        rows = [self.rows[i] for i in row]
        offered = {"trainer_state": trainer_state}
        if self.environment_factory is not None:  # what it observed and what tools said is in them
            offered |= {key: others[key] for key in ("environments", "prompts", "completions")}
        with kept_chance():
            rewards = call_rewards(self.rewards, rows, texts, completion_ids, **offered)
        self._scored.append(rewards)
        if self.settings.trl.get("reward_clip_range"):
            return rewards
        return for_float32(rewards, joined(rewards))

    def of_rollout(self) -> dict[str, Any]:
        """Return the rewards and the diversity of what all ranks sampled, and the share that ended.

        TRL's own mean is of float32, and of what is left of rewards in it.
        """
        texts, ended = joined(self._texts), joined(self._ended)
        self._texts, self._ended = [], []
        # Ranks may share a group: in each call the rewards of all stand one after the other.
        calls = [list(chain(*call)) for call in zip(*of_all(self._scored), strict=True)]
        self._scored = []
        row = {**diversity(texts), "eos_rate": fmean(ended)} if texts else {}
        if calls:
            known = [reward for call in calls for reward in call if reward is not None]
            row |= {"reward": fmean(known) if known else math.nan, **self.of_groups(calls)}
        return row

    def of_groups(self, calls: Sequence[Sequence[float | None]]) -> dict[str, float]:
        """Return the share of groups of equal rewards, which stand one after the other.

        TRL's own counts as equal what differs by little, and RLOO's has the KL penalty in it.
        """
        import torch

        from harness.train.advantages import equal_groups

        low, high = self.settings.trl.get("reward_clip_range") or (-math.inf, math.inf)
        values = [math.nan if one is None else one for call in calls for one in call]
        scores = torch.tensor(values, dtype=torch.float64).reshape(-1, self.settings.group_size)
        scores = scores.clamp(low, high)
        share = equal_groups(scores.nan_to_num(), ~scores.isnan())
        return {} if math.isnan(share) else {"zero_std_groups": share}


def between_rollouts(every: int, made: Any) -> int:
    """Return after how many steps a state is written: where no step is left of what was sampled.

    TRL keeps no completions in its states, and would sample others for the rest of their steps.

    Args:
        every: Steps that are asked for.
        made: TRL's configuration.
    """
    accumulation = int(made.gradient_accumulation_steps)
    micro = int(made.steps_per_generation) * int(made.num_iterations)
    steps = math.lcm(micro, accumulation) // accumulation
    return -(-every // steps) * steps


def for_float32(
    rewards: Sequence[float | None], everyone: Sequence[float | None]
) -> list[float | None]:
    """Return rewards that are still as different in TRL's float32.

    Where rounding would take more than `LOST` of what they differ by, the first is taken from all:
    the mean of a group is a baseline, so that a number that all have in common moves nothing.

    Args:
        rewards: Of this rank.
        everyone: Of all ranks.
    """
    known = [reward for reward in everyone if reward is not None]
    if not known or max(map(abs, known)) * 2**-24 <= LOST * (max(known) - min(known)):
        return list(rewards)
    return [None if reward is None else reward - known[0] for reward in rewards]
