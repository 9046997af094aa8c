"""Settings of all trainers: ranges that mean something, and one clear error."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from harness.nouns.errors import ConfigError
from harness.train.settings import allowed
from harness.train.table import TRAINERS
from harness.train.trainers import settings_of, train, trainer_class

HUGE = 10**23
WRONG: dict[str, list[Any]] = {
    "learning_rate": [0, -1e-4, 2, "fast", True, math.nan, "inf", None],
    "warmup_steps": [-1, 1.5, "many", HUGE],
    "schedule": ["cosin", 1],
    "batch_size": [0, -8, 1.5, True, "8", 1_000_001, HUGE],
    "accumulation": [0, 2.0, HUGE],
    "max_grad_norm": [0, -1, math.inf, 1e308],
    "weight_decay": [-0.1, 1.5],
    "max_length": [1, 0, -5, HUGE],
    "lora_rank": [-1, 2.5, HUGE],
    "lora_alpha": [0, -1, "big", None],
    "lora_dropout": [-0.1, 1, "some"],
    "lora_target_modules": [3, [], [3], {"a": 1}, None],
    "max_steps": [0, -1, 2.5, HUGE, None],
    "checkpoint_every": [0, HUGE],
    "epochs": [0, -1, "all", 10_001, 1e308],
    "soft_labels": [1, "yes"],
    "desirable_weight": [-1, 1e308],
    "undesirable_weight": [-1, 1e308],
    "report_to": ["all", ["wandb", "w&b"], 3, None],
    "trl": ["x", 3, None],
    "chat_template_kwargs": ["x", 3, None, ["thinking"]],
    "held_out_share": [-0.1, 1, 1.5],
    "margin": [-1, "wide", 1e308],
    "members": [0, 101, 2.5],
    "combine": ["best", None],
    "center_rewards_coefficient": [-0.01, 1e308],
    "beta": [-1, -0.001, "much", 1e308],
    "sft_weight": [-1, 1e308],
    "minimum_probability": [0.4, 1.1],
    "steps": [0, 2.5, HUGE],
    "max_new_tokens": [0, HUGE],
    "temperature": [0, 0.0, -1, 1e-300, 1e300],
    "clip": [0, 1, -0.2],
    "group_size": [0, -8, HUGE],
    "advantage_estimator": ["rlo", None, 1],
    "rollout_size": [0, -128, HUGE],
    "pass_tokens": [0, -1, HUGE],
    "reward_timeout": [0, -1, 1e308],
    "log_completions": ["yes", 1],
    "unproven_rewards": ["yes", 1, None],
    "dtype": ["float16", "bf16", 32],
    "attn_implementation": ["flash", 2],
    "gradient_checkpointing": ["yes", 2, None],
    "gamma": [5, -0.1],
    "gae_lambda": [1.01, -1],
    "value_clip": [0, -1, 1e308],
    "value_coefficient": [-1, 1e308],
    "critic": ["none", None],
    "critic_from": [3],
    "critic_learning_rate": [-1, 2],
    "whiten_advantages": ["true"],
    "whiten_rewards": [0],
    "clip_reward": [-1, 1e308],
    "missing_eos_penalty": [-1, 1e308],
    "log_ratio_clip": [0, 90],
    "target_kl": [-1, 1e308],
    "kl_horizon": [0, HUGE],
    "stop_kl": [-1, 1e308],
    "n": [0, -4, HUGE],
    "engine": ["vllm", "", 1],
    "server_url": [8000],
    "server_timeout": [0, -1, 1e308],
    "weights_folder": [3],
    "importance_sampling_clip_max": [-1, 1e308],
}
"""Values that no trainer takes, for every setting that there is."""


@pytest.mark.parametrize("trainer", TRAINERS)
def test_every_wrong_value_is_refused_by_name_value_and_range(trainer: str, tmp_path: Path) -> None:
    """Before anything is loaded: the model does not exist, and there are no rows."""
    for name, field in trainer_class(trainer).Settings.model_fields.items():
        for value in WRONG[name]:
            with pytest.raises(ConfigError) as wrong:
                train(trainer, "absent/or/not", [], {name: value}, tmp_path / "out")
            assert wrong.value.what == "wrong training settings"
            assert wrong.value.details == (f"{name}: must be {allowed(field)}, got {value!r}",)
    assert not (tmp_path / "out").exists()


def test_the_table_names_no_setting_that_is_gone() -> None:
    known = {name for t in TRAINERS for name in trainer_class(t).Settings.model_fields}
    assert set(WRONG) == known


@pytest.mark.parametrize("trainer", TRAINERS)
def test_every_default_is_in_its_range(trainer: str) -> None:
    kind = trainer_class(trainer).Settings
    defaults = {key: v for key, v in kind().model_dump().items() if v is not None}
    assert settings_of(trainer, defaults, "") == kind()
    for name, value in defaults.items():
        assert getattr(settings_of(trainer, {name: value}, ""), name) == value


@pytest.mark.parametrize(
    ("trainer", "name", "words"),
    [
        ("grpo", "group_size", "a whole number of at least 2 and of at most 1,000,000"),
        ("ppo", "gamma", "a number of at least 0 and of at most 1"),
        ("ppo", "clip", "a number above 0 and below 1"),
        ("ppo", "critic", "separate or detached"),
        ("ppo", "whiten_rewards", "true or false"),
        ("ppo", "critic_from", "a text"),
        ("ppo", "steps", "a whole number of at least 1 and of at most 1,000,000,000"),
        ("sft", "learning_rate", "a number above 0 and of at most 1"),
    ],
)
def test_a_range_in_words(trainer: str, name: str, words: str) -> None:
    assert allowed(trainer_class(trainer).Settings.model_fields[name]) == words


@pytest.mark.parametrize(
    ("trainer", "values", "line"),
    [
        (
            "dpo",
            {"learning_rat": 1e-4},
            "learning_rat: unknown setting; did you mean learning_rate?",
        ),
        (
            "grpo",
            {"group_size": 5},
            "group_size: batch_size * accumulation = 32 is no multiple of 5",
        ),
        (
            "ppo",
            {"rollout_size": 100},
            "rollout_size: 100 is no multiple of batch_size * accumulation = 32",
        ),
        ("grpo", {"num_generations": 4}, "num_generations: unknown setting; it is group_size here"),
        ("ppo", {"kl_coef": 0.1}, "kl_coef: unknown setting; it is beta here"),
        ("sft", {"optim": "x"}, "optim: unknown setting; it is a field of TRL: trl.optim"),
        ("grpo", {"top_k": 5}, "top_k: unknown setting; it is a field of TRL: trl.top_k"),
        (
            "sft",
            {"packing": True},
            "packing: unknown setting; cannot be set: the harness makes the examples and their"
            " order",
        ),
        (
            "ppo",
            {"logging_steps": 5},
            "logging_steps: unknown setting; cannot be set: every step is logged",
        ),
        (
            "dpo",
            {"warmup_ratio": 0.1},
            "warmup_ratio: unknown setting; warmup_steps is a number of steps: this share of all of"
            " them",
        ),
        ("sft", {"r": 8}, "r: unknown setting; it is lora_rank here"),
        (
            "dpo",
            {"target_modules": ["q_proj"]},
            "target_modules: unknown setting; it is lora_target_modules here",
        ),
        ("sft", {"num_train_epochs": 3}, "num_train_epochs: unknown setting; it is epochs here"),
        (
            "sft",
            {"max_steps": 3, "epochs": 2},
            "epochs: max_steps says how long the training is; set one of the two",
        ),
        ("grpo", {"max_steps": 3}, "max_steps: unknown setting; it is steps here"),
        *(
            (trainer, {name: value}, f"{name}: no new adapter is trained; set lora_rank, too")
            for trainer in ("sft", "ppo")
            for name, value in (
                ("lora_alpha", 8),
                ("lora_dropout", 0.1),
                ("lora_target_modules", "q_proj"),
            )
        ),
        *(
            (
                trainer,
                {"lora_rank": 2, "lora_dropout": 0.1},
                "lora_dropout: what is sampled and scored must be one policy",
            )
            for trainer in ("ppo", "online_dpo", "grpo", "rloo")
        ),
        (
            "ppo",
            {"critic": "detached", "critic_from": "x"},
            "critic_from: only a separate critic can start from a reward model",
        ),
    ],
)
def test_other_errors_name_what_is_wrong_too(
    trainer: str, values: dict[str, Any], line: str
) -> None:
    with pytest.raises(ConfigError) as wrong:
        settings_of(trainer, values, "arms.x.settings")
    assert wrong.value.where == "arms.x.settings"
    assert wrong.value.details == (line,)


def test_all_wrong_settings_are_one_error() -> None:
    with pytest.raises(ConfigError) as wrong:
        settings_of("ppo", {"gamma": 5, "xyz": 1, "beta": -1}, "")
    assert [line.split(":")[0] for line in wrong.value.details] == ["beta", "gamma", "xyz"]
    assert "known: learning_rate, warmup_steps" in wrong.value.details[2]


def test_numbers_as_yaml_reads_them() -> None:
    """YAML takes 1e-4 for a text, and 1 for a whole number."""
    settings: Any = settings_of("grpo", {"learning_rate": "1e-4", "steps": 7, "beta": 1}, "")
    assert (settings.learning_rate, settings.steps, settings.beta) == (1e-4, 7, 1.0)
    assert isinstance(settings.beta, float)
