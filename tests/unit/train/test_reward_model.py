"""Reward models: scored at the EOS, soft labels, statistics of the scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harness.examples.arithmetic_task import answer, prompt_rows, split_pairs
from trainings import trained_by

from harness.policy.answers import Answers
from harness.policy.models import load_tokenizer
from harness.train.dpo import certain_pair
from harness.train.log import read_log
from harness.train.ppo_settings import PpoSettings
from harness.train.result import TrainResult
from harness.train.reward_model import (
    STATISTICS,
    RewardModelReward,
    load_reward_model,
    score_ids,
)
from harness.train.reward_model_training import RewardModelSettings, make_pad_differ_from

SETTINGS = RewardModelSettings(learning_rate=2e-3, batch_size=16, epochs=4, held_out_share=0.2)


def preferences(n: int = 80) -> list[dict[str, Any]]:
    """Polite is preferred to flippant; every other row says so the other way round."""
    import random

    rng = random.Random(0)
    pairs = [
        (
            row["prompt"],
            answer(int(row["reference"]), "polite", rng),
            answer(int(row["reference"]), "flippant", rng),
        )
        for row in prompt_rows(split_pairs()[0])[:n]
    ]
    return [
        {"prompt": prompt, "chosen": flippant, "rejected": polite, "probability": 0.1}
        if i % 2
        else {"prompt": prompt, "chosen": polite, "rejected": flippant, "probability": 0.9}
        for i, (prompt, polite, flippant) in enumerate(pairs)
    ]


@pytest.fixture(scope="module")
def trained(policy_path: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    out = tmp_path_factory.mktemp("reward-model")
    return trained_by("reward_model", policy_path, preferences(), SETTINGS, out)


def test_it_learns_and_says_how_well_on_held_out_prompts(trained: TrainResult) -> None:
    statistics = json.loads((trained.checkpoint / STATISTICS).read_text())
    assert (statistics["n_train"], statistics["n_held_out"]) == (64, 16)
    assert statistics["accuracy"] > 0.9
    assert read_log(trained.log_path)[-1]["held_out/accuracy"] == statistics["accuracy"]
    assert {path.suffix for path in trained.checkpoint.iterdir()} == {".json", ".safetensors"}


def score(reward: RewardModelReward, texts: list[str]) -> Any:
    ids = [reward.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    return reward(["What is 3+4?"] * len(texts), texts, ids)


def test_the_score_is_that_of_the_eos_whatever_the_padding(trained: TrainResult) -> None:
    import torch

    reward = RewardModelReward(trained.checkpoint, standardize=False)
    texts = ["7", "Certainly: 7, my friend.", "7, duh."]
    together = score(reward, texts)
    assert together == pytest.approx([score(reward, [text])[0] for text in texts], abs=1e-4)
    tokenizer = reward.tokenizer
    ids = torch.tensor([[*tokenizer("What is 3+4?7")["input_ids"], tokenizer.eos_token_id]])
    with torch.no_grad():
        hidden = reward.model.base_model(input_ids=ids).last_hidden_state[0, -1]
        wanted = float(reward.model.score(hidden))
    assert together[0] == pytest.approx(wanted, abs=1e-4)


def test_a_sampled_eos_is_not_doubled(trained: TrainResult) -> None:
    reward = RewardModelReward(trained.checkpoint)
    ids = reward.tokenizer("7.", add_special_tokens=False)["input_ids"]
    ended = [*ids, reward.tokenizer.eos_token_id]
    prompts, texts = ["What is 3+4?"] * 2, ["7."] * 2
    first, second = reward(prompts, texts, [ids, ended])
    assert first == pytest.approx(second, abs=1e-5)


def test_sampled_ids_are_scored_not_the_text(trained: TrainResult) -> None:
    reward = RewardModelReward(trained.checkpoint)
    ids = reward.tokenizer("Certainly: 7, my friend.", add_special_tokens=False)["input_ids"]
    assert reward(["2?"], ["another text"], [ids]) == reward(["2?"], ["7, duh."], [ids])


def test_equal_completions_are_scored_once_and_alike(
    trained: TrainResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In passes of their own they would differ in the seventh digit; whitening makes that large."""
    reward, seen = RewardModelReward(trained.checkpoint, batch_size=2), list[int]()

    def counted(model: Any, tokenizer: Any, ids: Any, batch_size: int) -> list[float]:
        seen.append(len(ids))
        return score_ids(model, tokenizer, ids, batch_size)

    monkeypatch.setattr("harness.train.reward_model.score_ids", counted)
    ids = [[5, 6], [7], [5, 6], [8, 9, 10], [5, 6]]
    scores = reward(["What is 1+2?"] * 5, [""] * 5, ids)
    assert seen == [3] and scores[0] == scores[2] == scores[4]
    assert len({scores[0], scores[1], scores[3]}) == 3


def test_scores_are_standardized_and_clipped_by_option(trained: TrainResult) -> None:
    raw = score(RewardModelReward(trained.checkpoint, standardize=False), ["7, duh."])[0]
    statistics = json.loads((trained.checkpoint / STATISTICS).read_text())
    wanted = (raw - statistics["score_mean"]) / statistics["score_deviation"]
    assert score(RewardModelReward(trained.checkpoint), ["7, duh."])[0] == pytest.approx(wanted)
    clipped = score(RewardModelReward(trained.checkpoint, clip=0.1), ["7, duh.", "Gladly! 7"])
    assert clipped == [-0.1, 0.1]


