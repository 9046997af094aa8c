"""One whole PPO step against plain loops, and what its options promise."""

from __future__ import annotations

import copy
import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
from small_ppo import SETTINGS, move_away_from_the_start, training, weights_of
from trainings import changed

from harness.train.ppo_settings import PpoSettings, schedule_factor

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")


@dataclasses.dataclass
class ByHand:
    """One completion as plain lists, from models that see it alone."""

    logprobs: Any
    reference: list[float]
    values: Any
    entropy: list[float]


def forward_alone(module: Any, reference: Any, rollout: Any, row: int, heat: float) -> ByHand:
    import torch

    prompt = rollout.prompt_ids[row][rollout.prompt_mask[row] == 1].tolist()
    completion = rollout.sampled_ids()[row]
    ids = torch.tensor([prompt + completion])
    states = slice(len(prompt) - 1, -1)

    def distribution(model: Any) -> Any:
        return (model(input_ids=ids).logits[0, states] / heat).log_softmax(-1)

    own = distribution(module.policy)
    with torch.no_grad():
        other = distribution(reference)
    at = torch.arange(len(completion)), torch.tensor(completion)
    hidden = module.body(input_ids=ids).last_hidden_state[0, states]
    return ByHand(
        own[at],
        other[at].tolist(),
        (hidden @ module.head.weight[0] + module.head.bias).flatten(),
        (-(own.exp() * own).sum(-1)).tolist(),
    )


