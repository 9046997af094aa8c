"""Reward functions: sources from synchronous code, failures as None, coverage per source."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from harness.experiment.rewards import OnLoop
from harness.feedback.contract import RunContext
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.errors import InputError, ScaleError
from harness.nouns.outcomes import Status
from harness.nouns.scale import Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, SourceInfo, Verdict
from harness.scale_out.loop_thread import LoopThread
from harness.train.reward_function import SourceReward, WeightedRewards

LENGTH = Scale("interval", low=0, high=8)
CTX = RunContext(chat=None, workers=None, sandbox=None)  # type: ignore[arg-type]


@dataclass
class LengthSource:
    """Scores the length of a response; fails on empty ones, and is sampled twice on long ones."""

    deterministic: bool = True
    seen: list[JudgmentRequest] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    @property
    def info(self) -> SourceInfo:
        return SourceInfo("length", "1", "verifier", LENGTH, deterministic=self.deterministic)

    def check(self, ctx: RunContext) -> None:
        """Nothing is needed."""

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        for request in reversed(requests):
            await asyncio.sleep(0)
            self.seen.append(request)
            self.threads.add(threading.current_thread().name)
            text = request.responses[0].text
            if text in ("", "?"):
                status = Status.ABSTAINED if text else Status.ERROR
                verdict = Verdict(status, rationale="doubt" if text else "empty")
                yield Judgment(request.id, "length", "1", "length", verdict)
            elif text != "silence":
                for repeat in range(2 if len(text) > 3 else 1):
                    verdict = Verdict(Status.OK, float(len(text) + 2 * repeat))
                    yield Judgment(request.id, "length", "1", "length", verdict, repeat=repeat)


def call(function: Any, completions: list[Any], **columns: Any) -> Any:
    n = len(completions)
    columns = {"item": [Item(f"i{k}", "?") for k in range(n)], **columns}
    return function(prompts=["?"] * n, completions=completions, completion_ids=[[1]] * n, **columns)


def test_a_source_becomes_rewards_in_order_and_failures_none() -> None:
    with LoopThread() as loop:
        source = LengthSource()
        rewards = loop.run(call(SourceReward(source, CTX), ["ab", "", "abcd", "silence"]))
    # "abcd" is the mean of 4 and 6, of 8 at most; an error and silence are None, not 0.
    assert rewards == [2 / 8, None, 5 / 8, None]


def test_why_a_source_has_no_verdict_is_in_the_row_of_the_log() -> None:
    with LoopThread() as loop:
        rewards = WeightedRewards({"n": OnLoop(SourceReward(LengthSource(), CTX), loop)})
        known, unknown = Item("i", "?", "1"), Item("i", "?")
        for text, item, why in (
            ("?", unknown, "doubt (item i has no reference)"),
            ("?", known, "doubt"),
            ("", unknown, "empty"),
        ):
            assert call(rewards, [text, "ab"], item=[item, known]) == [None, 2 / 8]
            assert rewards.take_stats()["failure/n"] == why
        assert call(rewards, ["ab"]) == [2 / 8]
        assert "failure/n" not in rewards.take_stats()


def test_a_source_gets_the_item_itself_and_the_text_of_chat_messages() -> None:
    source = LengthSource()
    chat = [{"role": "assistant", "content": "abc"}]
    item = Item("sum", "3+4?", {"answer": 7}, {"max_words": 3})
    asyncio.run(call(SourceReward(source, CTX), [chat], item=[item]))
    request = source.seen[0]
    assert request.item is item
    assert [response.text for response in request.responses] == ["abc"]
    asked = build_requests([item], request.responses, "pointwise", criterion_for(source.info))
    assert asked == [request]


def test_it_works_while_a_loop_runs_in_the_calling_thread() -> None:
    """A notebook, or a trainer that runs a loop of its own."""
    source = LengthSource()
    rewards = WeightedRewards({"length": SourceReward(source, CTX)})

    async def notebook() -> Any:
        return call(rewards, ["ab", "abc"])

    assert asyncio.run(notebook()) == [2 / 8, 3 / 8]
    assert source.threads == {"harness-loop"}


def test_equal_completions_are_judged_once() -> None:
    for deterministic, calls in ((True, 1), (False, 2)):
        source = LengthSource(deterministic=deterministic)
        rewards = WeightedRewards({"length": SourceReward(source, CTX)})
        for _ in range(2):
            assert call(rewards, ["ab"] * 3, item=[Item("i", "?")] * 3) == [2 / 8] * 3
        assert len(source.seen) == calls


def test_failures_of_a_deterministic_source_are_tried_again() -> None:
    source = LengthSource()
    rewards = WeightedRewards({"length": SourceReward(source, CTX)})
    assert [call(rewards, [""]) for _ in range(2)] == [[None], [None]]
    assert len(source.seen) == 2


def word_source(scale: Scale | None, word: str) -> LengthSource:
    class Words(LengthSource):
        @property
        def info(self) -> SourceInfo:
            return SourceInfo("words", "1", "judge", scale)

        async def annotate(
            self, requests: Sequence[JudgmentRequest], ctx: RunContext
        ) -> AsyncIterator[Judgment]:
            for request in requests:
                yield Judgment(request.id, "words", "1", "w", Verdict(Status.OK, word))

    return Words()


def test_a_label_is_a_reward_only_on_an_ordinal_scale() -> None:
    likert = Scale("ordinal", ("bad", "fair", "good"))
    reward = SourceReward(word_source(likert, "fair"), CTX)
    assert asyncio.run(call(reward, ["ab"])) == [0.5]
    colours = Scale("nominal", ("red", "blue"))
    with pytest.raises(ScaleError, match="no order"):
        asyncio.run(call(SourceReward(word_source(colours, "red"), CTX), ["ab"]))


def constant(*values: float | None) -> Any:
    def function(prompts: Any, completions: Any, completion_ids: Any, **_: Any) -> Any:
        return list(values)

    return function


def test_the_weighted_sum_is_none_where_any_source_failed() -> None:
    rewards = WeightedRewards(
        {"a": constant(1, 2, None, 4), "b": constant(10, None, 30, math.nan)}, {"b": 0.5}
    )
    assert call(rewards, [""] * 4) == [6.0, None, None, None]
    stats = rewards.take_stats()
    assert stats["reward/a"] == pytest.approx(7 / 3)
    assert (stats["coverage/a"], stats["coverage/b"]) == (0.75, 0.5)
    assert rewards.take_stats() == {}


def test_a_source_of_weight_zero_is_watched_and_cannot_mask() -> None:
    rewards = WeightedRewards({"a": constant(1, 2), "b": constant(None, 3)}, {"b": 0.0})
    assert call(rewards, [""] * 2) == [1.0, 2.0]
    assert rewards.take_stats()["coverage/b"] == 0.5


def test_wrong_reward_functions_are_refused() -> None:
    with pytest.raises(InputError, match="returned 1 rewards for 2 completions"):
        call(WeightedRewards({"short": constant(1)}), ["", ""])
    with pytest.raises(InputError, match="unknown reward functions: typo"):
        WeightedRewards({"a": constant(1)}, {"typo": 1})
    with pytest.raises(InputError, match="no reward function"):
        WeightedRewards({})
