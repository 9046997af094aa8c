"""Values of TRL's fields that TRL refuses only while it trains, or that would do nothing.

Whoever sets a field means it: one without effect is refused, like one that TRL does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CHOICES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "DPOConfig": {
        "loss_type": (
            "sigmoid", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard",
            "aot", "aot_unpaired", "apo_zero", "apo_down", "discopop", "sft", "sigmoid_norm",
        ),
        "f_divergence_type": ("reverse_kl", "forward_kl", "js_divergence", "alpha_divergence"),
    },
    "KTOConfig": {"loss_type": ("kto", "apo_zero_unpaired")},
    "SFTConfig": {"loss_type": ("nll", "dft", "chunked_nll")},
    "GRPOConfig": {
        "loss_type": ("grpo", "bnpo", "dr_grpo", "dapo", "luspo", "cispo", "sapo", "vespo"),
        "importance_sampling_level": ("token", "sequence"),
        "scale_rewards": ("group", "batch", "none"),
    },
}  # fmt: skip
"""What texts may be, by configuration and field: TRL looks at some of them in the first step."""

PACKAGES: Mapping[str, str] = {
    "use_liger_kernel": "liger-kernel",
    "use_vllm": "vllm",
}
"""What fields need when they are set."""

ONLY_WITH: Mapping[str, tuple[str, tuple[Any, ...]]] = {
    "label_smoothing": ("loss_type", ("robust", "exo_pair", "aot", "aot_unpaired")),
    "discopop_tau": ("loss_type", ("discopop",)),
    "f_alpha_divergence_coef": ("f_divergence_type", ("alpha_divergence",)),
    **dict.fromkeys(("sapo_temperature_neg", "sapo_temperature_pos"), ("loss_type", ("sapo",))),
    **dict.fromkeys(
        ("vespo_k_pos", "vespo_lambda_pos", "vespo_k_neg", "vespo_lambda_neg"),
        ("loss_type", ("vespo",)),
    ),
    **dict.fromkeys(("ref_model_mixup_alpha", "ref_model_sync_steps"), ("sync_ref_model", (True,))),
    **dict.fromkeys(
        ("entropy_coef_min", "entropy_coef_max", "entropy_coef_delta", "entropy_target"),
        ("use_adaptive_entropy", (True,)),
    ),
    **dict.fromkeys(
        ("vllm_mode", "vllm_model_impl", "vllm_enable_sleep_mode", "vllm_structured_outputs_regex",
         "vllm_server_base_url", "vllm_server_host", "vllm_server_port", "vllm_server_timeout",
         "vllm_group_port", "vllm_gpu_memory_utilization", "vllm_max_model_length",
         "vllm_tensor_parallel_size", "vllm_importance_sampling_correction",
         "vllm_importance_sampling_mode", "vllm_importance_sampling_clip_max",
         "vllm_importance_sampling_clip_min", "vllm_importance_sampling_cap"),
        ("use_vllm", (True,)),
    ),
    "precompute_ref_batch_size": ("precompute_ref_log_probs", (True,)),
    "liger_kernel_config": ("use_liger_kernel", (True,)),
    "transformers_continuous_batching_config": (
        "use_transformers_continuous_batching", (True,),
    ),
    **dict.fromkeys(
        ("dataloader_prefetch_factor", "dataloader_persistent_workers",
         "dataloader_multiprocessing_context"),
        ("dataloader_num_workers", ()),
    ),
}  # fmt: skip
"""Fields that do something only where another has one of some values (``()``: any that is set)."""

NOTHING: Mapping[str, str] = {
    **dict.fromkeys(
        ("per_device_eval_batch_size", "eval_accumulation_steps", "eval_do_concat_batches",
         "eval_use_gather_object", "eval_packing", "batch_eval_metrics", "include_for_metrics",
         "prediction_loss_only", "bf16_full_eval", "fp16_full_eval", "num_generations_eval",
         "label_names"),
        "TRL evaluates nothing here: the monitor looks at what is held out",
    ),
    **dict.fromkeys(
        ("run_name", "project", "trackio_space_id", "trackio_bucket_id", "trackio_static_space_id",
         "logging_first_step", "num_completions_to_print", "log_unique_prompts", "log_multimodal",
         "log_completions_hub_repo"),
        "the harness writes the log and sends it to trackers",
    ),
    **dict.fromkeys(
        ("hub_private_repo", "hub_strategy", "hub_revision", "hub_always_push"),
        "the harness pushes the result",
    ),
    "length_column_name": "the harness makes the order of the examples",
    "packing_strategy": "rows are not packed",
}  # fmt: skip
"""Fields that never do anything here, and why."""


def wrong_value(config: str, name: str, values: Mapping[str, Any], default: Any) -> str:
    """Return what is wrong with the value of a field, "" where it is right.

    Args:
        config: Name of the configuration.
        name: Of the field.
        values: All fields that are given.
        default: Returns TRL's default of a field.
    """
    from importlib.util import find_spec

    value = values[name]
    allowed = CHOICES.get(config, {}).get(name)
    for one in value if isinstance(value, list) else [value]:
        if allowed and isinstance(one, str) and one not in allowed:
            return f"must be {' or '.join(allowed)}, got {one!r:.60}"
    package = PACKAGES.get(name, "")
    if value and package and not find_spec(package.replace("-", "_")):
        return f"needs the package {package}, which is not installed"
    if name == "fp16" and value and not _has_gpu():
        return "would do nothing without a GPU"
    if value == default(name):
        return ""
    if name in NOTHING:
        return f"would do nothing: {NOTHING[name]}"
    other, effective = ONLY_WITH.get(name, ("", ()))
    if not other:
        return ""
    found = values.get(other, default(other))
    found = found if isinstance(found, list) else [found]
    if any(one in effective if effective else one for one in found):
        return ""
    words = " or ".join(str(one).lower() for one in effective) or "above 0"
    return f"would do nothing: it is for {other} {words}"


def _has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())
