"""Responses of a checkpoint: greedy at temperature 0, and without a pad token of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.respond import sample_policy
from harness.schema import Item

ITEMS = [Item("a", "What is 2 + 3?"), Item("b", "What is 4 + 4, and how do you know it?")]


@pytest.fixture(scope="module")
def policy(repo_root: Path) -> Path:
    torch = pytest.importorskip("torch", reason="the extra train is not installed")
    torch.set_num_threads(1)
    return repo_root / "examples" / "arithmetic_policy"


def greedy(model: Path, seed: int = 0) -> list[str]:
    found = sample_policy(
        model, ITEMS, system="s", per_item=2, seed=seed, temperature=0, max_new_tokens=12
    )
    return [response.text for response in found]


def without(model: Path, folder: Path, *tokens: str) -> Path:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(model)
    for token in tokens:
        setattr(tokenizer, token, None)
    tokenizer.save_pretrained(folder)
    AutoModelForCausalLM.from_pretrained(model).save_pretrained(folder)
    assert AutoTokenizer.from_pretrained(folder).pad_token is None
    return folder


def test_temperature_0_is_greedy(policy: Path) -> None:
    texts = greedy(policy)
    assert texts == greedy(policy, seed=1)
    assert texts[0] == texts[1] and texts[2] == texts[3]
    assert all(texts)


def test_a_policy_without_a_pad_token_answers_the_same(policy: Path, tmp_path: Path) -> None:
    assert greedy(without(policy, tmp_path, "pad_token")) == greedy(policy)


def test_a_policy_that_can_neither_pad_nor_end_is_refused(policy: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="neither a pad nor an EOS token"):
        greedy(without(policy, tmp_path, "pad_token", "eos_token"))
