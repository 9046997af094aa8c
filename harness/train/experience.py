"""From a rollout that is scored to everything that updates need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from harness.policy.sampling import Rollout, rows_of
from harness.policy.scoring import trimmed
from harness.train.advantages import ESTIMATORS, Rewarded, estimate
from harness.train.losses import masked_moments, truncated_weights
from harness.train.ppo_settings import PpoSettings

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Scored:
    """A rollout and what is said of it; (n, C) each.

    Args:
        rollout: What was sampled.
        rewards: Of each completion; None where nobody could judge it.
        logprobs: Of the policy in training.
        reference: Log-probabilities of the reference.
        values: Of the critic; None without one.
    """

    rollout: Rollout
    rewards: Sequence[float | None]
    logprobs: Tensor
    reference: Tensor
    values: Tensor | None


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


def experience_of(
    scored: Scored, settings: PpoSettings, beta: float, same: bool
) -> tuple[Experience, dict[str, Any]]:
    """Return what updates need of a rollout, and what the log says of rewards and advantages.

    Args:
        scored: The rollout of all ranks.
        settings: Of the training.
        beta: Strength of the KL penalty.
        same: Whether the policy itself sampled; what another engine drew is corrected.
    """
    import torch

    rollout, logprobs, rewards = scored.rollout, scored.logprobs, scored.rewards

    def exact(x: Tensor) -> Tensor:
        return x.detach().cpu().double()  # not every kind of device has float64

    known = torch.tensor([r is not None for r in rewards])
    scores = torch.tensor([0.0 if r is None else r for r in rewards], dtype=torch.float64)
    row: dict[str, Any] = {
        "reward": float(masked_moments(scores, known.double())[0]) if known.any() else math.nan,
        "coverage": float(known.double().mean()),
        "beta": beta,
    }
    given = Rewarded(
        scores=_shaped(scores, known, rollout.ended.cpu(), settings),
        known=known,
        kl=exact(logprobs) - exact(scored.reference),
        mask=exact(rollout.completion_mask),
        beta=beta,
        group_size=settings.completions_each,
        gamma=settings.gamma,
        gae_lambda=settings.gae_lambda,
        values=None if scored.values is None else exact(scored.values),
    )
    found, more = estimate(settings.advantage_estimator, given, settings.whitens)
    found = found.to(logprobs)
    advantages, most = found.advantages, settings.importance_sampling_clip_max
    if not same and most:
        weights, more["importance_clipped"] = truncated_weights(
            logprobs, rollout.drawn, found.mask, most
        )
        advantages = advantages * weights
    in_loss = ESTIMATORS[settings.advantage_estimator].penalty == "loss"
    experience = Experience(
        rollout,
        logprobs,
        scored.values,
        advantages,
        found.returns,
        found.mask,
        scored.reference if in_loss else None,
        beta if in_loss else 0.0,
    )
    return experience, row | more


def _shaped(scores: Tensor, known: Tensor, ended: Tensor, settings: PpoSettings) -> Tensor:
    """Normalize and clip rewards as the settings say."""
    if settings.whiten_rewards:
        _, variance = masked_moments(scores, known.double())
        if variance > 0:
            scores = scores / variance.sqrt()
    if settings.clip_reward:
        scores = scores.clamp(-settings.clip_reward, settings.clip_reward)
    return scores - settings.missing_eos_penalty * (~ended).to(scores.dtype)
