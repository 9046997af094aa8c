"""The arithmetic of PPO against slow, plain definitions."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.train.losses import (
    adapted_beta,
    explained_variance,
    gae,
    masked_moments,
    masked_whiten,
    policy_loss,
    token_rewards,
    value_loss,
)
from harness.train.ppo_settings import PpoSettings


def tensor(values: Any) -> Any:
    import torch

    return torch.tensor(values, dtype=torch.float64)


def random_case(seed: int = 0) -> tuple[Any, Any, Any]:
    """Rewards, values and mask of 5 completions of 1 to 7 tokens."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    mask = (torch.arange(7)[None] < torch.tensor([7, 1, 4, 2, 6])[:, None]).double()
    rewards = torch.randn(5, 7, generator=generator, dtype=torch.float64) * mask
    values = torch.randn(5, 7, generator=generator, dtype=torch.float64)
    return rewards, values, mask


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (1.0, 1.0), (0.9, 0.5), (1.0, 0.0)])
def test_gae_is_the_sum_of_discounted_temporal_differences(gamma: float, lam: float) -> None:
    rewards, values, mask = random_case()
    advantages, returns = gae(rewards, values, mask, gamma, lam)
    for row in range(5):
        length = int(mask[row].sum())
        r, v = rewards[row, :length].tolist(), [*values[row, :length].tolist(), 0.0]
        deltas = [r[t] + gamma * v[t + 1] - v[t] for t in range(length)]
        for t in range(length):
            wanted = sum((gamma * lam) ** k * deltas[t + k] for k in range(length - t))
            assert advantages[row, t].item() == pytest.approx(wanted)
            assert returns[row, t].item() == pytest.approx(wanted + v[t])
        assert advantages[row, length:].abs().sum() == 0
        assert returns[row, length:].abs().sum() == 0


def test_gae_by_hand() -> None:
    """Two completions of 3 and 2 tokens, more rows than columns and the other way round.

    Row 1: delta = 0 + 0.5*2 - 1 = 0, 0 + 0.5*4 - 2 = 0, 8 + 0 - 4 = 4; gamma*lam = 0.25, so the
    advantages are 0 + 0.25*1 = 0.25, 0 + 0.25*4 = 1, 4.
    Row 2: delta = 1 + 0.5*(-2) - 2 = -2, 3 + 0 + 2 = 5; advantages -2 + 0.25*5 = -0.75, 5.
    """
    rewards = tensor([[0.0, 0, 8], [1, 3, 0]])
    values = tensor([[1.0, 2, 4], [2, -2, 77]])
    mask = tensor([[1.0, 1, 1], [1, 1, 0]])
    advantages, returns = gae(rewards, values, mask, 0.5, 0.5)
    assert advantages.tolist() == [[0.25, 1, 4], [-0.75, 5, 0]]
    assert returns.tolist() == [[1.25, 3, 8], [1.25, 3, 0]]
    tall = [t.repeat(3, 1)[:5, :2] for t in (rewards, values, mask)]
    assert gae(*tall, 0.5, 0.5)[0][1].tolist() == [-0.75, 5]


def test_tokens_that_the_policy_did_not_write_pass_credit_through() -> None:
    """Two turns with two tokens of a tool between them are the two turns alone."""
    rewards, values = tensor([[0.5, 9.0, 9.0, 1.0, 0.0]]), tensor([[1.0, 77, 77, 4, 88]])
    mask = tensor([[1.0, 0, 0, 1, 0]])
    kept = mask[0].bool()
    alone = gae(rewards[:, kept], values[:, kept], mask[:, kept], 0.5, 0.5)
    for found, wanted in zip(gae(rewards, values, mask, 0.5, 0.5), alone, strict=True):
        assert found[:, kept].equal(wanted)
        assert not found[:, ~kept].any()
    assert alone[0].tolist() == [[0.5 + 0.5 * 4 - 1 + 0.25 * -3, -3.0]]
    shaped = token_rewards(tensor([2.0]).float(), rewards * 0, 0.1, mask)
    assert shaped.tolist() == [[0, 0, 0, 2, 0]]


