"""The settings of every trainer: frozen, checked, light to import."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from harness.nouns.errors import ConfigError
from harness.nouns.nearest import did_you_mean

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerSettings:
    """What every gradient trainer has.

    Attributes:
        learning_rate: Peak of the schedule.
        warmup_steps: Steps of linear warm-up.
        schedule: constant, linear or cosine, after the warm-up.
        batch_size: Examples in one forward and backward pass.
        accumulation: Passes for one optimizer step.
        max_grad_norm: Gradients are clipped to this norm.
        weight_decay: Of AdamW.
        max_length: Upper limit of prompt and completion together, in tokens.
        lora_rank: Train a LoRA adapter of this rank instead of all weights; 0 trains all.
        checkpoint_every: Steps between the states from which a killed training goes on.
    """

    learning_rate: float
    warmup_steps: int = 5
    schedule: str = "constant"
    batch_size: int = 32
    accumulation: int = 1
    max_grad_norm: float = 1.0
    weight_decay: float = 0.0
    max_length: int = 1024
    lora_rank: int = 0
    checkpoint_every: int = 50

    def __post_init__(self) -> None:
        """Check the ranges."""
        positive = ["learning_rate", "batch_size", "accumulation", "max_grad_norm", "max_length"]
        positive += ["checkpoint_every"]
        problems = [
            f"{name}: must be above 0, got {getattr(self, name)}"
            for name in positive
            if getattr(self, name) <= 0
        ]
        if self.schedule not in ("constant", "linear", "cosine"):
            problems.append(f"schedule: constant, linear or cosine, got {self.schedule!r}")
        problems += self._problems()
        if problems:
            raise ConfigError("wrong training settings", details=problems)

    def _problems(self) -> list[str]:
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class SftSettings(TrainerSettings):
    """Supervised fine-tuning on prompts and completions.

    Attributes:
        epochs: Passes over the rows.
    """

    learning_rate: float = 2e-5
    epochs: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardModelSettings(TrainerSettings):
    """A reward model on preferences (Bradley-Terry, with the probabilities as soft labels).

    Attributes:
        epochs: Passes over the preferences.
        soft_labels: Whether a preference counts with its probability (cross-entropy with a soft
            label); otherwise as if it were certain, and ties are left out.
        held_out_share: Share of the preferences on which accuracy is measured and not trained.
    """

    learning_rate: float = 1e-5
    epochs: float = 1.0
    soft_labels: bool = True
    held_out_share: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class DpoSettings(TrainerSettings):
    """Direct preference optimization (Rafailov et al. 2023).

    Attributes:
        epochs: Passes over the preferences.
        beta: Strength of the KL penalty.
        sft_weight: Weight of an added imitation loss on the chosen responses (Pang et al. 2024),
            which keeps DPO from pushing down what chosen and rejected have in common.
        minimum_probability: Preferences less certain than this are left out; exact ties always.
    """

    learning_rate: float = 1e-6
    epochs: float = 1.0
    beta: float = 0.1
    sft_weight: float = 0.0
    minimum_probability: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Online(TrainerSettings):
    """What trainers that sample have in common.

    Attributes:
        steps: Rollouts, each followed by its updates.
        max_new_tokens: Upper limit of a completion in tokens.
        temperature: Of sampling; every log-probability is computed at it.
        beta: Strength of the KL penalty.
        epochs: Passes over each rollout.
        clip: Range of the probability ratio, 1 - clip to 1 + clip.
    """

    learning_rate: float = 1e-6
    steps: int = 100
    max_new_tokens: int = 256
    temperature: float = 1.0
    beta: float = 0.04
    epochs: int = 1
    clip: float = 0.2

    def _problems(self) -> list[str]:
        names = ("steps", "max_new_tokens", "temperature", "epochs", "clip")
        return [
            f"{name}: must be above 0, got {getattr(self, name)}"
            for name in names
            if getattr(self, name) <= 0
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpoSettings(_Online):
    """Group-relative policy optimization (Shao et al. 2024) through TRL.

    Attributes:
        group_size: Completions for each prompt; ``batch_size * accumulation`` is a multiple of it.
    """

    group_size: int = 8

    def _problems(self) -> list[str]:
        problems = _Online._problems(self)
        if self.group_size < 2:
            problems.append(f"group_size: at least 2, got {self.group_size}")
        elif self.batch_size * self.accumulation % self.group_size:
            problems.append(
                f"group_size: batch_size * accumulation = {self.batch_size * self.accumulation} "
                f"is no multiple of {self.group_size}"
            )
        return problems


@dataclass(frozen=True, slots=True, kw_only=True)
class PpoSettings(_Online):
    """Proximal policy optimization (Schulman et al. 2017; for language, Ziegler et al. 2019).

    ``batch_size * accumulation`` sequences, over all ranks, make one optimizer step;
    ``rollout_size`` is a multiple of that.

    Attributes:
        rollout_size: Completions sampled in each step, one for each prompt.
        gamma: Discount of GAE.
        gae_lambda: Lambda of GAE.
        value_clip: How far a value may move from its old one before its loss is clipped.
        value_coefficient: Weight of the value loss.
        critic: "separate" network, or "detached" head on the policy's features (for LoRA).
        critic_from: Folder of a reward model from which a separate critic starts; otherwise it
            starts as the policy's body with a value head of zeros.
        critic_learning_rate: Of the critic; the policy's by default.
        whiten_advantages: Whether advantages are whitened over the rollout's real tokens.
        whiten_rewards: Whether rewards are divided by their standard deviation in the rollout.
        clip_reward: Rewards are clipped to plus or minus this; 0 does not clip.
        missing_eos_penalty: Taken from the reward of a truncated completion.
        log_ratio_clip: Log-ratios are clipped to plus or minus this before exp.
        target_kl: Adapts beta so that the KL divergence per sequence comes to this (Ziegler et al.
            2019, section 2.2); 0 keeps beta.
        kl_horizon: Sequences over which the controller adapts.
        stop_kl: Skips the remaining updates of a rollout when the policy is further than this from
            the one that sampled it, in nats per token; 0 never does.
    """

    beta: float = 0.05
    epochs: int = 4
    rollout_size: int = 128
    gamma: float = 1.0
    gae_lambda: float = 0.95
    value_clip: float = 0.2
    value_coefficient: float = 0.1
    critic: str = "separate"
    critic_from: str = ""
    critic_learning_rate: float = 0.0
    whiten_advantages: bool = True
    whiten_rewards: bool = False
    clip_reward: float = 0.0
    missing_eos_penalty: float = 0.0
    log_ratio_clip: float = 10.0
    target_kl: float = 0.0
    kl_horizon: int = 10_000
    stop_kl: float = 0.0

    def _problems(self) -> list[str]:
        problems = _Online._problems(self)
        if self.rollout_size % (self.batch_size * self.accumulation):
            problems.append(
                f"rollout_size: {self.rollout_size} is no multiple of batch_size * accumulation = "
                f"{self.batch_size * self.accumulation}"
            )
        if self.critic not in ("separate", "detached"):
            problems.append(f"critic: separate or detached, got {self.critic!r}")
        if self.critic_from and self.critic != "separate":
            problems.append("critic_from: only a separate critic can start from a reward model")
        return problems


def parse_settings(kind: type[T], values: Mapping[str, Any], where: str = "") -> T:
    """Return settings from the mapping of an experiment file.

    Args:
        kind: The dataclass of the trainer's settings.
        values: Setting by name.
        where: Place in the file, for errors.

    Raises:
        ConfigError: A name is unknown, or a value is of the wrong type or out of range.
    """
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    details = []
    checked = {}
    for name, value in values.items():
        if name not in fields:
            hint = did_you_mean(name, fields) or f"known: {', '.join(fields)}"
            details.append(f"{name}: unknown setting; {hint}")
            continue
        wanted = str(fields[name].type)
        # YAML reads 1e-4 as a text, because it has no dot.
        if wanted == "float" and isinstance(value, str | int) and not isinstance(value, bool):
            try:
                value = float(value)
            except ValueError:
                details.append(f"{name}: must be a number, got {value!r}")
                continue
        if type(value).__name__ != wanted:
            details.append(f"{name}: must be {wanted}, got {value!r}")
        checked[name] = value
    if details:
        raise ConfigError("wrong training settings", where=where, details=details)
    try:
        return kind(**checked)
    except ConfigError as error:
        raise ConfigError(error.what, where=where, details=error.details) from error