def test_one_step_by_hand(policy_path: Path, tmp_path: Path) -> None:
    """Rewards, KL, GAE, whitening, both clips, gradients and their norm: all in plain loops."""
    import torch

    options = {
        "temperature": 0.8, "beta": 0.3, "gamma": 0.9, "gae_lambda": 0.7, "clip": 0.05,
        "value_clip": 0.05, "value_coefficient": 0.6, "missing_eos_penalty": 0.5,
        "max_grad_norm": 1.5, "epochs": 2, "rollout_size": 6, "batch_size": 3, "accumulation": 2,
        "weight_decay": 0.01, "max_new_tokens": 12,
    }  # fmt: skip
    scores = [1.0, None, -0.5, 2.0, 0.25, -1.0]
    trained = training(policy_path, tmp_path, lambda **_: scores, seed=1, **options)
    move_away_from_the_start(trained)
    module = copy.deepcopy(trained.module)
    reference = trained.reference.model
    experience, row = trained.collect(1)
    rollout, known = experience.rollout, [0, 2, 3, 4, 5]
    assert 0 < sum(rollout.ended.tolist()) < 6

    hands = [forward_alone(module, reference, rollout, i, 0.8) for i in range(6)]
    lengths = [len(hand.reference) for hand in hands]
    kl = [
        [p - q for p, q in zip(hand.logprobs.tolist(), hand.reference, strict=True)]
        for hand in hands
    ]
    advantages, returns = [], []
    for i in range(6):
        score = (scores[i] or 0.0) - (0.0 if rollout.ended[i] else 0.5)
        reward = [-0.3 * k for k in kl[i]]
        reward[-1] += score
        v = [*hands[i].values.tolist(), 0.0]
        delta = [reward[t] + 0.9 * v[t + 1] - v[t] for t in range(lengths[i])]
        gae = [
            sum(0.63 ** (k - t) * delta[k] for k in range(t, lengths[i])) for t in range(lengths[i])
        ]
        advantages.append(gae)
        returns.append([a + b for a, b in zip(gae, v, strict=False)])
    flat = [a for i in known for a in advantages[i]]
    mean = sum(flat) / len(flat)
    deviation = math.sqrt(sum((a - mean) ** 2 for a in flat) / len(flat))
    white = [[(a - mean) / deviation for a in advantages[i]] for i in range(6)]
    for i in known:
        n = lengths[i]
        assert experience.mask[i].tolist() == [1] * n + [0] * (len(experience.mask[i]) - n)
        for found, wanted in (
            (experience.advantages, white[i]),
            (experience.returns, returns[i]),
            (experience.values, hands[i].values.tolist()),
            (experience.logprobs, hands[i].logprobs.tolist()),
        ):
            assert found[i, :n].tolist() == pytest.approx(wanted, abs=5e-4)
    assert float(experience.mask[1].sum()) == 0

    v = [x for i in known for x in hands[i].values.tolist()]
    r = [x for i in known for x in returns[i]]

    def variance(xs: list[float]) -> float:
        return sum((x - sum(xs) / len(xs)) ** 2 for x in xs) / len(xs)

    errors = [a - b for a, b in zip(r, v, strict=True)]
    told = {
        "reward": sum(scores[i] or 0.0 for i in known) / 5,
        "reward/reward": sum(scores[i] or 0.0 for i in known) / 5,
        "coverage": 5 / 6,
        "coverage/reward": 5 / 6,
        "beta": 0.3,
        "kl_sequence": sum(map(sum, kl)) / 6,
        "kl_token": sum(map(sum, kl)) / sum(lengths),
        "entropy": sum(sum(hand.entropy) for hand in hands) / sum(lengths),
        "length": sum(lengths) / 6,
        "value": sum(v) / len(v),
        "explained_variance": 1 - variance(errors) / variance(r),
        "truncated": 6 - sum(rollout.ended.tolist()),
        "eos_rate": sum(rollout.ended.tolist()) / 6,
    }
    assert {key: row[key] for key in told} == pytest.approx(told, abs=5e-4)
    assert row["engine_gap"] < 1e-4
    assert set(row) - set(told) == {"distinct_1", "distinct_2", "unique", "engine_gap"}

    parameters = [p for p in trained.module.parameters() if p.requires_grad]
    trained.optimizer = trained.accelerator.prepare(torch.optim.SGD(parameters, lr=0.3))
    before = weights_of(trained)
    update = trained.update(experience, 1)
    own = [p for p in module.parameters() if p.requires_grad]
    optimizer, n_tokens = torch.optim.SGD(own, lr=0.3), sum(lengths[i] for i in known)
    sums = {"policy_loss": 0.0, "value_loss": 0.0, "clip_fraction": 0.0,
            "value_clip_fraction": 0.0, "approx_kl": 0.0}  # fmt: skip
    norms = []
    for _ in range(2):
        losses = []
        for i in known:
            now = forward_alone(module, reference, rollout, i, 0.8)
            for t in range(lengths[i]):
                old_value = float(hands[i].values[t].detach())
                log_ratio = now.logprobs[t] - float(hands[i].logprobs[t].detach())
                ratio, a = log_ratio.exp(), white[i][t]
                policy = torch.maximum(-a * ratio, -a * ratio.clamp(0.95, 1.05))
                near = old_value + (now.values[t] - old_value).clamp(-0.05, 0.05)
                plain, clipped = (now.values[t] - returns[i][t]) ** 2, (near - returns[i][t]) ** 2
                value = torch.maximum(plain, clipped) / 2
                losses.append(policy + 0.6 * value)
                sums["policy_loss"] += float(policy.detach())
                sums["value_loss"] += float(value.detach())
                sums["clip_fraction"] += float(policy > -a * ratio)
                sums["value_clip_fraction"] += float(clipped > plain)
                sums["approx_kl"] += float((ratio - 1 - log_ratio).detach())
        (torch.stack(losses).sum() / n_tokens).backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(own, 1.5)))
        optimizer.step()
        optimizer.zero_grad()
    wanted = {key: value / (2 * n_tokens) for key, value in sums.items()}
    assert min(wanted["clip_fraction"], wanted["value_clip_fraction"]) > 0.03
    assert min(norms) > 1.5
    assert {key: update[key] for key in wanted} == pytest.approx(wanted, rel=0.01, abs=1e-3)
    assert update["grad_norm"] == pytest.approx(sum(norms) / 2, rel=1e-3)
    assert (update["updates"], update["stopped_on_kl"]) == (2, False)
    assert update["first_ratio_error"] < 1e-4
    assert set(update) - set(wanted) == {
        "grad_norm", "updates", "stopped_on_kl", "first_ratio_error",
    }  # fmt: skip
    theirs = {name: p.detach() for name, p in module.named_parameters()}
    for name, weights in weights_of(trained).items():
        torch.testing.assert_close(weights, theirs[name], rtol=1e-3, atol=2e-5)
    assert sum(float((theirs[n] - before[n]).abs().sum()) for n in before) > 1