def test_gae_ignores_what_the_critic_says_of_padding() -> None:
    rewards, values, mask = random_case()
    wild = values + 1e6 * (1 - mask)
    assert gae(rewards, values, mask, 1, 0.95)[0].equal(gae(rewards, wild, mask, 1, 0.95)[0])


def test_gae_defaults_are_gamma_1_and_lambda_095() -> None:
    settings = PpoSettings()
    assert (settings.gamma, settings.gae_lambda, settings.clip) == (1.0, 0.95, 0.2)


def test_whitening_sees_only_masked_elements() -> None:
    _, values, mask = random_case()
    white = masked_whiten(values, mask)
    inside = white[mask == 1]
    assert inside.mean().item() == pytest.approx(0, abs=1e-9)
    assert inside.var(unbiased=False).item() == pytest.approx(1, abs=1e-6)
    assert white[mask == 0].abs().sum() == 0
    assert masked_whiten(values + 1e6 * (1 - mask), mask).equal(white)


def test_moments_and_whitening_by_hand() -> None:
    """1, 3, 8 and a masked 100: mean 4, variance (9 + 1 + 16) / 3; 1 token: variance 0."""
    x, mask = tensor([[1.0, 3.0], [8.0, 100.0]]), tensor([[1.0, 1.0], [1.0, 0.0]])
    mean, variance = masked_moments(x, mask)
    assert mean.item() == 4
    assert variance.item() == pytest.approx(26 / 3)
    deviation = math.sqrt(26 / 3)
    white = masked_whiten(x, mask).flatten().tolist()
    assert white == pytest.approx([-3 / deviation, -1 / deviation, 4 / deviation, 0], rel=1e-6)
    one = masked_moments(tensor([5.0, 7.0]), tensor([1.0, 0.0]))
    assert [m.item() for m in one] == [5, 0]
    assert masked_whiten(tensor([5.0, 7.0]), tensor([1.0, 0.0])).tolist() == [0, 0]
    # Nothing at all is no division by zero.
    assert [m.item() for m in masked_moments(x, 0 * mask)] == [0, 0]


@pytest.mark.parametrize("value", [0.1, 1000.1, 1e5 + 0.3, -3e6])
@pytest.mark.parametrize("n", [7, 37, 1000])
def test_equal_numbers_do_not_deviate(value: float, n: int) -> None:
    """Their mean is off by rounding; divided by a deviation of rounding that would be up to 1."""
    import torch

    from harness.train.advantages import Rewarded, grpo

    x = torch.full((n, 1), value)
    ones, zeros = torch.ones(n, 1), torch.zeros(n, 1)
    assert masked_whiten(x, ones).eq(0).all()
    assert explained_variance(zeros, x, ones).isnan()
    given = Rewarded(x.flatten(), ones.flatten() > 0, kl=zeros, mask=ones, beta=0.0, group_size=n)
    assert grpo(given).advantages.eq(0).all()
    # What differs by more than rounding is whitened as ever.
    x[0] *= 3
    assert masked_moments(masked_whiten(x, ones), ones)[1].item() == pytest.approx(1, abs=0.02)


def test_explained_variance_takes_the_mean_error_out() -> None:
    ones, returns = tensor([1.0, 1.0, 1.0]), tensor([1.0, 3.0, 8.0])
    assert explained_variance(tensor([1.0, 3.0, 5.0]), returns, ones).item() == pytest.approx(
        1 - 2 / (26 / 3)  # errors 0, 0, 3: mean 1, variance (1 + 1 + 4) / 3 = 2
    )


def test_the_score_is_at_the_last_real_token_and_kl_everywhere() -> None:
    mask = tensor([[1, 1, 1], [1, 0, 0]])
    kl = tensor([[0.1, 0.2, -0.3], [0.5, 9.0, 9.0]])
    scores = tensor([2.0, -1.0]).float()  # reward functions know nothing of the policy's precision
    rewards = token_rewards(scores, kl, 0.5, mask)
    wanted = tensor([[-0.05, -0.1, 2.15], [-1.25, 0.0, 0.0]])
    assert (rewards - wanted).abs().max() < 1e-12


