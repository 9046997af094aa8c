"""What the launcher and the machine are asked for, and is done here, or refused.

Accelerate's launcher, or a file of its configuration, says so in the environment, where some parts
of a training would look and others not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from harness.nouns.errors import ConfigError
from harness.policy.models import has_bfloat16

SHARDING = {
    "FSDP": "FSDP",
    "DEEPSPEED": "DeepSpeed",
    "MEGATRON_LM": "Megatron-LM",
    "PARALLELISM_CONFIG": "parallelism",
    "SAGEMAKER": "SageMaker",
}
"""What shards weights or spreads processes, by its part of the name of a variable."""

OFF = {"", "0", "false", "f", "no", "n", "off", "none"}


def check_launch(accumulation: int, given: Mapping[str, str] = os.environ) -> None:
    """Refuse what accelerate is configured for and this training does not do.

    Args:
        accumulation: Passes for one optimizer step, of the settings.
        given: The environment.

    Raises:
        ConfigError: Weights were to be sharded, of which each rank would write its part only; or
            accumulation, precision or a compiler are not those of the training.
    """

    def said(name: str) -> str:
        return given.get(f"ACCELERATE_{name}", "").strip().lower()

    for name, word in SHARDING.items():
        if said(f"USE_{name}") not in OFF:
            raise ConfigError(
                f"accelerate is configured for {word}, and weights are not sharded here",
                hint="launch with --multi_gpu; lora_rank and gradient_checkpointing save memory",
            )
    passes = said("GRADIENT_ACCUMULATION_STEPS")
    if passes not in {"", "1", "auto", str(accumulation)}:
        raise ConfigError(
            f"accelerate is configured for {passes} gradient accumulation steps, and the setting"
            f" accumulation is {accumulation}",
            hint=f"set accumulation to {passes}, or leave it out of accelerate's configuration",
        )
    precision, own = said("MIXED_PRECISION"), "bf16" if has_bfloat16() else "no"
    if precision not in OFF | {own}:
        raise ConfigError(
            f"accelerate is configured for mixed precision in {precision}, and here it is"
            f" {'bfloat16' if own == 'bf16' else 'none'}",
            hint="leave it out of accelerate's configuration: a GPU that computes in bfloat16 does;"
            " the setting dtype says how weights are kept",
        )
    compiler = said("DYNAMO_BACKEND")
    if compiler not in OFF:
        raise ConfigError(
            f"accelerate is configured for the compiler {compiler}, and nothing is compiled here",
            hint="leave dynamo_backend out of accelerate's configuration",
        )
    if said("GRADIENT_CLIPPING") not in OFF | {"auto"}:
        raise ConfigError(
            "accelerate is configured for gradient clipping", hint="write it as max_grad_norm"
        )


def check_attention(name: str | None) -> None:
    """Refuse what computes attention elsewhere, but not here.

    Raises:
        ConfigError: It does not.
    """
    import torch

    if name == "flex_attention" and not torch.cuda.is_available():
        raise ConfigError(
            "attn_implementation: flex_attention has no gradients without a GPU",
            hint="leave it out, or use sdpa",
        )
