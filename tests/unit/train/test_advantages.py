"""Estimators of the advantage: by hand, against the exact gradient, on a bandit, in the loop."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest
from small_ppo import training, weights_of

from harness.nouns.errors import ConfigError
from harness.train.advantages import ESTIMATORS, Rewarded, estimate
from harness.train.losses import kl_loss, policy_loss
from harness.train.trainers import settings_of

pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

WITHOUT_CRITIC = [name for name, estimator in ESTIMATORS.items() if not estimator.critic]


def tensor(values: Any) -> Any:
    import torch

    return torch.tensor(values, dtype=torch.float64)


def rewarded(scores: list[float | None], each: int, **others: Any) -> Rewarded:
    """Completions of one token each that are where their reference is."""
    import torch

    zeros = torch.zeros(len(scores), 1, dtype=torch.float64)
    given: dict[str, Any] = {"kl": zeros, "mask": zeros + 1, "beta": 0.0, **others}
    known = torch.tensor([score is not None for score in scores])
    return Rewarded(tensor([score or 0.0 for score in scores]), known, group_size=each, **given)


def advantages(name: str, given: Rewarded) -> list[float | None]:
    """Of each completion's first token; None where it moves nothing."""
    found = ESTIMATORS[name].function(given)
    return [
        value if learnt else None
        for value, learnt in zip(
            found.advantages[:, 0].tolist(), found.mask[:, 0].tolist(), strict=True
        )
    ]


half = 0.5 / (math.sqrt(0.5) + 1e-4)
BY_HAND: list[tuple[str, int, list[float | None], list[float | None]]] = [
    ("reinforce", 1, [1, 0, 3], [1, 0, 3]),
    ("reinforce", 1, [1, None, 3], [1, None, 3]),
    ("reinforce_baseline", 1, [1, 0, 5], [-1.5, -3, 4.5]),
    ("reinforce_baseline", 1, [1, None, 5], [-4, None, 4]),
    ("reinforce_baseline", 1, [None, 2, None], [None, None, None]),  # nothing to compare it with
    ("rloo", 3, [1, 0, 5, 2, 2, 2], [-1.5, -3, 4.5, 0, 0, 0]),
    ("rloo", 3, [1, None, 5, None, 2, None], [-4, None, 4, None, None, None]),
    ("grpo", 2, [1, 0, 2, 2], [half, -half, 0, 0]),
    ("grpo", 3, [1, None, 0, None, 2, None], [half, None, -half, None, None, None]),
    ("online_dpo", 2, [1, 0, 2, 2, None, 1], [0.5, -0.5, None, None, None, None]),
]


@pytest.mark.parametrize(("name", "each", "scores", "right"), BY_HAND)
def test_by_hand(
    name: str, each: int, scores: list[float | None], right: list[float | None]
) -> None:
    found = advantages(name, rewarded(scores, each, beta=1.0))
    assert [one is None for one in found] == [one is None for one in right]
    assert [one or 0 for one in found] == pytest.approx([one or 0 for one in right])


def test_grpo_divides_by_the_sample_deviation_of_the_rewards_that_there_are() -> None:
    """As TRL: deviations with n - 1, plus 1e-4."""
    import statistics

    groups = [[0.3, 1.0, 0.2, 5.0], [1.0, 2.0, 2.5]]
    found = advantages("grpo", rewarded([*groups[0], None, *groups[1]], 4))
    assert found.pop(4) is None
    right = [
        (one - statistics.mean(group)) / (statistics.stdev(group) + 1e-4)
        for group in groups
        for one in group
    ]
    assert found == pytest.approx(right)


def test_the_penalty_is_in_the_reward_to_go_or_of_the_whole_completion() -> None:
    kl = tensor([[0.1, 0.2, 0.4], [1.0, 0.0, 0.0]])
    mask = tensor([[1, 1, 1], [1, 1, 0]])
    given = rewarded([1, 3], 2, kl=kl, mask=mask, beta=0.5)
    to_go = ESTIMATORS["reinforce"].function(given).advantages
    assert to_go.tolist() == [pytest.approx([0.65, 0.7, 0.8]), pytest.approx([2.5, 3.0, 0.0])]
    whole = ESTIMATORS["rloo"].function(given).advantages
    assert whole.tolist() == [pytest.approx([-1.85] * 3), pytest.approx([1.85, 1.85, 0.0])]
    discounted = rewarded([1, 3], 2, kl=kl, mask=mask, gamma=0.5)
    halves = ESTIMATORS["reinforce"].function(discounted).advantages
    assert halves.tolist() == [pytest.approx([0.25, 0.5, 1.0]), pytest.approx([1.5, 3.0, 0.0])]


