"""Estimators of the advantage: what each token of a rollout gains or loses, from its rewards.

Pure functions of tensors. Shapes: n sequences, C completion columns; groups are sequences of one
prompt that stand next to each other. Rows without a reward are in no mean and move nothing.

Numbers are float64: rewards may be large and differ by little, or the other way round.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.train.losses import (
    deviations,
    explained_variance,
    gae,
    masked_moments,
    masked_whiten,
    token_rewards,
)

if TYPE_CHECKING:
    from torch import Tensor

STD_FLOOR = 1e-4
"""Added to a group's deviation before a division by it, as TRL's GRPO does."""


@dataclass(frozen=True, slots=True)
class Rewarded:
    """A rollout as an estimator sees it.

    Args:
        scores: (n,) reward of each completion, shaped as the settings say.
        known: (n,) bool, whether the row has a reward.
        kl: (n, C) log-ratio of policy and reference at the sampled tokens.
        mask: (n, C) float, 1 at the tokens of the completions.
        beta: Strength of the KL penalty.
        group_size: Completions of each prompt.
        gamma: Discount.
        gae_lambda: Lambda of GAE.
        values: (n, C) of the critic, None where there is none.
    """

    scores: Tensor
    known: Tensor
    kl: Tensor
    mask: Tensor
    beta: float
    group_size: int = 1
    gamma: float = 1.0
    gae_lambda: float = 0.95
    values: Tensor | None = None

    def token_rewards(self) -> Tensor:
        """Return the reward of each token, (n, C), with the KL penalty."""
        return token_rewards(self.scores, self.kl, self.beta, self.mask)

    def totals(self) -> Tensor:
        """Return the reward of each completion, (n,), with the KL penalty of all its tokens."""
        return self.scores - self.beta * (self.kl * self.mask).sum(1)

    def groups(self, x: Tensor) -> Tensor:
        """Return one row for each prompt."""
        return x.view(-1, self.group_size)


@dataclass(frozen=True, slots=True)
class Advantages:
    """What an estimator found.

    Args:
        advantages: (n, C).
        mask: (n, C), 1 at the tokens that are learnt from.
        returns: (n, C), what the critic should have said; None without one.
    """

    advantages: Tensor
    mask: Tensor
    returns: Tensor | None = None

    def to(self, like: Tensor) -> Advantages:
        """Return the same of the type, and on the device, of a tensor."""
        returns = None if self.returns is None else self.returns.to(like)
        return Advantages(self.advantages.to(like), self.mask.to(like), returns)


def _with_critic(given: Rewarded) -> Advantages:
    assert given.values is not None
    found = gae(given.token_rewards(), given.values, given.mask, given.gamma, given.gae_lambda)
    return Advantages(found[0], given.mask * given.known.unsqueeze(1), found[1])


def _to_go(given: Rewarded) -> Tensor:
    """Return the discounted sum of rewards from each token on."""
    rewards = given.token_rewards()
    return gae(rewards, rewards.new_zeros(rewards.shape), given.mask, given.gamma, 1.0)[0]


def reinforce(given: Rewarded) -> Advantages:
    """Return the rewards to go, without any baseline (Williams 1992)."""
    return Advantages(_to_go(given), given.mask * given.known.unsqueeze(1))


def reinforce_baseline(given: Rewarded) -> Advantages:
    """Return the rewards to go, less the mean reward of all other completions of the rollout.

    That of the others does not depend on the completion, so it adds no bias. A completion that is
    the only one with a reward has no baseline, and moves nothing.
    """
    totals, learnt = given.totals(), given.known & (given.known.sum() > 1)
    over = _over_the_others(totals.unsqueeze(0), given.known.unsqueeze(0)).squeeze(0)
    mask = given.mask * learnt.unsqueeze(1)
    return Advantages((_to_go(given) - totals.unsqueeze(1) + over.unsqueeze(1)) * mask, mask)


def rloo(given: Rewarded) -> Advantages:
    """Return the reward of a completion, less the mean of the others of its prompt.

    REINFORCE leave-one-out (Kool et al. 2019; Ahmadian et al. 2024): the whole completion is one
    action, and its KL penalty is part of its reward. A completion that is the only one of its
    prompt with a reward moves nothing.
    """
    known = given.groups(given.known)
    gain = _over_the_others(given.groups(given.totals()), known)
    return _of_completions(given, gain, known & (known.sum(1, keepdim=True) > 1))


def _over_the_others(x: Tensor, known: Tensor) -> Tensor:
    """Return what each number is above the mean of the others of its row, (n, C).

    That of n numbers is its distance from the mean of all, times n / (n - 1).
    """
    _, away = deviations(x, known.to(x.dtype))
    count = known.sum(1, keepdim=True)
    return away * (count / (count - 1).clamp(min=1))


def grpo(given: Rewarded) -> Advantages:
    """Return the reward of a completion in deviations from the mean of its prompt.

    Shao et al. 2024, section 4.1.2; the KL penalty is not in the reward but in the loss.
    """
    known = given.groups(given.known).to(given.scores.dtype)
    count = known.sum(1, keepdim=True)
    _, away = deviations(given.groups(given.scores), known)
    deviation = ((away**2).sum(1, keepdim=True) / (count - 1).clamp(min=1)).sqrt()
    return _of_completions(given, away / (deviation + STD_FLOOR), (known > 0) & (count > 1))


def online_dpo(given: Rewarded) -> Advantages:
    """Return what makes the policy gradient that of DPO on the two completions of each prompt.

    Guo et al. 2024: the one with the higher reward is preferred. The gradient of -log sigmoid(z),
    z = beta * (log-ratio of the preferred - that of the other), pushes the two log-probabilities
    up and down by beta * sigmoid(-z). Pairs of equal rewards, or without one, prefer nothing.
    """
    known, ratio = given.groups(given.known), given.groups((given.kl * given.mask).sum(1))
    sign = deviations(given.groups(given.scores), known.to(given.scores.dtype))[1].sign()
    z = given.beta * sign * (ratio - ratio.flip(1))
    preferred = known.all(1, keepdim=True) & (sign != 0)
    return _of_completions(given, given.beta * sign * (-z).sigmoid(), preferred)


def _of_completions(given: Rewarded, gain: Tensor, learnt: Tensor) -> Advantages:
    mask = given.mask * learnt.reshape(-1, 1)
    return Advantages(gain.reshape(-1, 1) * mask, mask)


@dataclass(frozen=True, slots=True)
class Estimator:
    """An estimator and what it needs.

    Args:
        function: The estimator.
        critic: Whether it needs a critic.
        group_size: Completions of each prompt by default.
        most: Completions of each prompt at most; 0 for any number.
        discounts: Whether tokens have rewards of their own, so that ``gamma`` means something.
        penalty: Where the KL penalty is: in the reward, in the loss, or within the advantage.
    """

    function: Callable[[Rewarded], Advantages]
    critic: bool = False
    group_size: int = 1
    most: int = 0
    discounts: bool = False
    penalty: str = "reward"


ESTIMATORS = {
    "gae": Estimator(_with_critic, critic=True, discounts=True),
    "reinforce": Estimator(reinforce, discounts=True),
    "reinforce_baseline": Estimator(reinforce_baseline, discounts=True),
    "rloo": Estimator(rloo, group_size=8),
    "grpo": Estimator(grpo, group_size=8, penalty="loss"),
    "online_dpo": Estimator(online_dpo, group_size=2, most=2, penalty="advantage"),
}
"""Every estimator by the name that the setting ``advantage_estimator`` has for it."""


def estimate(name: str, given: Rewarded, whiten: bool) -> tuple[Advantages, dict[str, Any]]:
    """Return the advantages of a rollout, whitened or not, and what the log says of them."""
    found = ESTIMATORS[name].function(given)
    row: dict[str, Any] = {}
    if given.values is not None and found.returns is not None:
        row["explained_variance"] = float(
            explained_variance(given.values, found.returns, found.mask)
        )
        row["value"] = float(masked_moments(given.values, found.mask)[0])
    if given.group_size > 1:
        row["zero_std_groups"] = equal_groups(given.groups(given.scores), given.groups(given.known))
    if whiten:
        white = masked_whiten(found.advantages, found.mask)
        found = Advantages(white, found.mask, found.returns)
    return found, row


def equal_groups(scores: Tensor, known: Tensor) -> float:
    """Return the share of the prompts with two rewards or more whose rewards are all equal.

    Equal but for rounding; NaN where no prompt has two rewards.

    Args:
        scores: Of the completions of each prompt, (prompts, completions).
        known: Whether there is such a reward.
    """
    _, away = deviations(scores, known.to(scores.dtype))
    several = known.sum(1) > 1
    return float((several & away.eq(0).all(1)).sum() / several.sum())
