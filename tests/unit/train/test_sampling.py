"""What is sampled is what is scored: ids, masks, positions, temperature, dropout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.policy.models import load_policy, load_tokenizer
from harness.policy.padding import padded, positions
from harness.policy.prompts import as_prompt, prompt_ids
from harness.policy.sampling import (
    Rollout,
    Sampling,
    cut,
    sample,
)
from harness.policy.scoring import score_rollout

PROMPTS = ["What is 3+4?", "What is 12+13?", "2?"]


def rollout_of(tokenizer: Any, pairs: list[tuple[str, str]]) -> Rollout:
    """Build a rollout of given texts, each ending in EOS."""
    import torch

    ids, mask = padded([prompt_ids(tokenizer, p) for p, _ in pairs], tokenizer.pad_token_id, "left")
    rows = [
        [*tokenizer(c, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        for _, c in pairs
    ]
    width = max(map(len, rows))
    raw = torch.tensor([row + [tokenizer.pad_token_id] * (width - len(row)) for row in rows])
    return cut(ids, mask, raw, [tokenizer.eos_token_id], tokenizer)


def test_pad_that_equals_eos_hides_no_sampled_eos(gpt2_path: Path) -> None:
    tokenizer = load_tokenizer(gpt2_path)
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    rollout = rollout_of(tokenizer, [("1+1?", "2"), ("1+1?", "It is 2.")])
    assert rollout.completion_mask.sum(1).tolist() == [2, 9]
    assert rollout.sampled_ids()[0][-1] == tokenizer.eos_token_id
    assert rollout.ended.tolist() == [True, True]
    assert rollout.texts == ["2", "It is 2."]


def test_a_tokenizer_without_pad_token_pads_with_eos(gpt2_path: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(gpt2_path)
    tokenizer.pad_token = None
    tokenizer.save_pretrained(tmp_path)
    assert load_tokenizer(tmp_path).pad_token_id == tokenizer.eos_token_id


def test_text_is_cut_at_the_first_stop_token(policy_path: Path) -> None:
    import torch

    tokenizer = load_tokenizer(policy_path)
    eos, other_stop = tokenizer.eos_token_id, tokenizer.convert_tokens_to_ids("!")
    a, b = tokenizer.convert_tokens_to_ids(["a", "b"])
    raw = torch.tensor([[a, eos, b, eos], [a, b, other_stop, b], [a, b, b, b], [eos, a, a, a]])
    ids, mask = padded([[1]] * 4, tokenizer.pad_token_id, "left")
    rollout = cut(ids, mask, raw, [eos, other_stop], tokenizer)
    assert rollout.texts == ["a", "ab", "abbb", ""]
    assert rollout.sampled_ids() == [[a, eos], [a, b, other_stop], [a, b, b, b], [eos]]
    assert rollout.ended.tolist() == [True, True, False, True]
    assert rollout.completion_mask.sum(1).tolist() == [2, 3, 4, 1]


def test_left_padding_changes_no_log_probability(gpt2_path: Path) -> None:
    """GPT-2 has absolute positions, so wrong ones would show."""
    tokenizer, model = load_tokenizer(gpt2_path), load_policy(gpt2_path)
    pairs = [(prompt, "It is 7.") for prompt in PROMPTS]
    together, _ = score_rollout(model, rollout_of(tokenizer, pairs), 1.0)
    for row, pair in enumerate(pairs):
        alone, _ = score_rollout(model, rollout_of(tokenizer, [pair]), 1.0)
        assert (together[row] - alone[0]).abs().max() < 1e-4


def test_positions_come_from_the_mask() -> None:
    import torch

    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 1, 0]])
    assert positions(mask).tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 3, 3]]


def test_right_padding_changes_no_log_probability(gpt2_path: Path) -> None:
    tokenizer, model = load_tokenizer(gpt2_path), load_policy(gpt2_path)
    short, long = ("1+1?", "2"), ("1+1?", "Certainly: 2, my friend.")
    together, _ = score_rollout(model, rollout_of(tokenizer, [short, long]), 1.0)
    alone, _ = score_rollout(model, rollout_of(tokenizer, [short]), 1.0)
    assert (together[0, :2] - alone[0]).abs().max() < 1e-4


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_log_probabilities_are_those_of_the_tempered_model(
    policy_path: Path, temperature: float
) -> None:
    import torch

    tokenizer, model = load_tokenizer(policy_path), load_policy(policy_path)
    rollout = rollout_of(tokenizer, [("What is 3+4?", "7, duh.")])
    logprobs, entropy = score_rollout(model, rollout, temperature)
    ids = torch.cat([rollout.prompt_ids, rollout.completion_ids], 1)
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0, rollout.prompt_ids.size(1) - 1 : -1]
    wanted = (logits / temperature).log_softmax(-1)
    assert (logprobs[0] - wanted.gather(1, rollout.completion_ids.T)[:, 0]).abs().max() < 1e-4
    assert (entropy[0] + (wanted.exp() * wanted).sum(-1)).abs().max() < 1e-4


@pytest.mark.parametrize("temperature", [0.7, 1.5])
def test_tokens_are_drawn_from_the_distribution_that_is_scored(
    gpt2_path: Path, temperature: float
) -> None:
    """Top-k and the repetition penalty of the checkpoint's generation config must not apply."""
    import torch

    tokenizer, model = load_tokenizer(gpt2_path), load_policy(gpt2_path)
    n = 4000
    rollout = sample(model, tokenizer, ["3+4?"], Sampling(temperature, 1, 3, per_item=n), n)
    with torch.no_grad():
        logits = model(input_ids=rollout.prompt_ids[:1]).logits[0, -1]
    wanted = (logits / temperature).softmax(-1)
    found = torch.bincount(rollout.completion_ids[:, 0], minlength=len(wanted)) / n
    # Total variation of a sample of this size from its own distribution is below this bound.
    assert (found - wanted).abs().sum() / 2 < 0.09
    assert (found > 0).sum() > 3


