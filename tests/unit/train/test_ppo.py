"""PPO's promises about updates: ratio, KL divergence, masking, splitting, resume, LoRA."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.examples.arithmetic_task import prompt_rows, split_pairs
from trainings import built_ppo, changed, trained_by

from harness.nouns.errors import ConfigError, InputError
from harness.policy.models import load_policy
from harness.train.log import read_log
from harness.train.ppo import Ppo
from harness.train.ppo_settings import PpoSettings, prompt_order, schedule_factor

# transformers warns of an old name of its own, which peft still reads.
pytestmark = pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")

ROWS = prompt_rows(split_pairs()[0])[:40]
SETTINGS = PpoSettings(
    learning_rate=1e-3,
    warmup_steps=0,
    steps=4,
    rollout_size=8,
    batch_size=4,
    epochs=2,
    max_new_tokens=12,
    checkpoint_every=2,
)


def length_reward(prompts: Any, completions: Any, completion_ids: Any, **_: Any) -> list[float]:
    """Any reward that differs between completions."""
    return [len(ids) / 10 for ids in completion_ids]


def training(
    path: Path, out: Path, reward: Callable[..., Any] = length_reward, **changes: Any
) -> Ppo:
    return built_ppo(path, ROWS, changed(SETTINGS, **changes), out, {"reward": reward})


def weights_of(trained: Ppo) -> dict[str, Any]:
    return {name: p.detach().clone() for name, p in trained.module.named_parameters()}


def largest_change(before: dict[str, Any], after: dict[str, Any]) -> float:
    return max(float((after[name] - before[name]).abs().max()) for name in before)


@pytest.mark.parametrize("model", ["policy_path", "gpt2_path", "lora_path"])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_kl_is_zero_and_ratio_one_at_the_first_step(
    model: str, temperature: float, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """For a whole model, one with dropout, and a loaded LoRA adapter; at any temperature."""
    path = request.getfixturevalue(model)
    row = training(path, tmp_path, temperature=temperature).step(1)
    assert abs(row["kl_sequence"]) < 1e-4
    assert abs(row["kl_token"]) < 1e-4
    assert row["first_ratio_error"] < 1e-4
    assert row["updates"] == 4


def test_kl_moves_away_from_zero_once_trained(lora_path: Path, tmp_path: Path) -> None:
    """The reference of a LoRA policy stays what was loaded, whatever the adapter becomes."""
    trained = training(lora_path, tmp_path, learning_rate=0.02, beta=0.0)
    trained.step(1)
    assert abs(trained.step(2)["kl_sequence"]) > 0.01
    frozen = {n: p for n, p in trained.policy.named_parameters() if ".reference." in n}
    assert frozen and not any(p.requires_grad for p in frozen.values())


def test_a_loaded_adapter_is_not_the_base(lora_path: Path, policy_path: Path) -> None:
    """Otherwise the test of its KL divergence could not fail."""
    import torch

    ids = torch.tensor([[1, 20, 30]])
    with torch.no_grad():
        adapted = load_policy(lora_path)(input_ids=ids).logits
        base = load_policy(policy_path)(input_ids=ids).logits
    assert (adapted - base).abs().max() > 0.1


def test_splitting_a_step_into_passes_changes_nothing(policy_path: Path, tmp_path: Path) -> None:
    import torch

    results = []
    for number, (batch, accumulation, tokens) in enumerate(
        [(8, 1, 10_000), (4, 2, 10_000), (1, 8, 10_000), (8, 1, 30)]
    ):
        trained = training(
            policy_path,
            tmp_path / str(number),
            batch_size=batch,
            accumulation=accumulation,
            pass_tokens=tokens,
            epochs=1,
        )
        # Plain descent: the first step of Adam is as long for a gradient of rounding errors.
        parameters = [p for p in trained.module.parameters() if p.requires_grad]
        groups = [{"params": parameters[:1]}, {"params": parameters[1:]}]
        trained.optimizer = trained.accelerator.prepare(torch.optim.SGD(groups, lr=1.0))
        trained.rates = (1.0, 1.0)
        row = trained.step(1)
        assert row["updates"] == 1
        results.append((weights_of(trained), row))
    for weights, row in results[1:]:
        assert largest_change(results[0][0], weights) < 1e-5
        for key in ("policy_loss", "value_loss", "grad_norm"):
            assert row[key] == pytest.approx(results[0][1][key], rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("model", ["policy_path", "gpt2_path", "lora_path"])
def test_recomputed_layers_make_the_same_step(
    model: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """With a critic of its own, a shared body, and dropout in the layers."""
    path, found = request.getfixturevalue(model), []
    for recomputed in (False, True):
        trained = training(path, tmp_path / str(recomputed), gradient_checkpointing=recomputed)
        assert trained.critic == ("detached" if model == "lora_path" else "separate")
        row = trained.step(1)
        found.append((weights_of(trained), row["policy_loss"], row["value_loss"]))
    assert largest_change(found[0][0], found[1][0]) < 1e-5
    assert found[0][1:] == pytest.approx(found[1][1:], rel=1e-4, abs=1e-6)


def test_with_lora_few_parameters_are_trained_and_the_critic_is_a_head(
    policy_path: Path, tmp_path: Path
) -> None:
    trained = training(policy_path, tmp_path, lora_rank=2)
    sizes = [p.numel() for p in trained.module.parameters() if p.requires_grad]
    assert sum(sizes) < 0.05 * sum(p.numel() for p in trained.module.parameters())
    assert trained.module.body is None
    own = training(policy_path, tmp_path / "own", lora_rank=2, critic="separate")
    assert own.module.body is not None


def test_a_row_without_reward_moves_nothing(policy_path: Path, tmp_path: Path) -> None:
    """Whatever stands in a masked row, the updated weights are the same."""

    def some_missing(prompts: Any, completion_ids: Any, **_: Any) -> list[float | None]:
        return [None if i % 2 else len(ids) / 10 for i, ids in enumerate(completion_ids)]

    results = []
    for disturb in (False, True):
        trained = training(policy_path, tmp_path / str(disturb), some_missing)
        experience, row = trained.collect(1)
        assert row["coverage"] == row["coverage/reward"] == 0.5
        if disturb:
            wrong = experience.rollout.completion_ids.clone()
            wrong[1::2] = 7
            experience = dataclasses.replace(
                experience, rollout=dataclasses.replace(experience.rollout, completion_ids=wrong)
            )
            experience.returns[1::2] = 1e6
            experience.advantages[1::2] = 1e6
            experience.logprobs[1::2] = -50
        trained.update(experience, 1)
        results.append(weights_of(trained))
    assert largest_change(*results) == 0


def test_a_masked_row_is_left_out_of_the_whitening(policy_path: Path, tmp_path: Path) -> None:
    def some_missing(prompts: Any, completion_ids: Any, **_: Any) -> list[float | None]:
        return [None if i % 2 else len(ids) / 10 for i, ids in enumerate(completion_ids)]

    experience, row = training(policy_path, tmp_path, some_missing).collect(1)
    inside = experience.advantages[experience.mask == 1]
    assert float(inside.mean()) == pytest.approx(0, abs=1e-5)
    assert float(inside.var(unbiased=False)) == pytest.approx(1, abs=1e-3)
    assert float(experience.advantages[1::2].abs().sum()) == 0
    lengths = experience.rollout.completion_mask.sum(1)[::2].float()
    assert row["reward"] == pytest.approx(float(lengths.mean()) / 10)


@pytest.mark.parametrize("failure", [None, math.nan, math.inf])
def test_a_step_without_any_reward_moves_nothing(
    policy_path: Path, tmp_path: Path, failure: float | None
) -> None:
    trained = training(policy_path, tmp_path, lambda prompts, **_: [failure] * len(prompts))
    before = weights_of(trained)
    row = trained.step(1)
    assert (row["updates"], row["coverage"]) == (0, 0.0)
    assert math.isnan(row["reward"])
    assert largest_change(before, weights_of(trained)) == 0


def test_reward_functions_get_what_trl_gives_them(policy_path: Path, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    async def spy(prompts: Any, completions: Any, completion_ids: Any, **columns: Any) -> Any:
        seen.update(columns, prompts=prompts, completions=completions, ids=completion_ids)
        return [1.0] * len(prompts)

    trained = training(policy_path, tmp_path, spy)
    experience, _ = trained.collect(1)
    chosen = [ROWS[i] for i in prompt_order(len(ROWS), 8, 1, 3)]
    assert seen["prompts"] == [row["prompt"] for row in chosen]
    assert seen["reference"] == [row["reference"] for row in chosen]
    assert seen["item_id"] == [row["item_id"] for row in chosen]
    assert seen["completions"] == experience.rollout.texts
    assert seen["ids"] == experience.rollout.sampled_ids()


def test_the_kl_penalty_is_in_the_reward(policy_path: Path, tmp_path: Path) -> None:
    """With a constant reward the return of a whole completion is reward minus beta times KL."""
    trained = training(
        policy_path, tmp_path, lambda prompts, **_: [1.0] * len(prompts), gae_lambda=1.0, beta=0.5
    )
    for parameter in trained.policy.parameters():  # a policy that is not its reference
        parameter.data += 0.02
    experience, row = trained.collect(1)
    first_returns = experience.returns[:, 0].mean()
    assert row["kl_sequence"] > 0.01
    assert float(first_returns) == pytest.approx(1 - 0.5 * row["kl_sequence"], rel=1e-3)


def test_the_kl_coefficient_adapts_by_option(policy_path: Path, tmp_path: Path) -> None:
    trained = training(policy_path, tmp_path, target_kl=5.0, kl_horizon=80)
    betas = [trained.step(step)["beta"] for step in (1, 2)]
    # The divergence of 0 is far below the target: an error of -0.2 over 8 of 80 sequences.
    assert betas[0] == SETTINGS.beta
    assert betas[1] == pytest.approx(SETTINGS.beta * (1 - 0.2 * 0.1))
    fixed = training(policy_path, tmp_path)
    fixed.step(1)
    assert fixed.beta == SETTINGS.beta


def test_updates_stop_on_kl_by_option(policy_path: Path, tmp_path: Path) -> None:
    row = training(policy_path, tmp_path, learning_rate=0.05, stop_kl=0.01).step(1)
    assert row["stopped_on_kl"]
    assert row["updates"] < 4
    assert training(policy_path, tmp_path, learning_rate=0.05).step(1)["updates"] == 4


def test_gradients_are_clipped(policy_path: Path, tmp_path: Path) -> None:
    """With plain momentum-free steps, the change is the clipped gradient times the rate."""
    import torch

    trained = training(
        policy_path, tmp_path, lambda prompts, **_: [1e4] * len(prompts), epochs=1, batch_size=8,
        max_grad_norm=0.5,
    )  # fmt: skip
    parameters = [p for p in trained.module.parameters() if p.requires_grad]
    trained.optimizer = trained.accelerator.prepare(torch.optim.SGD(parameters, lr=1.0))
    before = weights_of(trained)
    experience, _ = trained.collect(1)
    row = trained.update(experience, 1)
    after = weights_of(trained)
    change = math.sqrt(sum(float(((after[n] - before[n]) ** 2).sum()) for n in before))
    assert row["grad_norm"] > 5  # before clipping
    assert change == pytest.approx(0.5, rel=1e-3)


def test_the_value_head_starts_at_zero(policy_path: Path, tmp_path: Path) -> None:
    experience, _ = training(policy_path, tmp_path).collect(1)
    assert float(experience.values.abs().max()) == 0


@pytest.mark.parametrize("critic", ["separate", "detached"])
def test_the_value_loss_reaches_the_critic_and_never_the_policy(
    policy_path: Path, tmp_path: Path, critic: str
) -> None:
    from harness.train.ppo_model import forward

    trained = training(policy_path, tmp_path, critic=critic)
    trained.step(1)  # so that the head is not zero and gradients pass through it
    experience, _ = trained.collect(2)
    _, values = forward(
        trained.module, experience.rollout, trained.settings.temperature, lambda x, _: x.sum()
    )
    assert values is not None
    values.sum().backward()
    with_gradient = {
        name.split(".")[0]
        for name, p in trained.module.named_parameters()
        if p.grad is not None and p.grad.abs().sum() > 0
    }
    assert with_gradient == ({"body", "head"} if critic == "separate" else {"head"})


@pytest.mark.parametrize("critic", ["separate", "detached"])
def test_joint_backward_is_two_backwards_with_lora_and_checkpointing(
    lora_path: Path, tmp_path: Path, critic: str
) -> None:
    """The trap: policy and critic forwards, then one backward that recomputes activations."""
    import torch

    from harness.train.ppo_model import forward

    trained = training(lora_path, tmp_path, critic=critic)
    trained.step(1)
    experience, _ = trained.collect(2)
    model = trained.policy
    model.enable_input_require_grads()
    model.activation_checkpointing_enable({"use_reentrant": False})
    model.train()  # checkpointing is only active in training; this model has no dropout
    parameters = [p for p in trained.module.parameters() if p.requires_grad]

    def losses() -> tuple[Any, Any]:
        advantages = experience.advantages[experience.rollout.completion_mask.bool()]
        said, values = forward(
            trained.module,
            experience.rollout,
            trained.settings.temperature,
            lambda logprobs, part: (logprobs * advantages[part]).sum(),
        )
        return said.loss, (values - experience.returns).pow(2).sum()

    def gradients(*parts: Any) -> list[Any]:
        for p in parameters:
            p.grad = None
        for part in parts:
            part.backward()
        return [torch.zeros_like(p) if p.grad is None else p.grad.clone() for p in parameters]

    policy, value = losses()
    joint = gradients(policy + value)
    separate = [a + b for a, b in zip(gradients(losses()[0]), gradients(losses()[1]), strict=True)]
    assert max(float(g.abs().max()) for g in joint) > 0
    for a, b in zip(joint, separate, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_lora_by_option_trains_only_the_adapter(policy_path: Path, tmp_path: Path) -> None:
    trained = training(policy_path, tmp_path, lora_rank=2)
    before = weights_of(trained)
    row = trained.step(1)
    after = weights_of(trained)
    assert abs(row["kl_sequence"]) < 1e-4
    moved = {name for name in before if not after[name].equal(before[name])}
    assert any("lora" in name for name in moved)
    assert not any(name.startswith("policy.") and "lora" not in name for name in moved)


def test_lora_on_lora_is_refused(lora_path: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="LoRA adapter already"):
        training(lora_path, tmp_path, lora_rank=2)


def test_prompts_come_in_shuffled_passes() -> None:
    order = [i for step in (1, 2, 3) for i in prompt_order(5, 4, step, seed=0)]
    assert sorted(order[:5]) == sorted(order[5:10]) == [0, 1, 2, 3, 4]
    assert order[:5] != order[5:10]
    assert order[:4] == prompt_order(5, 4, 1, seed=0)
    assert prompt_order(50, 4, 1, seed=0) != prompt_order(50, 4, 1, seed=1)


def test_schedules() -> None:
    settings = PpoSettings(steps=10, warmup_steps=2, schedule="linear")
    factors = [schedule_factor(settings, step) for step in range(1, 11)]
    assert factors[:3] == [0.5, 1.0, 1.0]
    assert factors[-1] == pytest.approx(1 / 8)
    cosine = changed(settings, schedule="cosine")
    assert schedule_factor(cosine, 7) == pytest.approx(0.5)
    assert schedule_factor(changed(settings, schedule="constant"), 9) == 1.0


class Killed(Exception):
    """Stands for kill -9: nothing runs after it."""


@pytest.mark.parametrize("model", ["policy_path", "lora_path"])
def test_resume_is_bit_exact(model: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """4 steps are 2 steps, a kill in the third, and 2 steps more; the log has every step once."""
    from safetensors.torch import load_file

    path = request.getfixturevalue(model)
    settings = changed(SETTINGS, target_kl=3.0, kl_horizon=100)
    scored: list[int] = []

    def counted(completion_ids: Any, **arguments: Any) -> list[float]:
        scored.append(len(completion_ids))
        return length_reward(completion_ids=completion_ids, **arguments)

    def run(out: Path, on_step: Callable[[dict[str, Any]], None] | None = None) -> Any:
        scored.clear()
        return trained_by(
            "ppo", path, ROWS, settings, out, {"length": counted}, seed=5, on_step=on_step
        )

    def kill(row: dict[str, Any]) -> None:
        if row["step"] == 3:
            raise Killed

    whole = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "halves", kill)
    assert scored == [8, 8, 8]
    halves = run(tmp_path / "halves")
    assert scored == [8, 8]  # from step 0 the weights would be the same, and the work done twice
    name = "adapter_model.safetensors" if model == "lora_path" else "model.safetensors"
    first, second = (load_file(result.checkpoint / name) for result in (whole, halves))
    assert first.keys() == second.keys()
    assert all(first[key].equal(second[key]) for key in first)
    assert not any(path.is_dir() for path in halves.checkpoint.iterdir())  # no reference adapter
    rows = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in read_log(result.log_path)]
        for result in (whole, halves)
    ]
    assert rows[0] == rows[1]
    assert [row["step"] for row in rows[1]] == [1, 2, 3, 4]


def test_a_finished_training_is_not_done_again_and_another_one_is_refused(
    policy_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = changed(SETTINGS, steps=1)
    rewards = {"length": length_reward}
    first = trained_by("ppo", policy_path, ROWS, settings, tmp_path, rewards)
    monkeypatch.setattr(Ppo, "work", None)
    assert trained_by("ppo", policy_path, ROWS, settings, tmp_path, rewards) == first
    with pytest.raises(InputError, match="other settings"):
        trained_by("ppo", policy_path, ROWS, settings, tmp_path, rewards, seed=1)
    with pytest.raises(InputError, match="rows, rewards, seed"):
        trained_by("ppo", policy_path, ROWS, settings, tmp_path, {"length": len})


def test_the_final_checkpoint_holds_weights_and_tokenizer_only(
    policy_path: Path, tmp_path: Path
) -> None:
    settings = changed(SETTINGS, checkpoint_every=1)
    result = trained_by("ppo", policy_path, ROWS, settings, tmp_path, {"length": length_reward})
    assert {path.name for path in result.checkpoint.iterdir()} == {
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }
    assert not (tmp_path / "resume").exists()
    size = (policy_path / "model.safetensors").stat().st_size
    assert (result.checkpoint / "model.safetensors").stat().st_size == pytest.approx(size, rel=0.05)
    assert json.loads((tmp_path / "result.json").read_text())["steps"] == 4