def gradient_of(name: str, logits: Any, arms: list[int], rewards: list[float | None]) -> Any:
    """Return the gradient of the loss of one rollout of one-token completions."""
    import torch

    logprobs = torch.log_softmax(logits, 0)[torch.tensor(arms)].unsqueeze(1)
    given = rewarded(rewards, max(ESTIMATORS[name].group_size and len(arms), 1))
    found = ESTIMATORS[name].function(given)
    loss = policy_loss(logprobs, logprobs.detach(), found.advantages, found.mask, 0.2, 10.0).loss
    return torch.autograd.grad(loss, logits)[0]


@pytest.mark.parametrize("name", ["reinforce", "reinforce_baseline", "rloo"])
def test_the_mean_over_all_rollouts_is_the_exact_gradient(name: str) -> None:
    """All rollouts of three draws from two arms, each with its probability: no bias at all."""
    logits = tensor([0.3, -0.4]).requires_grad_()
    chances, rewards = logits.detach().softmax(0), [1.0, 0.25]
    exact = -3 * chances[0] * chances[1] * (rewards[0] - rewards[1])
    mean = 0.0
    for arms in itertools.product(range(2), repeat=3):
        weight = math.prod(float(chances[arm]) for arm in arms)
        found = gradient_of(name, logits, list(arms), [rewards[arm] for arm in arms])
        mean += weight * float(found[0])
    assert mean == pytest.approx(float(exact))


def test_online_dpo_has_the_gradient_of_dpo() -> None:
    """Against autograd through -log sigmoid of the two log-ratios; two tokens each."""
    import torch

    generator = torch.Generator().manual_seed(0)
    logprobs = torch.randn(2, 2, generator=generator, dtype=torch.float64).requires_grad_()
    reference = torch.randn(2, 2, generator=generator, dtype=torch.float64)
    ratio = (logprobs - reference).sum(1)
    loss = -torch.nn.functional.logsigmoid(0.7 * (ratio[1] - ratio[0]))
    (right,) = torch.autograd.grad(loss, logprobs)
    kl = (logprobs - reference).detach()
    found = ESTIMATORS["online_dpo"].function(
        rewarded([1, 2], 2, kl=kl, mask=torch.ones_like(kl), beta=0.7)
    )
    loss = policy_loss(logprobs, logprobs.detach(), found.advantages, found.mask, 0.2, 10.0).loss
    assert torch.allclose(torch.autograd.grad(loss, logprobs)[0], right)


@pytest.mark.parametrize("name", WITHOUT_CRITIC)
def test_two_armed_bandit(name: str) -> None:
    """The arm that pays with a chance of .8 is drawn nearly always, not the one of .2.

    A tenth of the rewards is missing.
    """
    import torch

    generator = torch.Generator().manual_seed(1)
    logits, chances = torch.zeros(2, dtype=torch.float64), torch.tensor([0.2, 0.8])
    each = ESTIMATORS[name].group_size
    for _ in range(150):
        arms = torch.multinomial(logits.softmax(0), 16, True, generator=generator)
        paid = torch.bernoulli(chances[arms], generator=generator).tolist()
        lost = (torch.rand(16, generator=generator) < 0.1).tolist()
        rewards = [None if gone else one for one, gone in zip(paid, lost, strict=True)]
        logits.requires_grad_()
        logprobs = logits.log_softmax(0)[arms].unsqueeze(1)
        given = rewarded(rewards, each, kl=logprobs.detach() + math.log(2), beta=0.1)
        found = ESTIMATORS[name].function(given)
        old = logprobs.detach()
        loss = policy_loss(logprobs, old, found.advantages, found.mask, 0.2, 10.0).loss
        (gradient,) = torch.autograd.grad(loss, logits)
        step = 1.0 if name == "online_dpo" else 0.1  # its advantages are below beta
        logits = logits.detach() - step * gradient
    assert logits.softmax(0)[1] > 0.9