def test_greedy_takes_the_most_likely_token(policy_path: Path) -> None:
    tokenizer, model = load_tokenizer(policy_path), load_policy(policy_path)
    once = sample(model, tokenizer, PROMPTS[:2], Sampling(0, 40))
    again = sample(model, tokenizer, PROMPTS[:2], Sampling(0, 40))
    assert once.texts == again.texts
    assert "7" in once.texts[0]


def test_dropout_is_off_and_the_mode_is_restored(gpt2_path: Path) -> None:
    tokenizer, model = load_tokenizer(gpt2_path), load_policy(gpt2_path)
    model.train()
    rollout = rollout_of(tokenizer, [("1+1?", "It is 2.")])
    first, _ = score_rollout(model, rollout, 1.0)
    second, _ = score_rollout(model, rollout, 1.0)
    assert first.equal(second)
    draws = [sample(model, tokenizer, PROMPTS, Sampling(1.0, 8, 5)).texts for _ in range(2)]
    assert draws[0] == draws[1]
    assert model.training


def test_a_seeded_sample_leaves_the_global_random_state(policy_path: Path) -> None:
    import torch

    tokenizer, model = load_tokenizer(policy_path), load_policy(policy_path)
    before = torch.get_rng_state()
    sample(model, tokenizer, PROMPTS, Sampling(1.0, 4, 1))
    assert torch.get_rng_state().equal(before)


def test_truncated_completions_are_known(policy_path: Path) -> None:
    tokenizer, model = load_tokenizer(policy_path), load_policy(policy_path)
    rollout = sample(model, tokenizer, PROMPTS[:2], Sampling(1.0, 1, 0))
    assert rollout.ended.tolist() == [False, False]
    assert rollout.completion_mask.tolist() == [[1], [1]]


def test_sampled_ids_survive_a_text_that_encodes_otherwise(policy_path: Path) -> None:
    """With merges, ids that were sampled one by one decode to a text with another encoding."""
    import torch
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"<pad>": 0, "<eos>": 1, "a": 2, "b": 3, "ab": 4}
    inner = Tokenizer(models.BPE(vocab=vocabulary, merges=[("a", "b")]))
    inner.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>", padding_side="left"
    )
    ids, mask = padded([[2]], 0, "left")
    rollout = cut(ids, mask, torch.tensor([[2, 3, 1]]), [1], tokenizer)
    assert rollout.texts == ["ab"]
    assert tokenizer("ab")["input_ids"] == [4]
    assert rollout.sampled_ids() == [[2, 3, 1]]


def test_a_prompt_that_brings_its_bos_gets_no_second_one(policy_path: Path) -> None:
    tokenizer = load_tokenizer(policy_path)
    bos = tokenizer.bos_token
    assert prompt_ids(tokenizer, f"{bos}2?") == prompt_ids(tokenizer, "2?")
    assert prompt_ids(tokenizer, "2?")[0] == tokenizer.bos_token_id
    two = prompt_ids(tokenizer, f"{bos}{bos}2?")  # what the author doubled stays
    assert two == [tokenizer.bos_token_id, *prompt_ids(tokenizer, "2?")]


def test_the_bos_of_a_chat_template_is_not_doubled(policy_path: Path) -> None:
    tokenizer = load_tokenizer(policy_path)
    assert prompt_ids(tokenizer, "2?").count(tokenizer.bos_token_id) == 1
    tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant:{% endif %}"
    )
    prompt = as_prompt(tokenizer, "2?")
    assert prompt == [{"role": "user", "content": "2?"}]
    ids = prompt_ids(tokenizer, prompt)
    assert ids.count(tokenizer.bos_token_id) == 1
    assert tokenizer.decode(ids, skip_special_tokens=True) == "user:2?\nassistant:"
