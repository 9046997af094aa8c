"""Trainings through TRL that go on: the order of their prompts, and where states are written."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("trl", reason="the extra train is not installed")

import torch
from trl.trainer.utils import RepeatSampler

from harness.policy.models import load_policy, load_tokenizer
from harness.train.grpo import Grpo, GrpoSettings, between_rollouts
from harness.train.own_tokens import (
    EnvironmentsGrpoTrainer,
    SameOrder,
    TokensGrpoTrainer,
    TokensRlooTrainer,
)
from harness.train.reward_function import WeightedRewards
from harness.train.training import TrainOptions


def repeated(shuffle: bool = True) -> RepeatSampler:
    return RepeatSampler(range(7), 2, batch_size=3, repeat_count=2, shuffle=shuffle, seed=3)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("begin", range(4))
def test_a_training_that_goes_on_has_the_order_of_its_epoch(begin: int, shuffle: bool) -> None:
    bare = repeated(shuffle)
    wanted = [list(bare) for _ in range(5)]
    at = [begin]
    sampler = SameOrder(repeated(shuffle), lambda: at[0])
    assert len(sampler) == len(bare)
    for at[0] in range(begin, 5):
        assert list(sampler) == wanted[at[0]]


@pytest.mark.parametrize("trainer", [TokensGrpoTrainer, TokensRlooTrainer, EnvironmentsGrpoTrainer])
def test_every_trainer_that_samples_in_trl_has_it(
    trainer: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = object.__new__(trainer)
    base = next(kind for kind in trainer.__mro__ if kind.__module__.startswith("trl."))
    monkeypatch.setattr(base, "_get_train_sampler", lambda self, *given: repeated())
    bare = repeated()
    wanted = [list(bare) for _ in range(3)]
    for epoch, right in ((0.0, 0), (2.5, 2), (None, 0), (1.0, 1)):
        made.state = SimpleNamespace(epoch=epoch)
        assert list(made._get_train_sampler()) == wanted[right]


@pytest.mark.parametrize(
    ("every", "epochs", "accumulation", "each", "wanted"),
    [
        (1, 1, 1, 1, 1),
        (50, 1, 4, 4, 50),
        (1, 2, 1, 1, 2),
        (3, 2, 4, 4, 4),
        (50, 3, 1, 1, 51),
        (1, 1, 1, 4, 4),  # four steps of one rollout
        (5, 2, 2, 8, 8),
        (1, 1, 4, 2, 1),  # two rollouts in each step
        (1, 1, 2, 3, 3),
    ],
)
def test_states_are_written_where_nothing_sampled_is_left(
    every: int, epochs: int, accumulation: int, each: int, wanted: int
) -> None:
    made = SimpleNamespace(
        steps_per_generation=each, num_iterations=epochs, gradient_accumulation_steps=accumulation
    )
    assert between_rollouts(every, made) == wanted


@pytest.mark.parametrize(
    ("rewards", "clip", "wanted"),
    [
        ([0.0, 1e-9, 2e-9, 3e-9], None, 0.0),
        ([1.0, 1.0, 2.0, 3.0], None, 0.5),
        ([1.0, None, 2.0, 2.0], None, 1.0),
        ([1e12, 1e12 + 1, 5.0, 5.0], None, 0.5),
        ([2.0, 3.0, 0.5, 0.7], [0.0, 1.0], 0.5),
    ],
)
def test_groups_are_equal_whose_rewards_are(
    rewards: list[float | None], clip: list[float] | None, wanted: float
) -> None:
    training = Grpo.__new__(Grpo)
    given = {"reward_clip_range": clip} if clip else {}
    training.settings = GrpoSettings(batch_size=2, group_size=2).model_copy(update={"trl": given})
    assert training.of_groups([rewards]) == {"zero_std_groups": wanted}


def test_policy_and_reference_count_from_masks(
    gpt2_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trl(self: Grpo, *_: Any, **__: Any) -> Any:
        args = SimpleNamespace(
            steps_per_generation=1, num_iterations=1, gradient_accumulation_steps=1
        )
        accelerator = SimpleNamespace(unwrap_model=lambda model: model.inside)
        reference = SimpleNamespace(inside=load_policy(gpt2_path))
        return SimpleNamespace(
            model=self.trainable()["model"], ref_model=reference, args=args, accelerator=accelerator
        )

    monkeypatch.setattr(Grpo, "trl", trl)
    settings = GrpoSettings(batch_size=2, group_size=2)
    rewards = WeightedRewards({"r": len})
    training = Grpo(gpt2_path, [{"prompt": "a"}], settings, tmp_path, TrainOptions(rewards=rewards))
    training.tokenizer = load_tokenizer(gpt2_path)
    monkeypatch.setattr(training, "readable", lambda: {0: training.rows[0]})
    training.new_tokens = 1
    made = training.build()
    ids = torch.tensor([[0, 0, 5, 6], [7, 8, 5, 6]])
    mask = (ids > 0).long()
    for model in (made.model, made.ref_model.inside):
        with torch.no_grad():
            beside = model(input_ids=ids, attention_mask=mask).logits[0, 2:]
            alone = model(input_ids=ids[:1, 2:]).logits[0]
        torch.testing.assert_close(beside, alone, atol=1e-4, rtol=1e-4)
