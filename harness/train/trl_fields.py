"""Fields of TRL's configurations: which are passed on, and which the harness sets itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from harness.nouns.nearest import did_you_mean
from harness.train.trl_values import wrong_value

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "learning_rate": ("learning_rate",),
    "lr_scheduler_type": ("schedule",),
    "warmup_steps": ("warmup_steps",),
    "per_device_train_batch_size": ("batch_size",),
    "gradient_accumulation_steps": ("accumulation",),
    "max_grad_norm": ("max_grad_norm",),
    "weight_decay": ("weight_decay",),
    "max_length": ("max_length",),
    "num_train_epochs": ("steps", "epochs"),
    "max_steps": ("steps", "max_steps"),
    "num_iterations": ("epochs",),
    "num_generations": ("group_size",),
    "max_completion_length": ("max_new_tokens",),
    "temperature": ("temperature",),
    "beta": ("beta",),
    "epsilon": ("clip",),
    "center_rewards_coefficient": ("center_rewards_coefficient",),
    "desirable_weight": ("desirable_weight",),
    "undesirable_weight": ("undesirable_weight",),
    "save_steps": ("checkpoint_every",),
    "chat_template_kwargs": ("chat_template_kwargs",),
    "activation_checkpointing": ("gradient_checkpointing",),
    "gradient_checkpointing": ("gradient_checkpointing",),
    "report_to": ("report_to",),
    "log_completions": ("log_completions",),
}
"""Fields that are settings of their own: the first of these that a trainer has."""

OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "r": ("lora_rank",),
    "lora_r": ("lora_rank",),
    "target_modules": ("lora_target_modules",),
    "kl_coef": ("beta",),
    "num_ppo_epochs": ("epochs",),
    "num_epochs": ("epochs",),
    "cliprange": ("clip",),
    "cliprange_value": ("value_clip",),
    "vf_coef": ("value_coefficient",),
    "lam": ("gae_lambda",),
    "response_length": ("max_new_tokens",),
    "total_episodes": ("steps",),
    "lr": ("learning_rate",),
}
"""What peft and TRL's former PPO call settings."""

KEPT: Mapping[str, str] = {
    **dict.fromkeys(
        ("output_dir", "overwrite_output_dir", "resume_from_checkpoint", "save_strategy",
         "save_total_limit", "save_only_model", "load_best_model_at_end", "metric_for_best_model",
         "greater_is_better", "ignore_data_skip", "auto_find_batch_size"),
        "a training goes on in its folder after a kill",
    ),
    **dict.fromkeys(("logging_strategy", "logging_steps", "disable_tqdm"), "every step is logged"),
    **dict.fromkeys(("seed", "data_seed"), "a training has one seed, beside its settings"),
    **dict.fromkeys(
        ("do_train", "do_eval", "do_predict", "eval_strategy", "eval_steps", "eval_delay",
         "eval_on_start"),
        "the monitor looks at what is held out",
    ),
    **dict.fromkeys(
        ("model_init_kwargs", "trust_remote_code", "chat_template_path", "eos_token", "pad_token"),
        "the harness loads model and tokenizer",
    ),
    **dict.fromkeys(
        ("remove_unused_columns", "dataset_text_field", "dataset_kwargs", "completion_only_loss",
         "assistant_only_loss", "packing", "truncation_mode", "shuffle_dataset",
         "train_sampling_strategy"),
        "the harness makes the examples and their order",
    ),
    **dict.fromkeys(
        ("fsdp", "fsdp_config", "deepspeed", "parallelism_config"),
        "weights are not sharded here; lora_rank and gradient_checkpointing save memory",
    ),
    "disable_dropout": "all chance is off, in every trainer",
    "reward_weights": "each reward has its weight beside the settings; from Python"
    " `reward_weights` beside `reward_funcs`",
    **dict.fromkeys(("push_to_hub", "hub_model_id", "hub_token"), "TRL would push resume states"),
}  # fmt: skip
"""Fields that cannot be set, and why."""

RENAMED = {
    "gradient_checkpointing_kwargs": "activation_checkpointing_kwargs",
}
"""Older names that count only where the newer one is not set; the harness sets the newer one."""


SWITCHES = {"scale_rewards"}
"""Fields that TRL calls texts and reads true and false of, too."""


def own_name(name: str, settings: Collection[str]) -> str:
    """Return the setting that TRL or peft calls by another name, "" where there is none."""
    known = (*SETTINGS.get(name, ()), *OTHER_NAMES.get(name, ()))
    return next((one for one in known if one in settings), "")


def is_field(config: str, name: str) -> bool:
    """Tell whether one of TRL's configurations has a field that may be set."""
    return name in _hints(config) and name not in KEPT


def problems_with(config: str, values: Mapping[str, Any], settings: Collection[str]) -> list[str]:
    """Return what is wrong with fields of one of TRL's configurations, a line each.

    Args:
        config: Name of the configuration in ``trl``.
        values: Fields by name.
        settings: Names of the trainer's own settings.
    """
    hints = _hints(config)
    found = []
    for name, value in values.items():
        own = own_name(name, settings) if name in SETTINGS else ""
        if name not in hints:
            near = did_you_mean(str(name), hints) or f"see {config} of TRL"
            found.append(f"trl.{name}: unknown field of {config}; {near}")
        elif own:
            found.append(f"trl.{name}: write it as the setting {own}")
        elif name in KEPT:
            found.append(f"trl.{name}: cannot be set: {KEPT[name]}")
        elif (kind := _wrong(hints[name], value)) is not None:
            found.append(f"trl.{name}: must be {kind}, got {value!r:.60}")
        elif wrong := wrong_value(config, name, values, partial(_default, config)):
            found.append(f"trl.{name}: {wrong}")
    return found


def passed_on(config: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as TRL takes them: of their types, under their newer names."""
    from pydantic import TypeAdapter

    hints = _hints(config) if values else {}
    return {
        RENAMED.get(name, name): TypeAdapter(hints[name]).validate_python(
            _listed(hints[name], value)
        )
        for name, value in values.items()
    }


def _hints(config: str) -> dict[str, Any]:
    """Return the types of a configuration's fields."""
    from dataclasses import fields
    from typing import get_type_hints

    import trl

    kind = getattr(trl, config)
    hints = get_type_hints(kind)
    found = {field.name: hints[field.name] for field in fields(kind) if field.init}
    return {name: hint | bool if name in SWITCHES else hint for name, hint in found.items()}


def _default(config: str, name: str) -> Any:
    """Return TRL's default of a field, None where it has none or no such field."""
    from dataclasses import MISSING, fields

    import trl

    found = next((one for one in fields(getattr(trl, config)) if one.name == name), None)
    if found is None:
        return None
    if found.default_factory is not MISSING:
        return found.default_factory()
    return None if found.default is MISSING else found.default


def _listed(hint: Any, value: Any) -> Any:
    """Return a single text as a list where TRL takes nothing else, as for ``loss_type`` of DPO."""
    return [value] if hint == list[str] and isinstance(value, str) else value


def _wrong(hint: Any, value: Any) -> str | None:
    """Return the type of a field in words where a value is of another, else None."""
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(hint).validate_python(_listed(hint, value))
    except ValidationError:
        return str(hint.__name__ if isinstance(hint, type) else hint).replace("typing.", "")
    return None
