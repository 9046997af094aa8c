"""The sizes of a model, from its configuration alone: no weights are read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.policy.head_kind import bends_logits
from harness.policy.models import base_of, configuration, is_adapter
from harness.records.rows import read_json


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a causal language model.

    Attributes:
        parameters: All weights; those that embedding and head share count once.
        body: Weights without a head of its own.
        linear: Weights of the linear layers of the body.
        edges: Inputs and outputs of these layers, added up: an adapter of rank r has r times as
            many weights.
        rank: Of the adapter that the checkpoint is; 0 of a whole model.
        layers: Layers.
        hidden: Width of the hidden states.
        inner: Values that the feed-forward part of a layer keeps of a token for its gradient.
        heads: Heads of attention; 0 where a state is carried from token to token.
        keys: Width of keys, or values, of a layer.
        vocabulary: Tokens.
        attention: What computes it, in the words of transformers.
        bent: Whether the model does more to its logits than one linear layer.
    """

    parameters: int
    body: int
    linear: int
    edges: int
    rank: int
    layers: int
    hidden: int
    inner: int
    heads: int
    keys: int
    vocabulary: int
    attention: str
    bent: bool = False


def shape_of(path: str | Path, attention: str | None = None) -> Shape:
    """Return the sizes of a checkpoint, or of an adapter's base, under some attention.

    Raises:
        InputError: There is no checkpoint.
    """
    rank = 0
    if is_adapter(path):
        rank = int(read_json(Path(path) / "adapter_config.json").get("r") or 0)
        path = base_of(path)
    return measured(configuration(path), rank, attention)


def measured(config: Any, rank: int = 0, attention: str | None = None) -> Shape:
    """Return the sizes of a model with a configuration of transformers."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.pytorch_utils import Conv1D

    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    head = model.get_output_embeddings()
    layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear | Conv1D) and m != head]
    parameters = sum(p.numel() for p in model.parameters())
    text = config.get_text_config()
    hidden, heads = text.hidden_size, int(getattr(text, "num_attention_heads", 0) or 0)
    wide = (getattr(text, "head_dim", None) or hidden // heads) if heads else 0
    keys = wide * (getattr(text, "num_key_value_heads", None) or heads)
    linear = sum(layer.weight.numel() for layer in layers)
    forward = linear // text.num_hidden_layers - 2 * hidden * (heads * wide + keys)
    return Shape(
        parameters=parameters,
        body=sum(p.numel() for p in model.base_model.parameters()),
        linear=linear,
        edges=sum(sum(layer.weight.shape) for layer in layers),
        rank=rank,
        layers=text.num_hidden_layers,
        hidden=hidden,
        inner=_kept_inside(text, forward),
        heads=heads,
        keys=keys,
        vocabulary=text.vocab_size,
        attention=attention or str(model.config._attn_implementation),
        bent=bends_logits(model),
    )


def _kept_inside(config: Any, weights: int) -> int:
    """Return the values that the feed-forward part of a layer keeps of a token for its gradient."""
    names = ("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size")
    found = (getattr(config, name, None) for name in names)
    width = next((width for width in found if width), 4 * config.hidden_size)
    gated = weights > 2.5 * config.hidden_size * width
    written_out = "new" in str(getattr(config, "activation_function", ""))
    # With a gate: it, its activation, what it is multiplied with, the product. Else two of them,
    # unless the activation is written out in Python, whose parts are kept, too.
    return int(width * (4 if gated or written_out else 2))
