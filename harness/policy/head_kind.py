"""What a model does to the output of its last layer: nothing, or what bends the logits.

Log-probabilities are made from hidden states and the weights of the head, a few tokens at a time.
That is right only where the logits are the output of one linear layer on the body's states; some
models scale them or what goes in, cap them, shift them or ban tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from torch import Tensor

SIZES = (1e-3, 1.0, 30.0, 1e4)
"""Largest logits that are tried; a soft cap far above the last one bends nothing that occurs."""

_PLAIN: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def inner_of(model: Any) -> Any:
    """Return the model of transformers, without what an adapter or a process group wraps it in."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def plain_head(inner: Any) -> Any | None:
    """Return the linear layer whose output is the logits; None if the model does more to them.

    It is found out by what the model does, once: what goes into the layer must be the body's last
    hidden states, and other logits in place of its output must come out as they are, whatever their
    size. Both are compared bit for bit, so that small weights hide nothing.
    """
    import torch

    if not hasattr(inner, "get_output_embeddings"):
        return None
    head = inner.get_output_embeddings()
    if type(head) is not torch.nn.Linear or inner.base_model is inner:
        return None
    if inner not in _PLAIN:
        seen = tried_logits(inner, head)
        _PLAIN[inner] = bool(seen) and all(torch.equal(*pair) for pair in seen)
    return head if _PLAIN[inner] else None


def tried_logits(inner: Any, head: Any) -> list[tuple[Tensor, Tensor]]:
    """Return pairs that are equal with a plain head; none where the layer is not called.

    The first is of the body's states and what goes into the head, the others of logits in place of
    the head's output and what the model makes of them, float32.

    Args:
        inner: A model of transformers.
        head: Its last linear layer.
    """
    import torch

    ids = torch.tensor([[0, 1]], device=head.weight.device)
    spread = torch.linspace(-1, 1, 2 * head.out_features, device=ids.device).view(1, 2, -1)
    states: list[Any] = []
    came: list[Any] = []
    size = [1.0]

    def keep(_: Any, __: Any, output: Any) -> None:
        found = getattr(output, "last_hidden_state", None)
        states.append(output[0] if found is None else found)

    def replace(_: Any, arguments: Any, output: Any) -> Any:
        other = (spread * size[0]).expand(output.shape).to(output.dtype)
        came.append((arguments[0], other))
        return other

    hooks = [inner.base_model.register_forward_hook(keep), head.register_forward_hook(replace)]
    pairs: list[tuple[Tensor, Tensor]] = []
    try:
        with torch.no_grad():
            for size[0] in SIZES:
                found = inner(input_ids=ids, use_cache=False).logits
                if not states:  # some models call what is in their body
                    inner.base_model(input_ids=ids, use_cache=False)
                if len(came) != 1 or len(states) != 1:
                    return []
                into, other = came.pop()
                pairs += [(states.pop().float(), into.float()), (other.float(), found.float())]
    finally:
        for hook in hooks:
            hook.remove()
    return pairs


def bends_logits(inner: Any) -> bool:
    """Return whether a model without weights, of sizes alone, does more than a linear layer.

    It is seen in what it makes anew: the logits are the output of the layer itself, and what goes
    into it is a part of the body's states. A model that cannot be asked so does not.

    Args:
        inner: A model of transformers on the device "meta".
    """
    import torch

    head, body = inner.get_output_embeddings(), inner.base_model
    if head is None or body is inner:
        return False
    came: list[Tensor] = []
    asked: list[Tensor] = []
    states = torch.empty(1, 2, head.weight.size(1), device="meta")

    def answer(*_: Any, **__: Any) -> _States:
        asked.append(states)
        return _States(states)

    def keep(_: Any, arguments: Any, output: Any) -> Any:
        came.extend([arguments[0], torch.empty_like(output)])
        return came[1]

    hook = head.register_forward_hook(keep)
    body.forward = answer
    try:
        logits = inner(input_ids=torch.zeros(1, 2, dtype=torch.long, device="meta")).logits
    except (RuntimeError, TypeError, ValueError, AttributeError, LookupError):
        return False
    finally:
        hook.remove()
        del body.forward
    if len(came) != 2:
        return False
    # Some models call what is in their body.
    straight = _same_memory(came[0], states) if asked else True
    return not (straight and _same_memory(came[1], logits))


def _same_memory(one: Tensor, other: Tensor) -> bool:
    return bool(one.untyped_storage()._cdata == other.untyped_storage()._cdata)


class _States:
    """What a body returns: its last states, and nothing else."""

    def __init__(self, states: Tensor) -> None:
        self.last_hidden_state = states

    def __getattr__(self, name: str) -> None:
        return None

    def __getitem__(self, place: int) -> Tensor:
        return self.last_hidden_state
