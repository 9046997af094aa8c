"""What is asked, what is asked again, and what becomes of a source that breaks its promises."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from harness.feedback.annotate import annotate
from harness.feedback.contract import RunContext
from harness.feedback.requests import OVERALL, build_requests, criterion_for, request_id
from harness.nouns.errors import InputError
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY, UNIT, Scale
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, SourceInfo, Verdict
from harness.records.journal import Journal
from harness.testing import fake_context

CLEAR = Criterion("clear", "Is it clear?", Scale("ordinal", ("1", "2", "3")))
ITEMS = [Item(f"i{n}", f"question {n}") for n in range(7)]
SINGLE = build_requests(ITEMS, [Response(f"r{n}", f"i{n}", "s", f"t{n}") for n in range(7)],
                        "pointwise")  # fmt: skip
INFO = SourceInfo("s", "1", "verifier", UNIT)
STATUSES = dict(zip((r.id for r in SINGLE), Status, strict=True))
"""One request for each status that a verdict can have."""


def verdict(status: Status, value: Any = 1.0) -> Verdict:
    return Verdict(status, value if status is Status.OK else None, rationale=f"was {status}")


@dataclass
class Source:
    """Gives one judgment to each request, as it is told, and remembers what it was asked."""

    info: SourceInfo = INFO
    say: Callable[[JudgmentRequest], Verdict] = lambda request: verdict(Status.OK)
    asked: list[str] = field(default_factory=list)
    contexts: list[RunContext] = field(default_factory=list)

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        self.contexts.append(ctx)
        for request in requests:
            self.asked.append(request.id)
            name, version = self.info.name, self.info.version
            yield Judgment(request.id, name, version, "ann", self.say(request))

    def check(self, ctx: RunContext) -> None:
        pass


class Repeated(Source):
    """Shows each request twice, leaving out what it gave before."""

    seeds: list[int]
    skips: Any = ()

    def presentations(self, request: JudgmentRequest, seed: int) -> list[tuple[str, int]]:
        self.seeds.append(seed)
        return [("", 0), ("", 1)]

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext, skip: Any = frozenset()
    ) -> AsyncIterator[Judgment]:
        self.contexts.append(ctx)
        self.skips = skip
        for request in requests:
            for repeat in (0, 1):
                if (request.id, "", repeat) not in skip:
                    self.asked.append(request.id)
                    made = Judgment(request.id, "s", "1", "ann", self.say(request))
                    yield replace(made, repeat=repeat)


def run(
    source: object, requests: Sequence[JudgmentRequest] = SINGLE, *more: Any, **options: Any
) -> list[Judgment]:
    return asyncio.run(annotate(source, requests, fake_context(), *more, **options))  # type: ignore[arg-type]


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    with Journal(tmp_path / "j.sqlite") as journal:
        yield journal


def test_pairs_are_neighbours_and_the_odd_one_is_left_out() -> None:
    texts = {"a": "abcde", "b": "xxyzz", "c": "p", "nobody": "qr"}
    responses = [  # of all items in turn, as several policies write them
        Response(f"{item}{n}", item, "s", text[n])
        for n in range(5) for item, text in texts.items() if n < len(text)
    ]  # fmt: skip
    items = [Item(name, f"? {name}") for name in ("b", "a", "empty", "c")]

    def shown(way: Any) -> list[tuple[str, ...]]:
        requests = build_requests(items, responses, way, CLEAR)
        by_name = {item.id: item for item in items}
        for r in requests:
            assert (r.item, r.criterion) == (by_name[r.responses[0].item_id], CLEAR)
            assert r.id == request_id(r.item, r.responses, CLEAR)
        return [tuple(response.id for response in r.responses) for r in requests]

    # Of b, x and x are equal and left out, y and z are a pair, and the last z has no neighbour.
    assert shown("pairwise") == [("b2", "b3"), ("a0", "a1"), ("a2", "a3")]
    assert shown("pointwise") == [
        *((f"b{n}",) for n in range(5)), *((f"a{n}",) for n in range(5)), ("c0",),
    ]  # fmt: skip


def test_ids_stay_the_same_so_that_what_was_paid_for_is_found_again() -> None:
    item = Item("i", "é?", ["4"], {"k": 1})
    responses = (Response("r1", "i", "s", "a"), Response("r2", "i", "t", "b", {"x": 1}))
    scale = {"level": "ordinal", "labels": ["1", "2", "3"], "low": None, "high": None}
    asked = {
        "item": ["i", "é?", ["4"], {"k": 1}],
        "responses": [["r1", "a"], ["r2", "b"]],
        "criterion": ["clear", "Is it clear?", scale],
    }
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    expected = hashlib.sha256(text.encode()).hexdigest()[:24]
    assert request_id(item, responses, CLEAR) == expected


def test_a_source_is_asked_on_its_own_scale() -> None:
    info = SourceInfo("s", "1", "verifier")
    assert criterion_for(info) == OVERALL
    assert OVERALL.scale == BINARY
    assert criterion_for(replace(info, scale=UNIT)) == replace(OVERALL, scale=UNIT)


def test_only_failures_of_the_infrastructure_are_asked_again(journal: Journal) -> None:
    """Also of a source without presentations: whatever was an outcome is not paid for twice."""
    first = run(Source(say=lambda r: verdict(STATUSES[r.id])), SINGLE, journal)
    assert [j.verdict.status for j in first] == list(Status)
    again = [name for name, status in STATUSES.items() if status in ("error", "timeout", "missing")]
    assert len(again) == 3
    source = Source()
    found = run(source, SINGLE, journal)
    assert source.asked == again
    kept = [j for j in first if j.request_id not in again]
    assert found[:4] == kept
    assert [j.request_id for j in found[4:]] == again
    rows = {j.request_id: j.verdict.status for j in journal.judgments()}
    assert rows == {**STATUSES, **dict.fromkeys(again, Status.OK)}
    assert len(journal.judgments()) == 7
    third = Source()
    assert run(third, SINGLE, journal) == journal.judgments()
    assert (third.asked, third.contexts) == ([], [])  # it is not even begun


def test_repeats_that_are_there_are_not_made_again(journal: Journal) -> None:
    source = Repeated()
    source.seeds = []
    first = run(source, SINGLE[:3], journal)
    assert [(j.request_id, j.repeat) for j in first] == [
        (r.id, repeat) for r in SINGLE[:3] for repeat in (0, 1)
    ]
    journal.forget([first[3]])  # the second repeat of the second request
    again = Repeated()
    again.seeds = []
    ctx = fake_context(seed=5)
    found = asyncio.run(annotate(again, SINGLE[:4], ctx, journal))  # type: ignore[arg-type]
    assert again.asked == [SINGLE[1].id, SINGLE[3].id, SINGLE[3].id]
    assert set(again.seeds) == {5} == {again.contexts[0].seed}
    assert again.skips == {(j.request_id, "", j.repeat) for j in first if j != first[3]}
    assert len({(j.request_id, j.repeat) for j in found}) == len(found) == 8


@pytest.mark.parametrize(
    "other",
    [
        {"info": SourceInfo("t", "1", "verifier")},
        {"info": SourceInfo("s", "2", "verifier")},
        {"scope": "evaluation"},
    ],
)
def test_judgments_of_another_source_version_or_part_are_left_alone(
    journal: Journal, other: dict[str, Any]
) -> None:
    scope = other.pop("scope", "train")
    failed = run(Source(**other, say=lambda r: verdict(Status.ERROR)), SINGLE[:2], journal, scope)
    mine = Source()
    assert len(run(mine, SINGLE[:2], journal, "train")) == 2
    assert mine.asked == [SINGLE[0].id, SINGLE[1].id]
    assert [j for j in journal.judgments(scope) if j in failed] == failed


def test_judgments_of_other_requests_are_neither_returned_nor_forgotten(journal: Journal) -> None:
    failed = run(Source(say=lambda r: verdict(Status.ERROR)), SINGLE[:3], journal)
    assert [j.request_id for j in run(Source(), SINGLE[2:4], journal)] == [
        SINGLE[2].id,
        SINGLE[3].id,
    ]
    assert journal.judgments()[:2] == failed[:2]


def test_a_table_of_people_is_read_again_each_time(journal: Journal) -> None:
    info = SourceInfo("s", "1", "human", UNIT)
    run(Source(info), SINGLE, journal)
    again = Source(info, say=lambda r: verdict(Status.OK, 0.5))
    found = run(again, SINGLE, journal)
    assert again.asked == [r.id for r in SINGLE]
    assert [j.verdict.value for j in found] == [0.5] * 7
    assert journal.judgments() == found  # in place of the old ones


def test_each_judgment_is_recorded_and_told_before_the_next_is_paid_for(journal: Journal) -> None:
    told: list[Judgment] = []
    seen: list[tuple[list[Judgment], list[Judgment]]] = []

    def say(request: JudgmentRequest) -> Verdict:
        seen.append((journal.judgments("train"), list(told)))
        return verdict(Status.OK)

    def tell(judgment: Judgment, is_new: bool) -> None:
        told.append(judgment)
        news.append(is_new)

    news: list[bool] = []
    found = run(Source(say=say), SINGLE[:3], journal, "train", tell)
    assert seen == [(found[:n], found[:n]) for n in range(3)]
    assert told == found
    run(Source(), SINGLE[:4], journal, "train", tell)
    assert [j.request_id for j in told[3:]] == [r.id for r in SINGLE[:4]]
    assert news == [True] * 3 + [False] * 3 + [True]  # what is kept comes first, and is no news


def test_without_a_journal_everything_is_asked_each_time() -> None:
    source = Source()
    assert run(source) == run(source)
    assert len(source.asked) == 14


@dataclass
class Broken(Source):
    """Judges one request and then breaks a promise."""

    how: str = ""

    async def annotate(
        self, requests: Sequence[JudgmentRequest], ctx: RunContext
    ) -> AsyncIterator[Judgment]:
        yield Judgment(requests[0].id, "s", "1", "ann", verdict(Status.OK))
        if self.how == "dies":
            raise OSError("the cable")
        if self.how == "stops the run":
            raise InputError("no such model")
        if self.how == "invents":
            yield Judgment("nobody asked", "s", "1", "ann", verdict(Status.OK))


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("is silent", Verdict(Status.MISSING, rationale="the source gave no judgment")),
        ("dies", Verdict(Status.ERROR,
         rationale="OSError: the cable (test_annotate_resume.py:254)")),
        ("invents", Verdict(Status.ERROR,
         rationale="ValueError: judgment for an unknown request 'nobody asked'")),
    ],
)  # fmt: skip
def test_what_a_source_leaves_open_is_a_row_of_its_own(
    journal: Journal, how: str, expected: Verdict
) -> None:
    told: list[Judgment] = []

    def tell(judgment: Judgment, is_new: bool) -> None:
        assert is_new
        told.append(judgment)

    found = run(Broken(how=how), SINGLE[:3], journal, "", tell)
    assert [j.verdict for j in found] == [verdict(Status.OK), expected, expected]
    assert found[1:] == [Judgment(r.id, "s", "1", "s", expected) for r in SINGLE[1:3]]
    assert journal.judgments() == found == told


def test_an_error_of_the_input_stops_the_run_and_keeps_what_there_is(journal: Journal) -> None:
    with pytest.raises(InputError, match="no such model"):
        run(Broken(how="stops the run"), SINGLE[:3], journal)
    assert [j.request_id for j in journal.judgments()] == [SINGLE[0].id]


@pytest.mark.parametrize(
    ("scale", "value", "rationale"),
    [
        (UNIT, 0.25, None),
        (UNIT, 1.25, "value 1.25 is not on the scale"),
        (CLEAR.scale, "4", "value '4' is not on the scale"),
        (None, True, None),
        (None, "anything", "value 'anything' is not on the scale"),
    ],
)
def test_a_score_that_is_not_on_the_scale_is_no_score(
    scale: Scale | None, value: Any, rationale: str | None
) -> None:
    info = SourceInfo("s", "1", "verifier", scale=scale, takes=("pointwise", "pairwise"))
    source = Source(info, say=lambda r: verdict(Status.OK, value))
    (judgment,) = run(source, SINGLE[:1])
    if rationale is None:
        assert judgment.verdict.value == value
    else:
        assert judgment == Judgment(SINGLE[0].id, "s", "1", "ann", judgment.verdict)
        assert (judgment.verdict.status, judgment.verdict.value) == (Status.ERROR, None)
        assert judgment.verdict.rationale == f"{rationale} {(scale or BINARY).describe()}"
    failed = run(Source(info, say=lambda r: verdict(Status.REFUSED)), SINGLE[:1])
    assert [j.verdict for j in failed] == [verdict(Status.REFUSED)]
    pair = build_requests(ITEMS[:1], [Response(n, "i0", "", n) for n in "xy"], "pairwise")
    (judgment,) = run(Source(info, say=lambda r: verdict(Status.OK, "B")), pair)
    assert judgment.verdict.value == "B"  # the choice of a pair is not on the scale of scores


LOST = [
    ({"status": "timeout", "reason": "60 s"}, Status.TIMEOUT, "60 s"),
    ({"status": "refused"}, Status.REFUSED, ""),
    ({"status": "error", "reason": "503"}, Status.ERROR, "503"),
]


@pytest.mark.parametrize(("metadata", "status", "reason"), LOST)
@pytest.mark.parametrize("place", [0, 1])
def test_a_pair_with_a_response_that_never_came_is_one_failure_however_often_it_is_run(
    journal: Journal, metadata: dict[str, str], status: Status, reason: str, place: int
) -> None:
    answers = [Response("x", "i0", "", "x"), Response("y", "i0", "", "y")]
    answers[place] = replace(answers[place], text="", metadata=metadata)
    requests = build_requests(ITEMS[:1], answers, "pairwise")
    lost = Verdict(status, rationale=f"no response {'xy'[place]}: {reason}")
    for _ in range(3):
        source = Repeated()
        source.seeds = []
        found = run(source, [*requests, SINGLE[1]], journal)
        assert found.count(Judgment(requests[0].id, "s", "1", "s", lost)) == 1
        assert len(found) == 3 == len(journal.judgments())
        assert requests[0].id not in source.asked  # its empty text is not judged


@pytest.mark.parametrize("metadata", [{}, {"status": "ok"}, {"status": "final"}, {"status": None}])
def test_a_response_that_came_is_judged_whatever_else_its_metadata_say(
    metadata: dict[str, Any],
) -> None:
    response = Response("x", "i0", "", "x", metadata)
    (judgment,) = run(Source(), build_requests(ITEMS[:1], [response], "pointwise"))
    assert judgment.verdict == verdict(Status.OK)
