"""Loading and saving of policies, tokenizers and reference policies, with or without LoRA."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.chat import hub
from harness.nouns.errors import InputError, MissingExtraError
from harness.policy.stillness import WANTED, keep_still
from harness.records.rows import read_json
from harness.records.writes import saving

LEARNT_PROMPTS = {
    "PROMPT_TUNING",
    "MULTITASK_PROMPT_TUNING",
    "P_TUNING",
    "PREFIX_TUNING",
    "CPT",
    "CARTRIDGE",
}
"""Kinds of peft's adapters that stand before a prompt, and change no weights."""


MISFITS = ("size mismatch", "mismatched_sizes", "padding_idx")
"""What torch, transformers and peft say of weights of other sizes than they expect."""


def require_train_extra() -> None:
    """Raise MissingExtraError when a library of the extra ``train`` is absent."""
    import importlib.util

    for module in ("torch", "transformers", "trl", "accelerate", "peft", "datasets"):
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(module, "train")


def has_bfloat16() -> bool:
    """Return whether there is a GPU that computes in bfloat16."""
    import torch

    return bool(torch.cuda.is_available() and torch.cuda.is_bf16_supported())


def is_adapter(path: str | Path) -> bool:
    """Return whether a folder holds a LoRA adapter rather than a whole model."""
    return (Path(path) / "adapter_config.json").is_file()


def base_of(adapter: str | Path) -> str:
    """Return the checkpoint folder or hub id that a LoRA folder was trained on.

    Raises:
        InputError: The adapter's configuration is damaged, or names no base.
    """
    path = Path(adapter) / "adapter_config.json"
    base = read_json(path).get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        raise InputError(
            f"base_model_name_or_path is {base!r:.60}",
            where=str(path),
            hint="name the checkpoint folder or the hub id that the adapter was trained on",
        )
    return base


def check_adapter(path: str | Path) -> None:
    """Refuse adapters that are learnt prompts: they are no part of what scores completions.

    Raises:
        InputError: The folder holds one.
    """
    kind = str(read_json(Path(path) / "adapter_config.json").get("peft_type"))
    if kind in LEARNT_PROMPTS:
        raise InputError(
            f"an adapter of type {kind} is a learnt prompt, and only weights are sampled from and"
            " trained",
            where=str(path),
            hint="use a LoRA adapter, or train one on its base with lora_rank",
        )


def load_tokenizer(path: str | Path) -> Any:
    """Return the tokenizer of a checkpoint, padding on the left.

    A tokenizer without a pad token pads with its EOS: masks are always made from lengths, so that a
    pad that equals EOS hides no sampled EOS. A LoRA folder without a tokenizer has its base's.

    Raises:
        InputError: There is no checkpoint, or its tokenizer has no EOS.
    """
    from transformers import AutoTokenizer

    where: str | Path = path
    if is_adapter(path) and not (Path(path) / "tokenizer_config.json").is_file():
        where = base_of(path)
    tokenizer: Any = _loaded(AutoTokenizer, where, padding_side="left")
    if tokenizer.eos_token_id is None:
        raise InputError(
            "the tokenizer has no EOS token, so no completion could end",
            where=str(where),
            hint="set eos_token in tokenizer_config.json",
        )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def context_length(path: str | Path) -> int | None:
    """Return the tokens that a checkpoint, or the base of an adapter, has positions for.

    None where its configuration does not say.

    Raises:
        InputError: There is no checkpoint.
    """
    config = configuration(base_of(path) if is_adapter(path) else path)
    found = getattr(config.get_text_config(), "max_position_embeddings", None)
    return found if isinstance(found, int) and found > 0 else None


def configuration(path: str | Path) -> Any:
    """Return the configuration of a checkpoint folder or a hub id.

    Raises:
        InputError: There is no checkpoint.
    """
    from transformers import AutoConfig

    return _loaded(AutoConfig, path)


def generation_config(path: str | Path) -> Any:
    """Return the generation config of a checkpoint, or of an adapter's base.

    Raises:
        InputError: There is no checkpoint.
    """
    from transformers import GenerationConfig

    try:
        return _loaded(GenerationConfig, path)
    except InputError:
        if is_adapter(path):
            return generation_config(base_of(path))
        return GenerationConfig.from_model_config(configuration(path))


@dataclass(frozen=True, slots=True)
class Precision:
    """How the weights of a model stand in memory, and what computes its attention.

    Args:
        dtype: float32 or bfloat16; those of an adapter are float32.
        attention: transformers' ``attn_implementation``; None takes its choice.
    """

    dtype: str = "float32"
    attention: str | None = None

    def options(self) -> dict[str, Any]:
        """Return arguments of ``from_pretrained``."""
        return {"dtype": self.dtype, "attn_implementation": self.attention}