def test_ratio_one_gives_the_plain_policy_gradient() -> None:
    logprobs = tensor([[-1.0, -2.0], [-0.5, -0.7]]).requires_grad_()
    advantages, mask = tensor([[1.0, -2.0], [0.5, 3.0]]), tensor([[1, 1], [1, 0]])
    result = policy_loss(logprobs, logprobs.detach(), advantages, mask, 0.2, 10.0)
    result.loss.backward()
    assert logprobs.grad is not None
    assert logprobs.grad.equal(-advantages * mask)
    assert result.clipped == 0
    assert result.ratio_error == 0
    assert result.approx_kl == 0


@pytest.mark.parametrize(
    ("log_ratio", "advantage", "moves"),
    [
        (0.5, 1.0, False),  # already more likely by more than the clip, and good: no further push
        (0.5, -1.0, True),  # ... and bad: push back
        (-0.5, -1.0, False),
        (-0.5, 1.0, True),
        (0.1, 1.0, True),  # inside the clip
    ],
)
def test_the_clip_binds_only_where_it_would_go_on(
    log_ratio: float, advantage: float, moves: bool
) -> None:
    logprobs = tensor([[-1.0 + log_ratio]]).requires_grad_()
    ones = tensor([[1.0]])
    result = policy_loss(logprobs, tensor([[-1.0]]), advantage * ones, ones, 0.2, 10.0)
    result.loss.backward()
    assert logprobs.grad is not None
    assert bool(logprobs.grad.abs() > 0) is moves
    assert bool(result.clipped == 1) is not moves


