"""Sampling keeps token ids, marks what was cut, and its KL is 0 against itself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness.experiment.train_job import TrainJob, _check_coverage
from harness.nouns.chat_messages import ChatReply, ChatRequest
from harness.nouns.errors import HarnessError, InputError
from harness.nouns.schema import Item
from harness.policy.prompts import prompt_ids
from harness.policy.respond import ask_model, log_ratios, sample_policy
from harness.policy.sampling import Sampling
from harness.records.writes import write_jsonl

ITEMS = [Item(f"i{n}", f"What is {n}+{n}?") for n in (1, 12)]


@pytest.fixture(scope="module")
def policy(repo_root: Path) -> Path:
    return repo_root / "examples" / "arithmetic_policy"


def test_the_same_seed_gives_the_same_texts(policy: Path) -> None:
    first, second, other = (
        [r.text for r in sample_policy(policy, ITEMS, Sampling(seed=seed, per_item=4), system="s")]
        for seed in (1, 1, 2)
    )
    assert first == second != other


def test_what_was_cut_is_marked_and_keeps_its_tokens(policy: Path) -> None:
    (cut, _) = sample_policy(policy, ITEMS, Sampling(max_new_tokens=1), system="s")
    assert cut.metadata["truncated"]
    assert len(cut.metadata["token_ids"]) == 1
    whole = sample_policy(policy, ITEMS, Sampling(max_new_tokens=60), system="s")
    assert not any(r.metadata["truncated"] for r in whole)


class Verbose:
    """A chat model that stops at the limit when it is asked about sums."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        asked = request.messages[-1]["content"]
        return ChatReply("It is", finish_reason="length" if "+" in asked else "stop")

    def check(self, model: str, extra: Any = None) -> None:
        """Anything works."""


def test_a_chat_reply_that_was_cut_is_marked_too() -> None:
    items = [Item("a", "What is 2+2?"), Item("b", "Hello")]
    cut, whole = asyncio.run(ask_model(Verbose(), "m", items, Sampling()))
    assert cut.metadata == {"status": "ok", "truncated": True}
    assert whole.metadata == {"status": "ok", "truncated": False}


def test_what_cannot_be_sampled_is_refused(policy: Path, tmp_path: Path) -> None:
    for name in ("temperature", "max_new_tokens", "per_item"):
        with pytest.raises(InputError, match=f"{name} must be at least"):
            Sampling(**{name: -1})
    with pytest.raises(InputError, match="cannot load the policy"):
        sample_policy(tmp_path, ITEMS, Sampling(), system="s")
    with pytest.raises(InputError, match="no such model folder"):
        sample_policy(tmp_path / "absent", ITEMS, Sampling(), system="s")


def test_the_log_ratio_to_itself_is_zero_also_with_padding(policy: Path) -> None:
    found = sample_policy(policy, ITEMS, Sampling(1.0, 40, per_item=3), system="s")
    assert log_ratios(policy, policy, ITEMS, found) == [0.0] * 6


class Templated:
    """A tokenizer whose template writes the BOS itself, and that adds one of its own."""

    chat_template = "x"

    def apply_chat_template(self, chat: Any, **_: Any) -> str:
        return "<s>" + "".join(f"[{m['role']}] {m['content']}" for m in chat)

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        ids = [1 if part == "<s>" else 5 for part in text.replace("<s>", "<s> ").split()]
        return {"input_ids": [1, *ids] if add_special_tokens else ids}


def test_the_bos_of_a_template_is_not_doubled() -> None:
    assert prompt_ids(Templated(), "hello").count(1) == 1
    plain = Templated()
    plain.chat_template = None  # type: ignore[assignment]
    assert prompt_ids(plain, "hello").count(1) == 1
    with pytest.raises(InputError, match="no chat template"):
        prompt_ids(plain, ({"role": "user", "content": "hello"},))


def test_an_arm_that_learnt_from_nothing_is_not_a_result(tmp_path: Path) -> None:
    experiment: Any = None  # what it is makes no difference here
    job = TrainJob(experiment, str(tmp_path), "rlvr", 0, {"v": 1.0})
    log = job.folder / "log.jsonl"
    write_jsonl(log, [{"step": 1, "coverage/v": 0.0}, {"step": 2, "coverage/v": 0.5}])
    _check_coverage(job, log)
    write_jsonl(log, [{"step": 1, "coverage/v": 0.0, "coverage/w": 1.0}])
    with pytest.raises(HarnessError, match="v had no verdict on any completion"):
        _check_coverage(job, log)
    assert not job.folder.exists()