def load_policy(
    path: str | Path,
    *,
    trainable: bool = True,
    precision: Precision = Precision(),
) -> Any:
    """Return the causal language model of a checkpoint folder, a LoRA folder or a hub id.

    The weights (of a LoRA folder: the adapter's) take gradients if ``trainable``.

    Raises:
        InputError: There is no checkpoint, or it cannot be loaded.
    """
    from transformers import AutoModelForCausalLM

    if is_adapter(path):
        from peft import PeftModel

        check_adapter(path)
        base = settled(_loaded(AutoModelForCausalLM, base_of(path), **precision.options()))
        with warnings.catch_warnings():
            # transformers warns of an old name of its own, which peft still reads.
            warnings.filterwarnings("ignore", ".*gradient_checkpointing", FutureWarning)
            with fitting(path):
                model: Any = PeftModel.from_pretrained(base, str(path), is_trainable=trainable)
        for name, module in model.named_modules():
            if name.endswith(WANTED) and hasattr(module, "p"):
                module.p = 0.0
    else:
        model = settled(_loaded(AutoModelForCausalLM, path, **precision.options()))
        model.requires_grad_(trainable)
    return model.eval()


def settled(model: Any) -> Any:
    """Return a model without chance, as TRL and we expect it.

    Some have their body under another name than the one that transformers looks for, or count their
    experts under another than TRL does. RWKV divides its weights while it is in evaluation mode,
    against overflows in float16: so it would be trained and saved.
    """
    from transformers import PreTrainedModel

    bodies = [name for name, one in model.named_children() if isinstance(one, PreTrainedModel)]
    if model.base_model is model and len(bodies) == 1:
        type(model).base_model_prefix = bodies[0]  # TRL's copy has it, too
    config = model.config.get_text_config()
    if getattr(config, "rescale_every", 0):
        config.rescale_every = 0
    if hasattr(config, "num_local_experts") and not hasattr(config, "num_experts"):
        config.num_experts = config.num_local_experts
    return keep_still(model)


def save_final(model: Any, tokenizer: Any, path: Path) -> None:
    """Write the weights and the tokenizer, and nothing of the optimizer, all or nothing."""
    import shutil

    part = path.with_name(path.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    with saving(path):
        if getattr(model, "peft_config", None):
            model.save_pretrained(part, selected_adapters=["default"])  # not the frozen reference
        else:
            model.save_pretrained(part)
        tokenizer.save_pretrained(part)
    shutil.rmtree(path, ignore_errors=True)
    part.replace(path)


@dataclass(frozen=True)
class Reference:
    """The frozen policy that the KL divergence is measured against.

    Args:
        model: A model of its own, or the policy itself when its adapter makes the difference.
        adapter: With LoRA, the frozen adapter that is the reference: its name, "" for the base
            without any adapter, None when ``model`` is a model of its own.
    """

    model: Any
    adapter: str | None = None

    def active(self) -> AbstractContextManager[Any]:
        """Return a context in which ``model`` computes what the reference policy computes."""
        if self.adapter is None:
            return nullcontext()
        if self.adapter == "":
            context: AbstractContextManager[Any] = self.model.disable_adapter()
            return context
        return _adapter(self.model, self.adapter)


@contextmanager
def _adapter(model: Any, name: str) -> Iterator[None]:
    """Switch to a frozen adapter and back; both ways leave the trained one trainable."""
    before = model.active_adapter
    model.set_adapter(name)
    model.requires_grad_(False)
    try:
        yield
    finally:
        model.set_adapter(before)


def reference_of(policy: Any, path: str | Path, precision: Precision) -> Reference:
    """Return the reference for a policy that was just loaded from ``path``.

    A whole model gets a frozen copy. A LoRA policy shares its base: the reference is a frozen copy
    of the loaded adapter, not the bare base, so that the KL divergence starts at 0. One with biases
    gets a whole copy: peft holds one set of them.
    """
    if not is_adapter(path) or getattr(policy.peft_config["default"], "bias", "none") != "none":
        return Reference(load_policy(path, trainable=False, precision=precision))
    if "reference" not in policy.peft_config:
        policy.load_adapter(str(path), adapter_name="reference", is_trainable=False)
        policy.set_adapter("default")
        policy.eval()
    return Reference(policy, "reference")


def _loaded(kind: Any, path: str | Path, **options: Any) -> Any:
    """Return what transformers loads from a folder or a hub id."""
    text = str(path)
    # A hub id is "owner/name"; anything that looks like a folder must be one.
    looks_like_a_folder = Path(text).is_absolute() or text.startswith((".", "~"))
    if not Path(text).is_dir():
        if looks_like_a_folder or text.count("/") > 1:
            raise InputError("there is no such model folder", where=text)
        options["local_files_only"] = not hub.answers()
    try:
        with fitting(text):
            return kind.from_pretrained(text, **options)
    except (OSError, ValueError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"cannot load the policy: {reason:.300}", where=text) from error


@contextmanager
def fitting(path: str | Path) -> Iterator[None]:
    """Say of what is loaded that its weights are not those of its configuration, or of its base.

    Raises:
        InputError: They are not.
    """
    try:
        yield
    except (RuntimeError, AssertionError) as error:
        reason = " ".join(str(error).split())
        adapted = is_adapter(path)
        if not any(one in reason.lower() for one in MISFITS):
            raise
        raise InputError(
            (
                "the adapter does not fit its base: "
                if adapted
                else "the weights do not fit the configuration: "
            )
            + f"{reason:.300}",
            where=str(path),
            hint=f"name the base that it was trained on, {base_of(path)} as it was then, with"
            " embeddings as many; or merge it into that, and use the merged model"
            if adapted
            else "save model and configuration together: model.save_pretrained",
        ) from error