def test_rates_schedule_and_decay_reach_the_weights(policy_path: Path, tmp_path: Path) -> None:
    """Adam's first step moves a weight by its rate; here half of it, in a warm-up of two."""
    import torch

    options: dict[str, Any] = {"critic_learning_rate": 4e-3, "warmup_steps": 2}
    plain = training(policy_path, tmp_path / "plain", **options)
    move_away_from_the_start(plain)
    before = weights_of(plain)
    row = plain.step(1)
    after = weights_of(plain)
    assert row["step"] == 1
    assert row["learning_rate"] == pytest.approx(5e-4)
    for part, rate in (("policy.", 5e-4), ("body.", 2e-3), ("head.", 2e-3)):
        moves = torch.cat(
            [(after[n] - before[n]).abs().flatten() for n in before if n.startswith(part)]
        )
        assert float(moves[moves > 0].median()) == pytest.approx(rate, rel=0.02)
    decayed = training(policy_path, tmp_path / "decayed", weight_decay=50.0, **options)
    move_away_from_the_start(decayed)
    decayed.step(1)
    name = "policy.model.norm.weight"
    pulled = weights_of(decayed)[name] - after[name]
    torch.testing.assert_close(pulled, -5e-4 * 50 * before[name], rtol=1e-2, atol=1e-5)
    same = training(policy_path, tmp_path / "same")
    same.step(1)
    assert [group["lr"] for group in same.optimizer.param_groups] == [1e-3, 1e-3]


def test_each_optimizer_step_has_its_own_rows(policy_path: Path, tmp_path: Path) -> None:
    """Rows without reward make no update; the others make one each epoch, in a new order."""

    def one(prompts: Any, **_: Any) -> list[float | None]:
        return [1.0 if i == 5 else None for i in range(len(prompts))]

    row = training(policy_path, tmp_path / "one", one, batch_size=1, epochs=3).step(1)
    assert row["updates"] == 3
    trained = training(policy_path, tmp_path / "all", batch_size=2, epochs=3)
    experience, _ = trained.collect(1)
    seen: list[tuple[Any, ...]] = []
    forward = trained.module.forward

    def spy(*arguments: Any) -> Any:
        seen.append(tuple(map(tuple, arguments[2].tolist())))
        return forward(*arguments)

    trained.module.forward = spy
    trained.update(experience, 1)
    everything = sorted(map(tuple, experience.rollout.completion_ids.tolist()))
    passes = [seen[i : i + 4] for i in (0, 4, 8)]
    assert [len(part) for part in seen] == [2] * 12
    assert all(sorted(sum(epoch, ())) == everything for epoch in passes)
    assert passes[0] != passes[1]


def test_stop_kl_is_in_nats_per_token(policy_path: Path, tmp_path: Path) -> None:
    """The second of two epochs is k away, the first 0: the mean over both is k / 2."""
    options: dict[str, Any] = {"learning_rate": 0.01}
    whole = training(policy_path, tmp_path / "0", epochs=2, **options).step(1)
    k = 2 * whole["approx_kl"]
    assert k > 1e-3
    once = training(policy_path, tmp_path / "once", epochs=1, **options)
    once.step(1)
    for stop, epochs, updates in ((1.02 * k, 2, 2), (0.98 * k, 2, 1), (0.98 * k, 4, 1)):
        out = tmp_path / f"{stop}-{epochs}"
        trained = training(policy_path, out, epochs=epochs, stop_kl=stop, **options)
        row = trained.step(1)
        assert (row["stopped_on_kl"], row["updates"]) == (updates == 1, updates)
        if updates == 1:
            assert row["approx_kl"] == pytest.approx(k, rel=1e-3)  # and not the 0 of the first
            # What was too far moved nothing, nor what came after it.
            wanted = weights_of(once)
            assert all(p.equal(wanted[name]) for name, p in weights_of(trained).items())


def test_many_rows_are_scored_in_parts(policy_path: Path, tmp_path: Path) -> None:
    """258 rows are 256 and 2: each has the values that it has alone."""
    trained = training(policy_path, tmp_path, rollout_size=258, batch_size=258, max_new_tokens=2)
    move_away_from_the_start(trained)
    experience, _ = trained.collect(1)
    assert len(experience.logprobs) == len(experience.values) == 258
    for i in (0, 255, 256, 257):
        alone = forward_alone(trained.module, trained.reference.model, experience.rollout, i, 1.0)
        n = len(alone.reference)
        assert experience.logprobs[i, :n].tolist() == pytest.approx(
            alone.logprobs.tolist(), abs=2e-4
        )
        assert experience.values[i, :n].tolist() == pytest.approx(alone.values.tolist(), abs=2e-4)