def test_the_policy_loss_by_hand() -> None:
    """Ratios 2, 0.5, 1.1, 1 and a masked 4, with a clip of 0.2.

    max(-A r, -A clip(r)): A=1, r=2: max(-2, -1.2) = -1.2, clipped. A=-1, r=2 would be 2.
    A=-2, r=0.5: max(1, 1.6) = 1.6, clipped. A=3, r=1.1: -3.3, inside. A=5, r=1: -5.
    Sum -7.9. k3 = r - 1 - ln r: 0.30685 + 0.19315 + 0.00469 + 0.
    """
    ratio = tensor([[2.0, 0.5, 1.1], [1.0, 4.0, 1.0]])
    advantages = tensor([[1.0, -2.0, 3.0], [5.0, 1.0, 0.0]])
    mask = tensor([[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    old = tensor([[-1.0, -2.0, -3.0], [-0.5, -6.0, -7.0]])
    result = policy_loss(old + ratio.log(), old, advantages, mask, 0.2, 10.0)
    assert result.loss.item() == pytest.approx(-1.2 + 1.6 - 3.3 - 5)
    assert result.clipped.item() == 2
    k3 = (1 - math.log(2)) + (-0.5 + math.log(2)) + (0.1 - math.log(1.1))
    assert result.approx_kl.item() == pytest.approx(k3)
    assert result.ratio_error.item() == pytest.approx(1.0)
    smaller = policy_loss(old + tensor([[0.0, -2.0, 0.0]] * 2), old, advantages, mask, 0.2, 10.0)
    assert smaller.ratio_error.item() == pytest.approx(1 - math.exp(-2))


def test_the_log_ratio_is_clipped_on_both_sides() -> None:
    """With a clip of 1 the ratio lies between 1/e and e, however far the policy has moved."""
    ones = tensor([[1.0, 1.0]])
    result = policy_loss(tensor([[-1.0, -9.0]]), tensor([[-9.0, -1.0]]), -ones, ones, 0.2, 1.0)
    # -A r with A = -1, the worse of the plain and the clipped one: e, and 0.8 rather than 1/e.
    assert result.loss.item() == pytest.approx(math.e + 0.8)
    assert result.ratio_error.item() == pytest.approx(math.e - 1)
    k3 = (math.e - 1 - 1) + (1 / math.e - 1 + 1)
    assert result.approx_kl.item() == pytest.approx(k3)


def test_what_is_only_logged_carries_no_gradient() -> None:
    logprobs = tensor([[-1.0, -2.0]]).requires_grad_()
    ones = tensor([[1.0, 1.0]])
    result = policy_loss(logprobs, logprobs.detach() - 0.5, ones, ones, 0.2, 10.0)
    logged = (result.clipped, result.approx_kl, result.ratio_error)
    assert [t.requires_grad for t in logged] == [False] * 3
    assert value_loss(logprobs, ones, ones, ones, 0.2)[1].requires_grad is False


def test_a_huge_log_ratio_does_not_overflow() -> None:
    logprobs = tensor([[500.0, -1.0]]).requires_grad_()
    mask = tensor([[1.0, 1.0]])
    result = policy_loss(logprobs, tensor([[-500.0, -1.0]]), -mask, mask, 0.2, 10.0)
    assert result.loss.item() == pytest.approx(math.exp(10) + 1)
    result.loss.backward()
    assert logprobs.grad is not None and logprobs.grad.isfinite().all()


def test_padding_cannot_poison_the_policy_loss() -> None:
    mask = tensor([[1.0, 0.0]])
    result = policy_loss(
        tensor([[-1.0, 400.0]]), tensor([[-1.0, -400.0]]), tensor([[1.0, 1e9]]), mask, 0.2, 10.0
    )
    assert result.loss.item() == pytest.approx(-1)


def test_value_clip_takes_the_worse_of_both_errors() -> None:
    mask = tensor([[1.0, 1.0, 0.0]])
    values, old = tensor([[1.0, 0.1, 5.0]]), tensor([[0.0, 0.0, 0.0]])
    returns = tensor([[1.0, 1.0, 0.0]])
    loss, clipped = value_loss(values, old, returns, mask, 0.2)
    # The first value reached its return, but only by moving further than the clip allows.
    assert loss.item() == pytest.approx(0.5 * (0.8**2 + 0.9**2))
    assert clipped == 1


@pytest.mark.parametrize(
    ("value", "old", "target", "wanted", "binds"),
    [
        # The value moved down by 1 to its return 0; only 0.2 of it counts: 0.5 * 0.8^2.
        (0.0, 1.0, 0.0, 0.32, 1),
        (2.0, 1.0, 2.0, 0.32, 1),  # the same upwards
        # It moved away from its return: the plain error, (3 - 0)^2 / 2, is the worse one.
        (3.0, 1.0, 0.0, 4.5, 0),
        (-1.0, 1.0, 2.0, 4.5, 0),
        (1.1, 1.0, 2.0, 0.405, 0),  # inside the clip both errors are 0.9
        (0.9, 1.0, 0.0, 0.405, 0),
    ],
)
def test_the_value_clip_binds_in_both_directions(
    value: float, old: float, target: float, wanted: float, binds: int
) -> None:
    row = [tensor([[x, x]]) for x in (value, old, target)]
    loss, clipped = value_loss(*row, tensor([[1.0, 0.0]]), 0.2)
    assert loss.item() == pytest.approx(wanted)
    assert clipped.item() == binds


def test_explained_variance() -> None:
    mask = tensor([[1.0, 1.0, 1.0, 0.0]])
    returns = tensor([[1.0, 2.0, 3.0, 99.0]])
    assert explained_variance(returns, returns, mask) == 1
    assert explained_variance(returns * 0 + 2, returns, mask).item() == pytest.approx(0)
    assert explained_variance(returns + 5, returns, mask) == 1  # a constant error explains all
    assert explained_variance(returns, returns * 0, mask).isnan()
    # A critic worse than a constant explains less than nothing: errors 2, 0, -2 against 1, 0, -1.
    assert explained_variance(4 - returns, returns, mask).item() == pytest.approx(-3)


def test_the_kl_controller_follows_ziegler_et_al() -> None:
    assert adapted_beta(0.1, 6.0, 6.0, 256, 10_000) == pytest.approx(0.1)
    assert adapted_beta(0.1, 6.6, 6.0, 256, 10_000) == pytest.approx(0.1 * (1 + 0.1 * 0.0256))
    # The error is clipped to a fifth.
    assert adapted_beta(0.1, 60.0, 6.0, 256, 10_000) == pytest.approx(0.1 * (1 + 0.2 * 0.0256))
    assert adapted_beta(0.1, -1.0, 6.0, 256, 10_000) == pytest.approx(0.1 * (1 - 0.2 * 0.0256))
