"""What the adapters put on a row: whose label, in which order, how long, and what is checked."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from harness.feedback.contract import RunContext
from harness.feedback.human import human_labels
from harness.feedback.judge import JudgeSource
from harness.labels.human_label import HumanLabel
from harness.nouns.outcomes import Status, WorkOutcome
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, PREFERENCE, UNIT
from harness.nouns.schema import Item, JudgmentRequest, Response, SourceInfo, Verdict
from harness.plugin import verifier
from harness.testing import FakeChat, fake_context, sample_requests

OVERALL = Criterion("overall", "Which is better?", PREFERENCE)


class NoOptions(BaseModel):
    """No options."""


def rows(source: Any, requests: list[JudgmentRequest], ctx: RunContext) -> list[Any]:
    async def run() -> list[Any]:
        return [row async for row in source.annotate(requests, ctx)]

    return asyncio.run(run())


def pair(first: Response, second: Response) -> JudgmentRequest:
    return JudgmentRequest("q", Item("i", "?"), (first, second), OVERALL)


def human(label: HumanLabel, request: JudgmentRequest) -> list[tuple[Any, str]]:
    @human_labels(name="people", version="1", options=NoOptions, scale=lambda _: UNIT)
    def people(_: Any) -> list[HumanLabel]:
        return [label]

    found = rows(people.build({}), [request], fake_context())
    return [(row.verdict.value, row.order) for row in found]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (HumanLabel("i", ("x", "y"), "ann", "A", shown="AB"), ("A", "AB")),
        (HumanLabel("i", ("y", "x"), "ann", "A", shown="AB"), ("B", "BA")),
        (HumanLabel("i", ("y", "x"), "ann", "B", shown="BA"), ("A", "AB")),
        (HumanLabel("i", ("y", "x"), "ann", "TIE", shown="BA"), ("TIE", "AB")),
        (HumanLabel("i", ("y", "x"), "ann", "A"), ("B", "")),
        (HumanLabel("i", ("s2", "s1"), "ann", "A", shown="AB"), ("B", "BA")),
    ],
)
def test_a_label_of_the_pair_the_other_way_round_is_turned_with_its_order(
    label: HumanLabel, expected: tuple[str, str]
) -> None:
    request = pair(Response("x", "i", "s1", ""), Response("y", "i", "s2", ""))
    assert human(label, request) == [expected]


def test_a_name_is_the_id_of_a_response_before_it_is_a_system() -> None:
    """The systems are named like each other's responses."""
    request = pair(Response("x", "i", "y", ""), Response("y", "i", "x", ""))
    assert human(HumanLabel("i", ("x", "y"), "ann", "A", shown="AB"), request) == [("A", "AB")]


def test_a_score_of_a_system_is_no_label_of_a_pair_of_its_samples() -> None:
    score = HumanLabel("i", ("base",), "ann", 1.0)
    samples = [Response(f"r{n}", "i", "base", "") for n in range(2)]
    assert human(score, pair(*samples)) == []
    single = JudgmentRequest("q", Item("i", "?"), (samples[0],), Criterion("overall", "?", UNIT))
    assert human(score, single) == [(1.0, "")]


async def says_a(request: JudgmentRequest, ctx: RunContext, repeat: int) -> Verdict:
    return Verdict(Status.OK, "A")


def test_which_order_is_the_only_one_differs_from_judge_to_judge_and_seed_to_seed() -> None:
    """Half of 400 draws are alike by chance, give or take 4 times 10."""
    (base, *_) = sample_requests("pairwise")
    requests = [replace(base, id=f"q{n}") for n in range(400)]

    def orders(name: str, seed: int) -> list[str]:
        source = JudgeSource(SourceInfo(name, "1", "judge"), says_a, both_orders=False)
        found = {
            row.request_id: row.order for row in rows(source, requests, fake_context(seed=seed))
        }
        return [found[request.id] for request in requests]

    first = orders("ann", 0)
    assert first == orders("ann", 0)
    assert 160 < first.count("AB") < 240
    for other in (orders("bob", 0), orders("ann", 1)):
        assert 160 < sum(a == b for a, b in zip(first, other, strict=True)) < 240


def test_each_model_of_a_judge_is_checked_with_the_parameters_of_its_provider() -> None:
    checked: list[Any] = []

    class Chat(FakeChat):
        def check(self, model: str, extra: Any = None) -> None:
            checked.append((model, extra))

    extra = {"api_base": "http://127.0.0.1:1/v1"}
    info = SourceInfo("judge", "1", "judge", models=("m/a", "m/b"))
    JudgeSource(info, says_a, extra=extra).check(fake_context(Chat()))
    assert checked == [("m/a", extra), ("m/b", extra)]


@verifier(name="right", version="1", scale=BINARY)
def right(item: Item, response: Response) -> bool:
    return True


def test_the_time_of_a_batch_is_shared_by_its_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    class Workers:
        async def run(self, function: str, batch: Any, timeout_s: float) -> list[WorkOutcome]:
            now[0] += 6.0
            return [WorkOutcome(Status.OK, True) for _ in batch]

    ctx = replace(fake_context(), workers=Workers())  # type: ignore[arg-type]
    (base, *_) = sample_requests()
    for n, each in ((1, 6.0), (4, 1.5)):
        requests = [replace(base, id=f"q{i}") for i in range(n)]
        assert [row.latency_s for row in rows(right.build(), requests, ctx)] == [each] * n
