"""Values that TRL refuses only while it trains, or with which it would do nothing."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.nouns.errors import ConfigError
from harness.train.dpo import DpoSettings
from harness.train.trainers import settings_of
from harness.train.trl_checks import check_optimizer
from harness.train.trl_training import TrlTraining
from harness.train.trl_values import CHOICES, NOTHING, ONLY_WITH, PACKAGES

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("dpo", {"loss_type": "nonsense"}, "loss_type: must be sigmoid or hinge or ipo or"),
    ("dpo", {"loss_type": ["sigmoid", "Ipo"]}, "got 'Ipo'"),
    ("dpo", {"f_divergence_type": "kl"}, "f_divergence_type: must be reverse_kl or"),
    ("kto", {"loss_type": "bco"}, "loss_type: must be kto or apo_zero_unpaired, got 'bco'"),
    ("sft", {"loss_type": "sigmoid"}, "loss_type: must be nll or dft or"),
    ("best_of_n", {"loss_type": "ce"}, "loss_type: must be nll or dft or"),
    ("grpo", {"loss_type": "ppo"}, "loss_type: must be grpo or bnpo or"),
    ("grpo", {"importance_sampling_level": "word"}, "must be token or sequence"),
    ("grpo", {"scale_rewards": "all"}, "must be group or batch or none, got 'all'"),
    ("grpo", {"use_liger_kernel": True}, "needs the package liger-kernel, which is not installed"),
    ("rloo", {"use_vllm": True}, "use_vllm: needs the package vllm, which is not installed"),
    ("sft", {"fp16": True}, "fp16: would do nothing without a GPU"),
    ("dpo", {"label_smoothing": 0.1}, "it is for loss_type robust or exo_pair or aot or aot_unp"),
    ("dpo", {"label_smoothing": 0.1, "loss_type": "ipo"}, "label_smoothing: would do nothing"),
    ("dpo", {"discopop_tau": 0.1}, "it is for loss_type discopop"),
    ("dpo", {"f_alpha_divergence_coef": 0.3}, "it is for f_divergence_type alpha_divergence"),
    ("dpo", {"ref_model_sync_steps": 9}, "would do nothing: it is for sync_ref_model true"),
    ("dpo", {"precompute_ref_batch_size": 9}, "it is for precompute_ref_log_probs true"),
    ("grpo", {"sapo_temperature_pos": 2.0}, "it is for loss_type sapo"),
    ("grpo", {"vespo_k_pos": 3.0, "loss_type": "sapo"}, "it is for loss_type vespo"),
    ("grpo", {"vllm_server_port": 9}, "it is for use_vllm true"),
    ("grpo", {"entropy_target": 0.9}, "it is for use_adaptive_entropy true"),
    ("sft", {"dataloader_persistent_workers": True}, "it is for dataloader_num_workers above 0"),
    ("sft", {"per_device_eval_batch_size": 2}, "would do nothing: TRL evaluates nothing here"),
    ("sft", {"run_name": "x"}, "would do nothing: the harness writes the log"),
    ("sft", {"hub_private_repo": True}, "would do nothing: the harness pushes the result"),
    ("grpo", {"num_completions_to_print": 3}, "would do nothing: the harness writes the log"),
    ("sft", {"gradient_checkpointing_kwargs": {"a": 1}}, "without gradient_checkpointing"),
    ("grpo", {"activation_checkpointing_kwargs": {"a": 1}}, "without gradient_checkpointing"),
    ("sft", {"fsdp": "full_shard"}, "cannot be set: weights are not sharded here"),
    ("sft", {"deepspeed": "ds.json"}, "cannot be set: weights are not sharded here"),
]  # fmt: skip

TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("dpo", {"label_smoothing": 0.0}),
    ("dpo", {"label_smoothing": 0.1, "loss_type": "robust"}),
    ("dpo", {"label_smoothing": 0.1, "loss_type": ["sigmoid", "exo_pair"]}),
    ("dpo", {"sync_ref_model": True, "ref_model_sync_steps": 9}),
    ("dpo", {"loss_type": "discopop", "discopop_tau": 0.1, "ld_alpha": 0.5}),
    ("kto", {"loss_type": "apo_zero_unpaired"}),
    ("sft", {"loss_type": "dft", "label_smoothing_factor": 0.1, "neftune_noise_alpha": 5.0}),
    ("sft", {"dataloader_num_workers": 2, "dataloader_persistent_workers": True, "fp16": False}),
    ("sft", {"optim": "adafactor", "adam_beta2": 0.95, "use_liger_kernel": False}),
    ("grpo", {"scale_rewards": True}),
    ("grpo", {"scale_rewards": False, "mask_truncated_completions": True}),
    ("grpo", {"scale_rewards": "batch", "loss_type": "sapo", "sapo_temperature_pos": 2.0}),
    ("grpo", {"use_adaptive_entropy": True, "entropy_target": 0.9, "top_k": 5, "min_p": 0.1}),
    ("rloo", {"normalize_advantages": True, "reward_clip_range": [-1.0, 1.0]}),
]


@pytest.mark.parametrize(("trainer", "fields", "line"), REFUSED)
def test_a_value_that_is_none_or_does_nothing_is_refused(
    trainer: str, fields: Any, line: str
) -> None:
    with pytest.raises(ConfigError, match="wrong training settings") as wrong:
        settings_of(trainer, {"trl": fields}, "--set")
    (told,) = wrong.value.details
    assert told.startswith("trl.") and line in told


@pytest.mark.parametrize(("trainer", "fields"), TAKEN)
def test_a_value_with_effect_is_taken(trainer: str, fields: Any) -> None:
    found: Any = settings_of(trainer, {"trl": fields}, "--set")
    assert found.trl == fields


def test_the_choices_are_those_that_trl_asks_for() -> None:
    """In the source of its trainers, where each value is compared with."""
    import trl

    for config, fields in CHOICES.items():
        pair = (getattr(trl, config), getattr(trl, config.replace("Config", "Trainer")))
        source = "".join(Path(inspect.getfile(one)).read_text() for one in pair)
        for name, choices in fields.items():
            asked = set(re.findall(rf"\b{name} == \"(\w+)\"", source))
            assert asked <= set(choices), (config, name)
            assert all(f'"{one}"' in source or f"'{one}'" in source for one in choices)


def test_every_field_that_is_named_is_one_of_trl() -> None:
    import dataclasses

    import trl

    configs = ("SFTConfig", "RewardConfig", "DPOConfig", "KTOConfig", "GRPOConfig", "RLOOConfig")
    known = {one.name for config in configs for one in dataclasses.fields(getattr(trl, config))}
    others = {other for other, _ in ONLY_WITH.values()}
    assert not {*ONLY_WITH, *others, *NOTHING, *PACKAGES} - known


@pytest.mark.parametrize(
    ("trainer", "values", "line"),
    [
        ("ppo", {"kl_horizon": 50}, "kl_horizon: would do nothing without target_kl"),
        ("ppo", {"server_timeout": 5}, "server_timeout: engine: in_process has no server"),
        ("best_of_n", {"server_timeout": 5}, "server_timeout: engine: in_process has no server"),
        (
            "online_dpo",
            {"importance_sampling_clip_max": 2},
            "importance_sampling_clip_max: would do nothing: the policy itself samples with engine:"
            " in_process",
        ),
        (
            "reward_model",
            {"combine": "worst"},
            "combine: would do nothing with one member; set members, too",
        ),
    ],
)
def test_a_setting_without_effect_is_refused(trainer: str, values: Any, line: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        settings_of(trainer, values, "")
    assert wrong.value.details == (line,)


@pytest.mark.parametrize(
    ("optim", "said"),
    [
        ("adamw_8bit", "bitsandbytes"),
        ("galore_adamw", "galore"),
        ("lomo", "lomo"),
        ("schedule_free_adamw", "schedulefree"),
        ("grokadamw", "grokadamw"),
        ("adamw_anyprecision", "torchdistx"),
    ],
)
def test_an_optimizer_without_its_package_is_seen_before_the_model(
    optim: str, said: str, tmp_path: Path
) -> None:
    from trl import SFTConfig

    small: dict[str, Any] = {"report_to": "none", "bf16": False, "activation_checkpointing": False}
    made = SFTConfig(str(tmp_path), optim=optim, **small)
    with pytest.raises((ImportError, ValueError), match=f"(?i){said}"):
        check_optimizer(made)
    check_optimizer(SFTConfig(str(tmp_path), optim="adafactor", **small))


@pytest.mark.parametrize("error", [ValueError, ImportError, NotImplementedError, KeyError])
def test_what_trl_refuses_in_its_first_step_is_one_error(error: type[Exception]) -> None:
    training: Any = SimpleNamespace(settings=DpoSettings(trl={"loss_type": "ipo", "bf16": False}))
    with pytest.raises(ConfigError, match=r"TRL refuses these fields: .*no") as told:
        with TrlTraining.refused(training, lambda: True):
            raise error("no")
    assert told.value.where == "trl.loss_type, trl.bf16"
    with pytest.raises(error), TrlTraining.refused(training, lambda: False):
        raise error("no")  # after a step it is something else
    with pytest.raises(error), TrlTraining.refused(SimpleNamespace(settings=DpoSettings())):  # type: ignore[arg-type]
        raise error("no")
