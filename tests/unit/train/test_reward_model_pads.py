"""A reward model reads its score at the end, whatever pads; loaded again it is what was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trainings import trained_by

from harness.policy.models import load_policy, load_tokenizer
from harness.train.ppo_model import make_critic
from harness.train.reward_model import RewardModelReward, read_statistics
from harness.train.reward_model_training import RewardModelSettings

# transformers warns of an old name of its own, which peft still reads; peft of GPT-2's layers.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning"),
    pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False:UserWarning"),
]

ROWS = [
    {"prompt": "1+1?", "chosen": "2", "rejected": "2, as everybody knows."},
    {"prompt": "What is 20+3?", "chosen": "23.", "rejected": "9"},
]


@pytest.fixture(params=["eos", "none", "other"])
def base(request: pytest.FixtureRequest, gpt2_path: Path, tmp_path: Path) -> Path:
    """A GPT-2 whose pad is its EOS, or that has none, or a token of its own."""
    tokenizer, model = load_tokenizer(gpt2_path), load_policy(gpt2_path)
    pad = {"eos": tokenizer.eos_token, "none": None, "other": "<pad>"}[request.param]
    tokenizer.pad_token = pad
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


@pytest.mark.parametrize("rank", [0, 2])
def test_scores_after_loading_are_those_of_training(base: Path, rank: int, tmp_path: Path) -> None:
    settings = RewardModelSettings(
        learning_rate=1e-2, warmup_steps=0, batch_size=2, epochs=4, held_out_share=0.0,
        lora_rank=rank,
    )  # fmt: skip
    trained = trained_by("reward_model", base, ROWS, settings, tmp_path / "out")
    reward = RewardModelReward(trained.checkpoint, standardize=False)

    def scored(rows: list[tuple[str, str]]) -> list[Any]:
        ids = [reward.tokenizer(text, add_special_tokens=False)["input_ids"] for _, text in rows]
        prompts = [prompt for prompt, _ in rows]
        return reward(prompts=prompts, completions=[], completion_ids=ids)

    sides = [(row["prompt"], row[side]) for row in ROWS for side in ("chosen", "rejected")]
    together = scored(sides)
    # As they were measured before the weights were written.
    told = read_statistics(trained.checkpoint)["score_mean"]
    assert sum(together) / 4 == pytest.approx(told, abs=1e-5)
    assert together == pytest.approx([scored([side])[0] for side in sides], abs=1e-4)
    assert together[0] > together[1] and together[2] > together[3]
    critic = make_critic(load_policy(base), base, "separate", str(trained.checkpoint))
    assert critic.body is not None and all(p.requires_grad for p in critic.body.parameters())
