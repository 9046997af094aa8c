"""A rollout with everything that updates need."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from harness.policy.sampling import Rollout, rows_of
from harness.policy.scoring import trimmed

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Experience:
    """A rollout with everything that the updates need; (n, C) each.

    Args:
        rollout: What was sampled.
        logprobs: Of the policy that sampled.
        values: Of the critic; None without one.
        advantages: Of each token.
        returns: What the critic should have said; None without one.
        mask: The completion mask without the rows that have nothing to learn from.
        reference: Log-probabilities of the reference where the loss has a KL penalty, else None.
        penalty: Strength of that penalty.
    """

    rollout: Rollout
    logprobs: Tensor
    values: Tensor | None
    advantages: Tensor
    returns: Tensor | None
    mask: Tensor
    reference: Tensor | None = None
    penalty: float = 0.0

    def rows(self, index: Any) -> Experience:
        """Return some sequences, a slice or a tensor of row numbers, without columns of padding."""
        rollout = trimmed(rows_of(self.rollout, index))
        width = rollout.completion_ids.size(1)
        found: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        tensors = {
            name: value[index, :width] for name, value in found.items() if hasattr(value, "shape")
        }
        return replace(self, rollout=rollout, **tensors)
