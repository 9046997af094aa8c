"""New LoRA adapters: what they are put on, and their configuration for peft."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.nouns.errors import ConfigError
from harness.nouns.nearest import did_you_mean
from harness.policy.models import configuration
from harness.train.settings import TrainerSettings

ALL = "all-linear"


def lora_config(settings: TrainerSettings, task: str) -> Any:
    """Return peft's configuration of a new adapter, None when all weights are trained."""
    if not settings.lora_rank:
        return None
    from peft import LoraConfig

    names = settings.lora_target_modules or (ALL,)
    return LoraConfig(
        r=settings.lora_rank,
        lora_alpha=_whole(settings.lora_alpha or 2 * settings.lora_rank),
        lora_dropout=settings.lora_dropout,
        target_modules=ALL if ALL in names else list(names),
        task_type=task,
        modules_to_save=["score"] if task == "SEQ_CLS" else None,
    )


def _whole(number: float) -> float:
    return int(number) if number == int(number) else number


def keep_dropout(model: Any, settings: TrainerSettings) -> None:
    """Give a new adapter its dropout, which TRL switches off with that of the model.

    One that was loaded has none, nor has the copy that TRL makes of it as the reference.
    """
    for name, module in model.named_modules():
        if "lora_dropout" in name and hasattr(module, "p"):
            module.p = settings.lora_dropout


def edges_of(settings: TrainerSettings, model: str | Path) -> int | None:
    """Return inputs and outputs of the layers that a new adapter is put on, added up.

    None where it is put on all linear layers, or there is none.

    Raises:
        ConfigError: No layer has one of the names, or none that an adapter can be put on.
    """
    names = settings.lora_target_modules or (ALL,)
    if not settings.lora_rank or ALL in names:
        return None
    import torch
    from torch import nn
    from transformers import AutoModelForCausalLM
    from transformers.pytorch_utils import Conv1D

    with torch.device("meta"):
        whole = AutoModelForCausalLM.from_config(configuration(model))
    taken = (nn.Linear, nn.Embedding, Conv1D)
    head = whole.get_output_embeddings()  # TRL and reward models go round it
    layers = {
        name: one
        for name, one in whole.named_modules()
        if isinstance(one, taken) and one is not head
    }
    known = sorted({name.rpartition(".")[2] for name in layers})
    found: set[str] = set()
    for wanted in names:
        ends = {name for name in layers if name == wanted or name.endswith(f".{wanted}")}
        if not ends:
            near = did_you_mean(wanted, known) or f"there are {', '.join(known)}"
            raise ConfigError(
                f"lora_target_modules: the model has no layer {wanted!r} for an adapter",
                where=str(model),
                hint=near,
            )
        found |= ends
    return sum(sum(layers[name].weight.shape) for name in found)
