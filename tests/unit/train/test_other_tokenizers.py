"""A reward model reads what a policy with other tokens wrote through its text, or says no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from odd_tokenizers import CHATML, checkpoint_of, tokenizer_of

from harness.nouns.errors import ConfigError, InputError
from harness.policy.answers import Answers
from harness.train.reward_function import WeightedRewards
from harness.train.reward_model import STATISTICS, RewardModelReward, score_texts
from harness.train.trainers import settings_of, trainer_class
from harness.train.training import TrainOptions

TURNS = {"template": CHATML, "first": "<s>"}
OTHER = {"merges": ["go", "ba"]}
CHAT = [{"role": "user", "content": "hi"}]


def reward_model(folder: Path, ends: tuple[int, ...] = (2,), **tokens: Any) -> Path:
    """Write a reward model of random weights."""
    import torch
    from transformers import AutoConfig, LlamaForSequenceClassification

    tokenizer = tokenizer_of(**tokens)
    checkpoint_of(tokenizer, folder, ends)
    config = AutoConfig.from_pretrained(folder, num_labels=1, initializer_range=0.5)
    torch.manual_seed(0)
    LlamaForSequenceClassification(config).save_pretrained(folder)
    told = {"score_mean": 0.0, "score_deviation": 1.0}
    (folder / STATISTICS).write_text(json.dumps(told), encoding="utf-8")
    return folder


# reward model, policy, prompt, text, what the policy sampled as tokens, None or the same text
CASES: list[tuple[dict[str, Any], dict[str, Any], Any, str, list[str]]] = [
    ({}, {}, "q", "good", ["g", "o", "o", "d", "</s>"]),
    ({}, {}, "q", "good", ["g", "o", "o", "d"]),
    ({}, OTHER, "q", "good", ["go", "o", "d", "</s>"]),
    ({}, OTHER, "q", "bad", ["ba", "d"]),
    ({}, OTHER, "q", "", ["</s>"]),
    (OTHER, {}, "q", "good", ["g", "o", "o", "d", "</s>"]),
    ({}, {"first": "<s>", "merges": ["od"]}, "q", "good", ["g", "o", "od", "</s>"]),
    ({}, {"words": True, "merges": ["▁b"]}, "q", "be a", ["b", "e", "▁", "a", "</s>"]),
    (TURNS, TURNS, CHAT, "yes", ["y", "e", "s", "<end>"]),
    (TURNS, TURNS, CHAT, "yes", ["y", "e", "s", "</s>"]),
    (TURNS, TURNS, CHAT, "yes", ["y", "e", "s", "<other>"]),
    (TURNS, TURNS | OTHER, CHAT, "go", ["go", "<end>"]),
    (TURNS, TURNS | OTHER, "q", "go", ["go"]),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_completion_is_read_as_its_text_was_learnt(number: int, tmp_path: Path) -> None:
    model, policy, prompt, text, sampled = CASES[number]
    path = reward_model(tmp_path / "rm", (2, 4), **model)
    tokenizer = tokenizer_of(**policy)
    reward = RewardModelReward(path)
    reward.reads_of(Answers(tokenizer, [2, 4, 5]), [prompt])
    ids = tokenizer.convert_tokens_to_ids(sampled)
    # The tokens of OTHER are one by one in the tokenizer without them, so its ids may be read.
    as_sampled = model == OTHER and policy == {}
    wanted = score_texts(path, [prompt], [text])
    if as_sampled:
        spelt = RewardModelReward(path)
        assert spelt([prompt], [text], [ids]) != pytest.approx(wanted, abs=1e-4)
        wanted = spelt([prompt], [text], [ids])
    assert reward([prompt], [text], [ids]) == pytest.approx(wanted, abs=1e-5)


def test_what_was_cut_within_a_letter_has_no_exact_text(tmp_path: Path) -> None:
    reward = RewardModelReward(reward_model(tmp_path / "rm"))
    reward.reads_of(Answers(tokenizer_of(**OTHER), [2]), ["q"])
    some = reward(["q", "q"], ["good", "goo\N{REPLACEMENT CHARACTER}"], [[9], [9]])
    assert some[0] is not None and some[1] is None


def test_a_chat_for_a_reward_model_without_chats_is_refused(tmp_path: Path) -> None:
    reward = RewardModelReward(reward_model(tmp_path / "rm"))
    with pytest.raises(InputError, match="the reward model cannot read the policy's prompts"):
        reward.reads_of(Answers(tokenizer_of(**TURNS, **OTHER), [2]), ["q", CHAT])


@pytest.mark.parametrize(("tokens", "refused"), [({}, False), (OTHER, True), ({"words": 1}, False)])
def test_a_critic_of_other_tokens_is_refused_before_the_models_are_loaded(
    tokens: dict[str, Any], refused: bool, tmp_path: Path
) -> None:
    """Another way to cut texts into the same tokens is none."""
    start = reward_model(tmp_path / "rm")
    folder = checkpoint_of(tokenizer_of(**tokens), tmp_path / "policy")
    settings = settings_of("ppo", {"critic_from": str(start)}, "")
    rewards = WeightedRewards({"none": lambda prompts, **_: [None] * len(prompts)})
    options = TrainOptions(rewards=rewards)
    training: Any = trainer_class("ppo")(folder, [{"prompt": "q"}], settings, tmp_path, options)
    training.tokenizer = tokenizer_of(**tokens)
    if not refused:
        return training._check_critic()
    with pytest.raises(ConfigError, match=r"critic_from: the reward model .* has other tokens"):
        training.build()


def test_a_critic_may_be_of_another_width(tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    from harness.train.ppo_model import make_critic

    start = reward_model(tmp_path / "rm")
    policy = LlamaForCausalLM(
        LlamaConfig(vocab_size=110, hidden_size=24, intermediate_size=24, num_hidden_layers=1,
                    num_attention_heads=2)
    )  # fmt: skip
    critic = make_critic(policy, start, "separate", str(start))
    assert critic.head is not None and critic.head.in_features == 16