def test_with_pad_equal_to_eos_the_last_real_token_is_still_the_eos(gpt2_path: Path) -> None:
    """Classification models skip trailing pads, and would skip the EOS with them."""
    from transformers import GPT2ForSequenceClassification

    tokenizer = load_tokenizer(gpt2_path)
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    make_pad_differ_from([tokenizer.eos_token_id], tokenizer)
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    model = GPT2ForSequenceClassification.from_pretrained(
        gpt2_path, num_labels=1, pad_token_id=tokenizer.pad_token_id
    ).eval()
    short = Answers(tokenizer, [tokenizer.eos_token_id]).ended("", [5, 6])
    long = Answers(tokenizer, [tokenizer.eos_token_id]).ended("", [5, 6, 7, 8, 9])
    together = score_ids(model, tokenizer, [short, long])
    assert together[0] == pytest.approx(score_ids(model, tokenizer, [short])[0], abs=1e-4)
    assert together[0] != pytest.approx(score_ids(model, tokenizer, [[5, 6]])[0], abs=1e-3)


def test_training_with_pad_equal_to_eos_chooses_another_pad(
    gpt2_path: Path, tmp_path: Path
) -> None:
    settings = RewardModelSettings(learning_rate=1e-3, batch_size=8, held_out_share=0.0)
    result = trained_by("reward_model", gpt2_path, preferences(8), settings, tmp_path)
    reward = RewardModelReward(result.checkpoint)
    assert reward.tokenizer.pad_token_id != reward.tokenizer.eos_token_id
    assert reward.model.config.pad_token_id == reward.tokenizer.pad_token_id
    alone, padded = score(reward, ["7"]), score(reward, ["7", "Certainly: 7, my friend."])
    assert padded[0] == pytest.approx(alone[0], rel=1e-4) and alone[0] != 0


def test_soft_labels_pull_the_gap_to_the_log_odds(policy_path: Path, tmp_path: Path) -> None:
    """One pair seen often: the gap of the scores goes to logit(p), and to 0 for a tie."""
    gaps = []
    for number, probability in enumerate((0.9, 0.5)):
        row = {**preferences(1)[0], "probability": probability}
        settings = RewardModelSettings(
            learning_rate=1e-3, batch_size=8, epochs=8, held_out_share=0.0
        )
        out = tmp_path / str(number)
        result = trained_by("reward_model", policy_path, [row] * 32, settings, out)
        scores = score_pair(result, row)
        gaps.append(scores[0] - scores[1])
    assert gaps[0] == pytest.approx(2.197, abs=0.5)
    assert gaps[1] == pytest.approx(0, abs=0.1)


def score_pair(result: TrainResult, row: dict[str, Any]) -> list[float]:
    tokenizer, model = load_tokenizer(result.checkpoint), load_reward_model(result.checkpoint)
    ids = [
        Answers(tokenizer, [tokenizer.eos_token_id]).ended(
            "", tokenizer(row["prompt"] + row[key])["input_ids"]
        )
        for key in ("chosen", "rejected")
    ]
    return score_ids(model, tokenizer, ids)


def test_a_critic_can_start_from_the_reward_model(trained: TrainResult, policy_path: Path) -> None:
    """Its value at the end of a completion is then the standardized score."""
    import torch

    from harness.policy.models import load_policy
    from harness.train.ppo_model import make_critic

    settings = PpoSettings(critic_from=str(trained.checkpoint))
    assert {settings.critic_kind(lora) for lora in (False, True)} == {"separate"}
    module = make_critic(load_policy(policy_path), policy_path, "separate", str(trained.checkpoint))
    reward = RewardModelReward(trained.checkpoint)
    ids = reward.tokenizer("What is 3+4?7, duh.")["input_ids"]
    sequence = torch.tensor([[*ids, reward.tokenizer.eos_token_id, 9]])
    ones = torch.ones_like(sequence)
    cut = len(ids) + 1  # the column after the EOS has the value of the state that ends in EOS
    with torch.no_grad():
        _, values = module(sequence[:, :cut], ones[:, :cut], sequence[:, cut:], ones[:, cut:], 1.0)
    assert float(values[0, 0]) == pytest.approx(score(reward, ["7, duh."])[0], abs=1e-3)


def test_hard_labels_leave_ties_out_and_turn_rows_round() -> None:
    rows = [
        {"prompt": "p", "chosen": "a", "rejected": "b", "probability": p}
        for p in (0.9, 0.5, 0.4, 0.6)
    ]
    kept = [certain_pair(row, 0.5) for row in rows]
    assert kept.pop(1) == "tied"
    assert [(r["chosen"], r["probability"]) for r in kept if not isinstance(r, str)] == [
        ("a", 0.9),
        ("b", 0.6),
        ("a", 0.6),
    ]
    assert [isinstance(certain_pair(row, 0.7), str) for row in rows] == [False, True, True, True]