@pytest.mark.parametrize(
    ("scores", "options", "wanted"),
    [
        # Deviation of 1, 3, 5, 7 without the missing one: the square root of 5.
        ([1, 3, None, 5, 7], {"whiten_rewards": True}, [x / 5**0.5 for x in (1, 3, 0, 5, 7)]),
        (
            [1, 3, None, 5, 7],
            {"whiten_rewards": True, "clip_reward": 2},
            [5**-0.5, 3 / 5**0.5, 0, 2, 2],
        ),
        ([1, -3, None, 5, -7], {"clip_reward": 4}, [1, -3, 0, 4, -4]),
        ([1, -3, 0.5, 5, -7], {}, [1, -3, 0.5, 5, -7]),
        # Equal rewards have no deviation to divide by, with or without rounding.
        ([0.1] * 5, {"whiten_rewards": True}, [0.1] * 5),
        ([None, 3, None, None, None], {"whiten_rewards": True}, [0, 3, 0, 0, 0]),
        ([-2.0] * 5, {"whiten_rewards": True}, [-2.0] * 5),
        ([0.0] * 5, {"whiten_rewards": True}, [0.0] * 5),
        ([0.001, 0.001001, 0.001, 0.001001, 0.0], {"whiten_rewards": True}, None),
    ],
)  # fmt: skip
def test_the_return_of_a_completion_is_its_shaped_reward(
    policy_path: Path, tmp_path: Path, scores: Any, options: Any, wanted: Any
) -> None:
    """Without KL penalty, discount and baseline the return is the reward, at every token."""
    options |= {"beta": 0.0, "gae_lambda": 1.0, "rollout_size": 5, "batch_size": 5}
    trained = training(
        policy_path, tmp_path, lambda **_: scores, whiten_advantages=False, **options
    )
    experience, _ = trained.collect(1)
    if wanted is None:
        mean = sum(scores) / 5
        wanted = [s / math.sqrt(sum((x - mean) ** 2 for x in scores) / 5) for s in scores]
    last = experience.rollout.completion_mask.sum(1) - 1
    found = [float(experience.returns[i, n]) for i, n in enumerate(last.tolist())]
    assert found == pytest.approx(wanted, rel=1e-3, abs=1e-6)
    assert experience.returns[:, 0].tolist() == pytest.approx(wanted, rel=1e-3, abs=1e-6)
    assert experience.advantages.equal(experience.returns)  # the critic starts at 0


def test_the_kl_coefficient_follows_the_measured_divergence(
    policy_path: Path, tmp_path: Path
) -> None:
    """A divergence of 1.1 times the target: an error of 0.1 over 8 of 80 sequences."""
    measured = training(policy_path, tmp_path / "0")
    move_away_from_the_start(measured, by=0.3)
    _, row = measured.collect(1)
    target = row["kl_sequence"] / 1.1
    assert target > 0.05
    trained = training(policy_path, tmp_path / "1", target_kl=target, kl_horizon=80)
    move_away_from_the_start(trained, by=0.3)
    _, row = trained.collect(1)
    assert row["beta"] == SETTINGS.beta
    assert trained.beta == pytest.approx(SETTINGS.beta * (1 + 0.1 * 8 / 80), rel=1e-5)


def test_schedules_by_hand() -> None:
    """4 steps after a warm-up of 2: 0, 1/4, 2/4 and 3/4 of the way, whatever the shape."""
    settings = PpoSettings(steps=6, warmup_steps=2)
    shapes = {
        "constant": [1, 1, 1, 1],
        "linear": [1, 0.75, 0.5, 0.25],
        "cosine": [1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2],
    }
    for name, after in shapes.items():
        shaped = changed(settings, schedule=name)
        found = [schedule_factor(shaped, step) for step in range(1, 7)]
        assert found == pytest.approx([0.5, 1, *after])
    short = PpoSettings(steps=1, warmup_steps=0, schedule="linear")
    assert schedule_factor(short, 1) == 1
    assert schedule_factor(changed(short, warmup_steps=1), 1) == 1