def test_groups_of_equal_rewards_are_counted() -> None:
    given = rewarded([1, 1, 0, 1, None, 1, None, None, 2, 2], 2)
    _, row = estimate("rloo", given, whiten=False)
    assert row == {"zero_std_groups": pytest.approx(2 / 3)}  # of three groups with two rewards


def test_the_penalty_of_grpo_by_hand() -> None:
    """k3 is never negative, and its gradient moves the policy towards its reference."""
    import torch

    logprobs = tensor([[-1.0, -2.0]]).requires_grad_()
    reference, mask = tensor([[-1.5, -2.0]]), tensor([[1, 1]])
    loss = kl_loss(logprobs, reference, mask, 10.0)
    assert float(loss.detach()) == pytest.approx(math.exp(-0.5) - 1 + 0.5)
    (gradient,) = torch.autograd.grad(loss, logprobs)
    assert gradient.tolist() == [pytest.approx([1 - math.exp(-0.5), 0.0])]


def of(name: str, **settings: Any) -> dict[str, Any]:
    return {"advantage_estimator": name, **settings}


WRONG = [
    (of("rloo", critic="detached"), "critic: advantage_estimator rloo has no critic"),
    (
        of("grpo", gae_lambda=0.9, gamma=0.9),
        "gae_lambda: advantage_estimator grpo has no critic\n"
        "gamma: advantage_estimator grpo has no discount",
    ),
    (
        of("reinforce", critic_from="x"),
        "critic_from: advantage_estimator reinforce has no critic",
    ),
    (of("online_dpo", group_size=4), "group_size: advantage_estimator online_dpo takes 2"),
    *(
        (
            of(name, group_size=1),
            f"group_size: advantage_estimator {name} compares the completions of a prompt, of which"
            " there must be at least 2",
        )
        for name in ("rloo", "grpo", "online_dpo")
    ),
    ({"group_size": 3}, "rollout_size: 128 is no multiple of group_size = 3"),
    (
        of("rlo"),
        "advantage_estimator: must be gae or reinforce or reinforce_baseline or rloo or grpo or"
        " online_dpo, got 'rlo'",
    ),
]


@pytest.mark.parametrize("name", ["gae", "reinforce", "reinforce_baseline"])
def test_one_completion_of_each_prompt_may_be_said(name: str) -> None:
    """It is the default of what compares none."""
    assert settings_of("ppo", of(name, group_size=1), "").completions_each == 1


@pytest.mark.parametrize(("values", "lines"), WRONG)
def test_what_does_not_go_with_an_estimator_is_refused(values: Any, lines: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        settings_of("ppo", values, "settings")
    assert "\n".join(wrong.value.details) == lines


def begins_with_a_digit(completions: Any, **_: Any) -> list[float]:
    return [float(text.strip()[:1].isdigit()) for text in completions]


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_loop_learns_with_each(name: str, policy_path: Path, tmp_path: Path) -> None:
    """A bandit of one token: the share of digits grows. Of no critic nothing is said."""
    kind = ESTIMATORS[name]
    trained = training(
        policy_path,
        tmp_path,
        begins_with_a_digit,
        advantage_estimator=name,
        rollout_size=64,
        batch_size=64,
        max_new_tokens=1,
        learning_rate=2e-3 if name != "online_dpo" else 5e-3,
        beta=0.01 if name != "online_dpo" else 0.1,
        steps=10,
    )
    rows = [trained.step(number) for number in range(1, 9)]
    first, last = rows[0]["reward"], rows[-1]["reward"]
    assert last > first + 0.25
    assert ("value_loss" in rows[0]) == ("explained_variance" in rows[0]) == kind.critic
    assert ("zero_std_groups" in rows[0]) == (kind.group_size > 1)
    assert ("head.weight" in weights_of(trained)) == kind.critic
    assert (trained.module.head is not None) == kind.critic
    json.dumps(rows)
