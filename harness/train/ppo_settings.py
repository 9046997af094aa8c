"""What PPO is told, and what follows from it for each step: seeds, prompts and learning rate."""

from __future__ import annotations

import math
import random
from typing import Literal

from pydantic import Field, model_validator

from harness.nouns.hashing import seed_of
from harness.policy.scoring import TOKENS
from harness.train.advantages import ESTIMATORS
from harness.train.engines import CorrectedSettings
from harness.train.settings import (
    UNSET,
    NotNegative,
    Number,
    OnlineSettings,
    Positive,
    Share,
    Size,
    Steps,
)

CRITIC = {"critic", "critic_from", "critic_learning_rate", "gae_lambda", "value_clip",
          "value_coefficient"}  # fmt: skip
"""Settings that mean something with a critic only."""


class PpoSettings(OnlineSettings, CorrectedSettings):
    """Proximal policy optimization (Schulman et al. 2017; for language, Ziegler et al. 2019).

    ``batch_size * accumulation`` sequences, over all ranks, make one optimizer step;
    ``rollout_size`` is a multiple of that.

    Attributes:
        schedule: Of the learning rate, after the warm-up.
        advantage_estimator: "gae" with a critic; without one "reinforce" (rewards to go),
            "reinforce_baseline" (less the mean of the rollout's others), "rloo" (less the mean of
            the prompt's others), "grpo" (in deviations from the mean of the prompt) and
            "online_dpo" (of two completions of a prompt the better is preferred).
        group_size: Completions of each prompt; by default 8 for rloo and grpo, 2 for online_dpo,
            which takes no others, and 1 for the others.
        rollout_size: Completions sampled in each step, ``group_size`` for each prompt.
        pass_tokens: Tokens of one forward and backward pass, padding included: a pass has at most
            ``batch_size`` sequences and these tokens, and an optimizer step as many as it needs.
        gamma: Discount of GAE; a share of what comes later.
        gae_lambda: Lambda of GAE, from one step's error (0) to the whole return (1).
        value_clip: How far a value may move from its old one before its loss is clipped; at 0 it
            could not move.
        value_coefficient: Weight of the value loss.
        critic: "separate" network, or "detached" head on the policy's features, which shares all
            else with it; by default the head with LoRA, else the network.
        critic_from: Folder of a reward model from which a separate critic starts; otherwise it
            starts as the policy's body with a value head of zeros.
        critic_learning_rate: Of the critic; the policy's by default.
        whiten_advantages: Whether advantages are whitened over the rollout's real tokens; by
            default with gae only.
        whiten_rewards: Whether rewards are divided by their standard deviation in the rollout.
        clip_reward: Rewards are clipped to plus or minus this; 0 does not clip.
        missing_eos_penalty: Taken from the reward of a truncated completion.
        log_ratio_clip: Log-ratios are clipped to plus or minus this before exp, which is infinite
            in float32 from 89 on.
        target_kl: Adapts beta so that the KL divergence per sequence comes to this (Ziegler et al.
            2019, section 2.2); 0 keeps beta.
        kl_horizon: Sequences over which the controller adapts.
        stop_kl: Skips an update of a rollout, and those after it, when the policy is further than
            this from the one that sampled it, in nats per token; 0 never does.
    """

    schedule: Literal["constant", "linear", "cosine"] = "constant"
    beta: NotNegative = 0.05
    epochs: int = Field(default=4, ge=1, le=10_000)
    advantage_estimator: Literal[
        "gae", "reinforce", "reinforce_baseline", "rloo", "grpo", "online_dpo"
    ] = "gae"
    group_size: int = Field(default=UNSET, ge=1, le=1_000_000)
    rollout_size: Size = 128
    pass_tokens: Size = TOKENS
    gamma: Share = 1.0
    gae_lambda: Share = 0.95
    value_clip: Positive = 0.2
    value_coefficient: NotNegative = 0.1
    critic: Literal["separate", "detached"] = UNSET
    critic_from: str = ""
    critic_learning_rate: Share = 0.0
    whiten_advantages: bool = UNSET
    whiten_rewards: bool = False
    clip_reward: NotNegative = 0.0
    missing_eos_penalty: NotNegative = 0.0
    log_ratio_clip: Number = Field(default=10.0, gt=0, le=80)
    target_kl: NotNegative = 0.0
    kl_horizon: Steps = 10_000
    stop_kl: NotNegative = 0.0

    @model_validator(mode="after")
    def _fit_together(self) -> PpoSettings:
        made, problems = self.batch_size * self.accumulation, []
        if self.rollout_size % made:
            problems.append(
                f"rollout_size: {self.rollout_size} is no multiple of batch_size * accumulation = "
                f"{made}"
            )
        if (warmup := self.warm_up(self.steps)) > self.steps:
            problems.append(f"warmup_steps: {warmup} is more than the {self.steps} steps")
        if self.critic_from and self.critic == "detached":
            problems.append("critic_from: only a separate critic can start from a reward model")
        if self.kl_horizon != 10_000 and not self.target_kl:
            problems.append("kl_horizon: would do nothing without target_kl")
        problems += self._of_the_estimator()
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _of_the_estimator(self) -> list[str]:
        """Return what does not go with the estimator of the advantage."""
        name, estimator = self.advantage_estimator, ESTIMATORS[self.advantage_estimator]
        unused = set() if estimator.critic else CRITIC
        unused = unused if estimator.discounts else unused | {"gamma"}
        default = type(self).model_fields
        problems = [
            f"{key}: advantage_estimator {name} has no {'discount' if key == 'gamma' else 'critic'}"
            for key in sorted(unused & self.model_fields_set)
            if getattr(self, key) != default[key].default
        ]
        if estimator.group_size > 1 and self.completions_each < 2:
            problems.append(
                f"group_size: advantage_estimator {name} compares the completions of a prompt, of"
                " which there must be at least 2"
            )
        if estimator.most and self.completions_each > estimator.most:
            problems.append(f"group_size: advantage_estimator {name} takes {estimator.most}")
        if self.rollout_size % self.completions_each:
            problems.append(
                f"rollout_size: {self.rollout_size} is no multiple of group_size ="
                f" {self.completions_each}"
            )
        return problems

    @property
    def completions_each(self) -> int:
        """Completions of each prompt."""
        return self.group_size or ESTIMATORS[self.advantage_estimator].group_size

    @property
    def whitens(self) -> bool:
        """Whether advantages are whitened."""
        if self.whiten_advantages is None:
            return self.advantage_estimator == "gae"
        return self.whiten_advantages

    def critic_kind(self, lora: bool) -> str:
        """Return the kind of critic of a training with or without an adapter."""
        if not ESTIMATORS[self.advantage_estimator].critic:
            return "none"
        if self.critic:
            return self.critic
        return "detached" if lora and not self.critic_from else "separate"


def draw_seed(seed: int, step: int) -> int:
    """Return the seed of everything random in one step, on every rank."""
    return seed_of(f"ppo {seed} {step} 0", 56)


def prompt_order(n_rows: int, size: int, step: int, seed: int) -> list[int]:
    """Return the rows of one step (from 1): shuffled passes over all rows, one after the other."""
    order = []
    for number in range((step - 1) * size // n_rows, (step * size - 1) // n_rows + 1):
        shuffled = list(range(n_rows))
        random.Random(f"ppo {seed} {number}").shuffle(shuffled)
        order += shuffled
    start = (step - 1) * size % n_rows
    return order[start : start + size]


def schedule_factor(settings: PpoSettings, step: int) -> float:
    """Return the share of the peak learning rate at a step (from 1)."""
    warmup = settings.warm_up(settings.steps)
    if step <= warmup:
        return step / warmup
    progress = (step - 1 - warmup) / (settings.steps - warmup)
    if settings.schedule == "linear":
        return 1 - progress
    if settings.schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * progress))
    return 1.0
