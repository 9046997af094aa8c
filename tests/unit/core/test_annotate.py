"""Every request ends as a verdict or as a typed failure, and none is made twice."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from harness.feedback.annotate import annotate
from harness.feedback.contract import Limits, RunContext, Shown
from harness.feedback.judge import JudgeSource
from harness.feedback.requests import build_requests
from harness.nouns.errors import BudgetExceededError, ChatError
from harness.nouns.outcomes import Status, WorkOutcome
from harness.nouns.scale import UNIT
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo, Verdict
from harness.plugin import verifier
from harness.records.journal import Journal

ITEMS = [Item(f"i{n}", f"question {n}", reference=str(n)) for n in range(6)]
RESPONSES = [
    Response(f"i{n}.{k}", f"i{n}", "base", f"answer {k * n}") for n in range(6) for k in range(2)
]


class InlineWorkers:
    """Calls the function here, as a worker would elsewhere."""

    async def run(
        self, function: str, batch: Sequence[tuple[object, ...]], timeout_s: float
    ) -> list[WorkOutcome]:
        outcomes = []
        for arguments in batch:
            try:
                outcomes.append(WorkOutcome(Status.OK, odd_verifier(*arguments)))
            except RuntimeError as error:
                outcomes.append(WorkOutcome(Status.ERROR, reason=str(error)))
        return outcomes


def context() -> RunContext:
    return RunContext(chat=None, workers=InlineWorkers(), sandbox=None, limits=Limits(4))  # type: ignore[arg-type]


@verifier(name="odd", version="1")
def odd_verifier(item: Item, response: Response) -> object:
    """Return something else for each item."""
    made: list[object] = [True, 0.25, None, float("nan"), "yes"]
    number = int(item.id[1:])
    if number == 5:
        raise RuntimeError("broken")
    return made[number]


def run(source: object, requests: list[JudgmentRequest], **options: object) -> list[Judgment]:
    return asyncio.run(annotate(source, requests, context(), **options))  # type: ignore[arg-type]


def test_what_a_verifier_returns_is_typed() -> None:
    requests = build_requests(ITEMS, RESPONSES[::2], "pointwise")
    found = {j.request_id: j.verdict for j in run(odd_verifier.build(), requests)}
    statuses = [found[request.id].status for request in requests]
    assert statuses == [
        Status.OK,
        Status.ERROR,  # 0.25 is not on the scale of a binary verifier
        Status.ABSTAINED,
        Status.ERROR,
        Status.ERROR,
        Status.ERROR,
    ]
    assert all(v.value is None for v in found.values() if v.status is not Status.OK)


@dataclass
class Calls:
    """A judge function that counts, and fails where it is told to."""

    fail: dict[str, Exception] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, request: JudgmentRequest, ctx: RunContext, repeat: int) -> Verdict:
        self.seen.append((request.item.id, request.responses[0].id))
        if request.item.id in self.fail:
            raise self.fail[request.item.id]
        return Verdict(Status.OK, "A", 0.9)


def judge_source(calls: Calls, **options: object) -> JudgeSource:
    info = SourceInfo("judge", "1", "judge", takes=("pairwise",))
    return JudgeSource(info, calls, **options)  # type: ignore[arg-type]


PAIRS = build_requests(ITEMS, RESPONSES, "pairwise")


def test_pairs_of_equal_texts_are_left_out() -> None:
    assert [request.item.id for request in PAIRS] == ["i1", "i2", "i3", "i4", "i5"]


def test_a_pair_is_shown_in_both_orders_and_mapped_back() -> None:
    calls = Calls()
    found = run(judge_source(calls), PAIRS)
    assert len(found) == 2 * len(PAIRS)
    by_order = {(j.request_id, j.order): j.verdict for j in found}
    for request in PAIRS:
        assert by_order[request.id, "AB"].value == "A"
        swapped = by_order[request.id, "BA"]
        assert (swapped.value, round(swapped.probability or 0, 9)) == ("B", 0.1)
    assert len(set(calls.seen)) == 2 * len(PAIRS)


def test_a_single_order_is_seeded_and_not_always_the_same() -> None:
    many = [Item(f"i{n}", "q") for n in range(40)]
    texts = [Response(f"{i.id}.{k}", i.id, "s", f"t{k}") for i in many for k in range(2)]
    requests = build_requests(many, texts, "pairwise")
    orders = [
        {j.request_id: j.order for j in run(judge_source(Calls(), both_orders=False), requests)}
        for _ in range(2)
    ]
    assert orders[0] == orders[1]
    assert 8 < list(orders[0].values()).count("AB") < 32


def test_failures_keep_their_status_and_reason() -> None:
    calls = Calls(
        {
            "i1": ChatError(Status.REFUSED, "no comment"),
            "i2": TimeoutError(),
            "i3": KeyError("surprise"),
        }
    )
    found = {j.request_id: j.verdict for j in run(judge_source(calls, both_orders=False), PAIRS)}
    statuses = [found[request.id].status for request in PAIRS]
    assert statuses == [Status.REFUSED, Status.TIMEOUT, Status.ERROR, Status.OK, Status.OK]
    assert "surprise" in found[PAIRS[2].id].rationale


def test_nothing_is_judged_twice_and_faults_are_tried_again(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        first = Calls({"i2": ChatError(Status.ERROR, "503"), "i3": ChatError(Status.REFUSED, "no")})
        run(judge_source(first), PAIRS[:3], journal=journal)
        second = Calls()
        found = run(judge_source(second), PAIRS, journal=journal)
        assert {item for item, _ in second.seen} == {"i2", "i4", "i5"}
        assert len(second.seen) == 6
        assert len(found) == 10
        statuses = [j.verdict.status for j in journal.judgments()]
        assert sorted(statuses) == [Status.OK] * 8 + [Status.REFUSED] * 2
        third = Calls()
        assert len(run(judge_source(third), PAIRS, journal=journal)) == 10
        assert third.seen == []


def test_half_a_pair_is_completed_not_repeated(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        whole = run(judge_source(Calls()), PAIRS[:1], journal=journal)
        journal.forget([whole[1]])
        calls = Calls()
        found = run(judge_source(calls), PAIRS[:1], journal=journal)
        assert len(calls.seen) == 1
        assert {j.order for j in found} == {"AB", "BA"}


def test_the_budget_stops_the_run_and_keeps_what_was_paid(tmp_path: Path) -> None:
    calls = Calls({"i4": BudgetExceededError("$1 is used up")})
    with Journal(tmp_path / "j.sqlite") as journal:
        with pytest.raises(BudgetExceededError):
            asyncio.run(annotate(judge_source(calls, both_orders=False), PAIRS, context(), journal))
        # Four at once: i1, i2 and i3 were paid for, i4 found no money, i5 was not begun.
        paid = {request.id for request in PAIRS[:3]}
        found = {j.request_id: j.verdict.status for j in journal.judgments()}
        assert found == dict.fromkeys(paid, Status.OK)
        assert [item for item, _ in calls.seen] == ["i1", "i2", "i3", "i4"]


class Silent:
    """Yields too little, for unknown requests, or dies."""

    info = SourceInfo("silent", "1", "verifier", UNIT)

    def __init__(self, how: str) -> None:
        self.how = how

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        yield Judgment(requests[0].id, "silent", "1", "silent", Verdict(Status.OK, 1.0))
        if self.how == "dies":
            raise OSError("gone")
        if self.how == "invents":
            yield Judgment("nobody asked", "silent", "1", "silent", Verdict(Status.OK, 1.0))

    def check(self, ctx: RunContext) -> None:
        pass


@pytest.mark.parametrize(
    ("how", "status"),
    [("stops", Status.MISSING), ("dies", Status.ERROR), ("invents", Status.ERROR)],
)
def test_silence_becomes_rows(how: str, status: Status) -> None:
    requests = build_requests(ITEMS, RESPONSES[::2], "pointwise")
    found = run(Silent(how), requests)
    assert len(found) == len(requests)
    assert [j.verdict.status for j in found] == [Status.OK] + [status] * 5


@pytest.mark.parametrize(
    "change",
    [{"reference": "other"}, {"prompt": "other"}, {"metadata": {"max_words": 3}}],
)
def test_a_changed_question_is_asked_anew(tmp_path: Path, change: dict[str, object]) -> None:
    with Journal(tmp_path / "j.sqlite") as journal:
        run(judge_source(Calls()), PAIRS[:1], journal=journal)
        changed = [replace(item, **change) for item in ITEMS]  # type: ignore[arg-type]
        calls = Calls()
        run(judge_source(calls), build_requests(changed, RESPONSES, "pairwise"), journal=journal)
        assert len(calls.seen) == 10


def test_a_response_that_never_came_is_a_failure_not_a_wrong_answer() -> None:
    lost = replace(RESPONSES[0], text="", metadata={"status": "timeout", "reason": "60 s"})
    requests = build_requests(ITEMS[:1], [lost], "pointwise")
    (judgment,) = run(odd_verifier.build(), requests)
    assert judgment.verdict.status is Status.TIMEOUT
    assert "60 s" in judgment.verdict.rationale


def test_a_source_with_several_judgments_learns_what_it_gave() -> None:
    seen: list[frozenset[tuple[str, str, int]]] = []

    class Sampled(Silent):
        def presentations(self, request: JudgmentRequest, seed: int) -> list[tuple[str, int]]:
            return [("", 0), ("", 1)]

        async def annotate(
            self, requests: Sequence[JudgmentRequest], ctx: RunContext, skip: Shown = frozenset()
        ) -> AsyncIterator[Judgment]:
            seen.append(skip)
            for request in requests:
                for repeat in range(2):
                    if (request.id, "", repeat) not in skip:
                        verdict = Verdict(Status.OK, 1.0)
                        yield Judgment(request.id, "silent", "1", "s", verdict, repeat=repeat)

    with Journal(Path(tempfile.mkdtemp()) / "j.sqlite") as journal:
        requests = build_requests(ITEMS[:1], RESPONSES[:1], "pointwise")
        (first, _) = run(Sampled(""), requests, journal=journal)
        journal.forget([first])
        assert len(run(Sampled(""), requests, journal=journal)) == 2
        assert [len(skip) for skip in seen] == [0, 1]
