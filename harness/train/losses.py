"""The arithmetic of PPO: pure functions of tensors, without state, I/O or randomness.

Shapes: n sequences, C completion columns, of all ranks. ``mask`` is 1 at tokens that count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING = 1e-13
"""Numbers of float64 that differ by less than this share of their mean do so by rounding only.

A sum of some rewards is off by a few times 1e-16 of itself.
"""

VARIANCE_FLOOR = 1e-8
"""Added to a variance before a division by its root, as TRL's whitening does.

Scores that a network gives to one text in several batches differ in the seventh digit: that does
not become a difference of 1.
"""


def deviations(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean of the masked elements of each row, (n, 1), and their distances from it.

    The distances are 0 where there is no mask, and where a row's numbers are equal but for
    rounding. They are found from the first number on, so that however large one number is added to
    all of them changes nothing.

    Args:
        x: (n, C).
        mask: (n, C).
    """
    first = x.gather(1, mask.argmax(1, keepdim=True))
    away = (x - first) * mask
    middle = away.sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)
    mean, away = first + middle, (away - middle) * mask
    return mean, away * (away.abs().amax(1, keepdim=True) > ROUNDING * mean.abs())


def masked_moments(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and population variance over the masked elements; both are 0 without any."""
    count = mask.sum()
    mean, away = deviations(x.reshape(1, -1), mask.reshape(1, -1))
    return mean.squeeze() * (count > 0), (away**2).sum() / count.clamp(min=1)


def masked_whiten(x: Tensor, mask: Tensor) -> Tensor:
    """Return x with mean 0 and variance 1 over the masked elements, 0 elsewhere.

    And 0 everywhere if they are all equal.
    """
    _, away = deviations(x.reshape(1, -1), mask.reshape(1, -1))
    variance = (away**2).sum() / mask.sum().clamp(min=1)
    return (away * (variance + VARIANCE_FLOOR).rsqrt()).reshape(x.shape)


def token_rewards(scores: Tensor, kl: Tensor, beta: float, mask: Tensor) -> Tensor:
    """Return rewards per token, (n, C): the KL penalty everywhere, the score at the last token.

    Ziegler et al. 2019, equation 2, with the k1 estimate of the KL divergence.

    Args:
        scores: (n,) reward of each completion.
        kl: (n, C) log-ratio of policy and reference at the sampled tokens.
        beta: Strength of the penalty.
        mask: (n, C), every row with at least one token.
    """
    rewards = -beta * kl * mask
    last = (mask.cumsum(1) * mask).argmax(1, keepdim=True)
    return rewards.scatter_add(1, last, scores.unsqueeze(1).to(rewards.dtype))


def gae(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Return advantages and returns, (n, C): Schulman et al. 2016, equations 11 to 16.

    The value after the last real token is 0: a completion is an episode that ends. Tokens between
    two turns that the policy did not write are no steps of it: they pass credit through.
    """
    advantages = rewards.new_zeros(rewards.shape)
    running = rewards.new_zeros(rewards.size(0))
    following = rewards.new_zeros(rewards.size(0))
    for column in reversed(range(rewards.size(1))):
        here = mask[:, column]
        delta = rewards[:, column] + gamma * following - values[:, column]
        running = (delta + gamma * lam * running).where(here > 0, running)
        following = values[:, column].where(here > 0, following)
        advantages[:, column] = running * here
    return advantages, (advantages + values) * mask


@dataclass(frozen=True)
class PolicyLoss:
    """Sums over masked tokens; divide by the number of tokens of the whole optimizer step."""

    loss: Tensor
    clipped: Tensor
    approx_kl: Tensor
    ratio_error: Tensor


def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float,
    log_ratio_clip: float,
) -> PolicyLoss:
    """Return the clipped surrogate (Schulman et al. 2017, equation 7), as a sum over tokens.

    Args:
        logprobs: (n, C) of the policy in training.
        old_logprobs: (n, C) of the policy that sampled.
        advantages: (n, C).
        mask: (n, C).
        clip: Range of the ratio.
        log_ratio_clip: The log-ratio is clipped to plus or minus this before exp, so that one
            token cannot overflow a whole batch.

    Returns:
        The loss; tokens where the clip binds; the k3 estimate of the divergence between the policy
        that sampled and the one in training; and the largest distance of a ratio from 1.
    """
    log_ratio = (logprobs - old_logprobs).clamp(-log_ratio_clip, log_ratio_clip)
    ratio = log_ratio.exp()
    plain = -advantages * ratio
    clipped = -advantages * ratio.clamp(1 - clip, 1 + clip)
    loss = (plain.maximum(clipped) * mask).sum()
    with_clip = ((clipped > plain) * mask).sum()
    approx_kl = ((ratio - 1 - log_ratio) * mask).sum()
    return PolicyLoss(
        loss, with_clip.detach(), approx_kl.detach(), ((ratio - 1).abs() * mask).max().detach()
    )


def kl_loss(logprobs: Tensor, reference: Tensor, mask: Tensor, log_ratio_clip: float) -> Tensor:
    """Return the k3 estimate of the divergence from the reference, as a sum over tokens.

    Schulman 2020; the penalty of GRPO (Shao et al. 2024, equation 4).
    """
    log_ratio = (reference - logprobs).clamp(-log_ratio_clip, log_ratio_clip)
    return ((log_ratio.exp() - 1 - log_ratio) * mask).sum()


def truncated_weights(
    logprobs: Tensor, drawn: Tensor, mask: Tensor, most: float
) -> tuple[Tensor, float]:
    """Return weights of tokens that another engine drew, (n, C), and the share that was clipped.

    min(p / q, most), of p by the policy that scores and q by the engine that drew: truncated
    importance sampling (Ionides 2008), which turns a sum over what q drew into nearly one over p.

    Args:
        logprobs: (n, C) of the policy that scores.
        drawn: (n, C) of the engine.
        mask: (n, C).
        most: Upper end of a weight.
    """
    ratio = (logprobs - drawn).exp()
    clipped = ((ratio > most) * mask).sum() / mask.sum().clamp(min=1)
    return ratio.clamp(max=most) * mask, float(clipped)


def value_loss(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, clip: float
) -> tuple[Tensor, Tensor]:
    """Return half the squared error of the values, clipped around the old ones, as a sum.

    Also returns the number of tokens where the clip binds.
    """
    near = old_values + (values - old_values).clamp(-clip, clip)
    plain, clipped = (values - returns) ** 2, (near - returns) ** 2
    loss = 0.5 * (plain.maximum(clipped) * mask).sum()
    beyond = (values - old_values).abs() > clip  # within it, near and the value differ by rounding
    return loss, ((clipped > plain) * beyond * mask).sum().detach()


def explained_variance(values: Tensor, returns: Tensor, mask: Tensor) -> Tensor:
    """Return 1 - Var(returns - values) / Var(returns); NaN when the returns do not vary."""
    _, error = masked_moments(returns - values, mask)
    _, spread = masked_moments(returns, mask)
    return 1 - error / spread.where(spread > 0, math.nan)


def adapted_beta(
    beta: float, kl_sequence: float, target: float, sequences: int, horizon: int
) -> float:
    """Return the next KL coefficient: the proportional controller of Ziegler et al. 2019, 2.2.

    Args:
        beta: The coefficient now.
        kl_sequence: Measured KL divergence per sequence, in nats.
        target: Wanted one.
        sequences: Sequences it was measured on.
        horizon: Sequences over which the coefficient moves by the full error.
    """
    error = min(max(kl_sequence / target - 1, -0.2), 0.2)
    return beta * (1 + error * sequences / horizon)
