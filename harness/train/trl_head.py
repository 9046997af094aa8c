"""Whether TRL makes of a model's hidden states what the model itself makes of them.

TRL projects them onto the vocabulary in parts of its own, and reads from the configuration what a
model does to its logits. What it does not read there it leaves out without a word. In GRPO and RLOO
it pads prompts on the left without saying where they begin: models count the padding among their
positions unless they are told, and some take what stands there for text.
"""

from __future__ import annotations

import inspect
from typing import Any

from harness.nouns.errors import ConfigError
from harness.policy.head_kind import inner_of
from harness.policy.padding import positions
from harness.policy.recurrent import is_recurrent

LARGE = 30.0
"""Logits up to this size are compared: a scale or a cap shows, and nothing overflows."""


def check_head(model: Any, temperature: float = 1.0) -> None:
    """Refuse a model whose log-probabilities TRL gets wrong.

    Args:
        model: As TRL's trainer prepared it, perhaps with an adapter.
        temperature: Of the trainer's log-probabilities.

    Raises:
        ConfigError: They are not those of the model's own logits.
    """
    inner = inner_of(model)
    apart = head_gap(inner, temperature)
    if apart > (0.01 if inner.dtype.itemsize == 4 else 1.0):
        raise ConfigError(
            f"{inner.config.model_type}: TRL leaves out what this architecture does to its logits:"
            f" its log-probabilities are off by up to {apart:.3g} nats",
            hint="ppo and online_dpo, also with advantage_estimator: grpo or rloo, train it",
        )


def head_gap(inner: Any, temperature: float = 1.0) -> float:
    """Return the largest difference in nats of a few tokens; 0 where TRL makes no own logits."""
    import torch

    head = inner.get_output_embeddings()
    if head is None:
        return 0.0
    ids = torch.arange(8, device=inner.device).remainder(head.weight.size(0)).unsqueeze(0)
    weights = head.weight.detach().clone()
    with torch.no_grad():
        try:
            largest = float(inner(input_ids=ids, use_cache=False).logits.abs().max())
            head.weight.mul_(LARGE / largest if largest else 1.0)
            own = inner(input_ids=ids, labels=ids, fused_lm_head=True)
            if getattr(own, "log_probs", None) is None:
                return 0.0
            logits = inner(input_ids=ids, use_cache=False).logits[:, :-1].float() / temperature
        except TypeError:  # its forward takes no such argument
            return 0.0
        finally:
            head.weight.copy_(weights)
        wanted = logits.log_softmax(-1).gather(-1, ids[:, 1:].unsqueeze(-1)).squeeze(-1)
        return float((own.log_probs - wanted).abs().max())


def check_adapted(policy: Any, reference: bool) -> None:
    """Refuse a loaded adapter that TRL cannot train further.

    Args:
        policy: The model with its adapter, or a model without any.
        reference: Whether a frozen copy of the adapter is wanted beside it.

    Raises:
        ConfigError: It changes the head, which TRL reads as it is, or has biases of its own, of
            which peft holds one set.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import TrainableTokensWrapper

    if not hasattr(policy, "peft_config"):
        return
    head = policy.get_base_model().get_output_embeddings()
    bias = getattr(policy.peft_config["default"], "bias", "none")
    if isinstance(head, BaseTunerLayer | TrainableTokensWrapper):
        raise ConfigError(
            "the adapter is on the model's last layer, also where that shares its weights with the"
            " embeddings, and TRL reads that layer without it",
            hint="ppo and online_dpo train it, or merge it into its base and train with lora_rank",
        )
    if reference and bias != "none":
        raise ConfigError(
            f"the adapter has biases (bias: {bias}), and peft holds no reference beside it",
            hint="merge it into its base and train that with lora_rank",
        )


def count_from_masks(model: Any) -> None:
    """Let a model that is given a mask and no positions take them from the mask.

    It is the body that is told, which an adapter's call of the model goes through as well.
    """
    body = inner_of(model).base_model
    if takes_positions(body):
        body.register_forward_pre_hook(_with_positions, with_kwargs=True)


def takes_positions(body: Any) -> bool:
    """Return whether a body of transformers can be told the positions of its tokens."""
    return "position_ids" in inspect.signature(body.forward).parameters


def _with_positions(_: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
    mask, tokens = named.get("attention_mask"), [*given, named.get("input_ids")]
    tokens.append(named.get("inputs_embeds"))
    if named.get("position_ids") is not None or getattr(mask, "ndim", 0) != 2 or len(given) > 1:
        return None
    width = next(one.size(1) for one in tokens if one is not None)
    return given, {**named, "position_ids": positions(mask)[:, -width:]}


def check_padding(model: Any) -> None:
    """Refuse a model that reads padding before a prompt, which GRPO and RLOO of TRL put there.

    Args:
        model: After `count_from_masks`.

    Raises:
        ConfigError: It does.
    """
    inner = inner_of(model)
    if takes_positions(inner.base_model) and not is_recurrent(inner):
        return
    if padding_gap(inner) > (1e-3 if inner.dtype.itemsize == 4 else 0.05):
        raise ConfigError(
            f"{inner.config.model_type}: this architecture reads the padding that TRL puts before"
            " prompts",
            hint="ppo with advantage_estimator: grpo or rloo trains it",
        )


def padding_gap(inner: Any) -> float:
    """Return by how much padding before a prompt moves its logits, as a share of the largest."""
    import torch

    ids = torch.arange(1, 8, device=inner.device).unsqueeze(0)
    padded = torch.cat([torch.zeros_like(ids), ids], 1)
    mask = torch.cat([torch.zeros_like(ids), torch.ones_like(ids)], 1)
    with torch.no_grad():
        alone = inner(input_ids=ids, use_cache=False).logits.float()
        beside = inner(input_ids=padded, attention_mask=mask, use_cache=False).logits.float()
    beside = beside[:, ids.size(1) :]
    return float((alone - beside).abs().max() / alone.abs().max())
