"""A value that its request cannot get is an error when it comes, not when all is paid for."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from harness.experiment.sources import NamedSource
from harness.experiment.stages.judge import requests_of
from harness.feedback.annotate import annotate
from harness.feedback.contract import SourceFactory
from harness.feedback.requests import criterion_for
from harness.nouns.errors import DataError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment, JudgmentRequest, SourceInfo, Verdict
from harness.plugin import (
    BINARY,
    UNIT,
    ChatRequest,
    Item,
    Response,
    RunContext,
    Scale,
    judge,
    read_score,
    verifier,
)
from harness.records.journal import Journal
from harness.records.judgments import read_judgments, write_judgments
from harness.testing import (
    ConformanceError,
    FakeChat,
    check_source,
    fake_context,
    sample_requests,
)

FIVE = Scale("ordinal", ("1", "2", "3", "4", "5"))
PERCENT = Scale("interval", low=0.0, high=100.0)


def rating(read: Scale, **declared: Any) -> SourceFactory:
    """Return a judge that reads ratings on one scale, and may declare it."""

    @judge(name="rating", version="1", takes=("pointwise",), **declared)
    async def rates(request: JudgmentRequest, ctx: RunContext) -> Verdict:
        """Rates."""
        ask = f"{request.responses[0].text}\n\nEnd with Rating: and a number."
        message = {"role": "user", "content": ask}
        reply = await ctx.chat.complete(ChatRequest("openai/any", (message,)))
        return read_score(reply.text, read, ask)

    return rates


def judged(factory: SourceFactory, requests: list[JudgmentRequest], **more: Any) -> list[Judgment]:
    ctx = fake_context(FakeChat("Rating: 5"))
    return asyncio.run(annotate(factory.build(), requests, ctx, **more))


def asked(info: SourceInfo) -> list[JudgmentRequest]:
    """Return what ``harness judge`` asks a source of single responses."""
    criterion = criterion_for(info)
    return [replace(r, criterion=criterion) for r in sample_requests("pointwise")]


WRONG: list[tuple[str, Any, Scale, str]] = [
    ("pointwise", "5", BINARY, "value '5' is not on the scale nominal false/true"),
    ("pointwise", 5.0, BINARY, "value 5.0 is not on the scale nominal false/true"),
    (
        "pointwise",
        1,
        BINARY,
        "value 1 is not on the scale nominal false/true; a source of numbers"
        " from 0 to 1 declares scale=UNIT",
    ),
    ("pointwise", "true", BINARY, "value 'true' is not on the scale nominal false/true"),
    ("pointwise", "6", FIVE, "value '6' is not on the scale ordinal 1/2/3/4/5"),
    ("pointwise", 5, FIVE, "value 5 is not on the scale ordinal 1/2/3/4/5"),
    ("pointwise", "4.5", FIVE, "value '4.5' is not on the scale"),
    ("pointwise", True, UNIT, "value True is not on the scale interval 0.0..1.0"),
    ("pointwise", float("nan"), UNIT, "value nan is not on the scale interval 0.0..1.0"),
    ("pointwise", 101.0, PERCENT, "value 101.0 is not on the scale interval 0.0..100.0"),
    ("pointwise", "A", BINARY, "value 'A' is not on the scale"),
    ("pairwise", "C", BINARY, "value 'C' is not A, B or TIE"),
    ("pairwise", "a", BINARY, "value 'a' is not A, B or TIE"),
    ("pairwise", True, BINARY, "value True is not A, B or TIE"),
    ("pairwise", ("A", "B"), BINARY, "value ('A', 'B') is not A, B or TIE"),
    ("listwise", "A > B > C", BINARY, "is not a tuple of all ids of the list"),
    ("listwise", ("A", "B", "C"), BINARY, "is not a tuple of all ids of the list"),
    ("listwise", ("ordinary-0.0", "ordinary-0.1"), BINARY, "ordinary-0.2, best first"),
    ("listwise", ("ordinary-0.0",) * 3, BINARY, "is not a tuple of all ids of the list"),
]


@pytest.mark.parametrize(("way", "value", "scale", "reason"), WRONG)
def test_a_judge_s_value_off_its_request_is_an_error_with_value_and_scale(
    way: Any, value: Any, scale: Scale, reason: str
) -> None:
    @judge(name="odd", version="1", takes=(way,))
    async def odd(request: JudgmentRequest, ctx: RunContext) -> Verdict:
        """Says what it was told to."""
        return Verdict(Status.OK, value)

    (request, *_) = sample_requests(way)
    request = replace(request, criterion=replace(request.criterion, scale=scale))
    rows = judged(odd, [request])
    assert {row.verdict.status for row in rows} == {Status.ERROR}
    assert all(reason in row.verdict.rationale for row in rows)


@verifier(name="marks", version="1")
def marks(item: Item, response: Response) -> Verdict:
    """Give marks, and say nothing of a scale."""
    return Verdict(Status.OK, "5")


@verifier(name="share", version="1")
async def share(item: Item, response: Response) -> float:
    """Give a share, and say nothing of a scale."""
    return 0.5


@pytest.mark.parametrize(("factory", "value"), [(marks, "'5'"), (share, "0.5")])
def test_a_verifier_s_value_off_its_scale_is_an_error(factory: SourceFactory, value: str) -> None:
    rows = judged(factory, sample_requests("pointwise"))
    assert {row.verdict.status for row in rows} == {Status.ERROR}
    wanted = f"value {value} is not on the scale nominal false/true"
    if factory is share:
        wanted += "; a source of numbers from 0 to 1 declares scale=UNIT"
    assert {row.verdict.rationale for row in rows} == {wanted}


def test_a_judge_that_declares_its_scale_is_asked_on_it() -> None:
    factory = rating(FIVE, scale=FIVE)
    info = factory.build().info
    assert info.scale == FIVE
    rows = judged(factory, asked(info))
    assert {(row.verdict.status, row.verdict.value) for row in rows} == {(Status.OK, "5")}
    rows = judged(rating(FIVE), asked(rating(FIVE).build().info))
    assert {row.verdict.status for row in rows} == {Status.ERROR}


def test_the_scale_may_depend_on_the_options() -> None:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")
        most: int = 5

    @judge(
        name="rating", version="1", takes=("pointwise",), options=Options,
        scale=lambda options: Scale("interval", low=0.0, high=float(options.most)),
    )  # fmt: skip
    async def rates(request: JudgmentRequest, ctx: RunContext, options: Options) -> Verdict:
        """Rates."""
        return read_score("Rating: 7", request.criterion.scale)

    seven = rates.build({"most": 7})
    (row, *_) = asyncio.run(annotate(seven, asked(seven.info), fake_context()))
    assert row.verdict.value == 7.0
    five = rates.build()
    (row, *_) = asyncio.run(annotate(five, asked(five.info), fake_context()))
    assert row.verdict.status is Status.UNPARSEABLE
    assert "on the scale interval 0.0..5.0" in row.verdict.rationale


def test_a_score_that_is_no_verdict_names_the_scale() -> None:
    said = read_score("Rating: 5", BINARY)
    assert said.rationale == "no verdict on the scale nominal false/true in: Rating: 5"


def test_what_was_recorded_off_its_scale_is_judged_again(tmp_path: Path) -> None:
    """An older harness took such a value; it is neither kept nor counted beside the new one."""
    factory = rating(FIVE)
    requests = asked(factory.build().info)
    old = [Judgment(r.id, "rating", "1", "rating", Verdict(Status.OK, "5")) for r in requests]
    with Journal(tmp_path / "j.sqlite") as journal:
        for row in old:
            journal.put_judgment(row, "")
        found = judged(factory, requests, journal=journal)
        assert [row.verdict.status for row in found] == [Status.ERROR] * len(requests)
        assert len(journal.judgments("", "rating")) == len(requests)


def test_a_file_with_such_a_value_says_who_gave_it_and_what_to_do(tmp_path: Path) -> None:
    info = rating(FIVE).build().info
    requests = asked(info)[:1]
    path = tmp_path / "judgments.jsonl"
    row = Judgment(requests[0].id, "rating", "1", "rating", Verdict(Status.OK, "5"))
    write_judgments(path, requests, [row], {"rating": info})
    with pytest.raises(DataError) as wrong:
        read_judgments(path)
    assert wrong.value.what == (
        "value '5' is not on the scale nominal false/true: source rating gave what its request"
        " does not have"
    )
    assert "harness judge" in (wrong.value.hint or "") and "ValueError" not in str(wrong.value)
    listed = {**json.loads(path.read_text()), "response_ids": ["x", "y"]}
    path.write_text(json.dumps(listed))
    with pytest.raises(DataError, match="value '5' is not A, B or TIE"):
        read_judgments(path)


def test_the_kit_finds_a_judge_that_scores_off_its_scale() -> None:
    with pytest.raises(ConformanceError) as found:
        check_source(rating(FIVE))
    (breach,) = found.value.breaches
    assert "value '5' is not on the scale nominal false/true" in breach
    assert "scale=..." in breach
    check_source(rating(FIVE, scale=FIVE))
    check_source(rating(FIVE, scale=FIVE), ctx=fake_context(FakeChat("Rating: 4")))
    for other in (PERCENT, Scale("nominal", ("A", "neither"))):
        with pytest.raises(ConformanceError, match="is not on the scale nominal false/true"):
            check_source(rating(other))


def test_the_kit_finds_a_judge_whose_every_judgment_is_an_error() -> None:
    @judge(name="broken", version="1")
    async def broken(request: JudgmentRequest, ctx: RunContext) -> Verdict:
        """Breaks."""
        return ctx.chat.ask("?")  # type: ignore[attr-defined, no-any-return]

    with pytest.raises(ConformanceError) as found:
        check_source(broken)
    (first, *_) = found.value.breaches
    assert first.startswith("pointwise: every judgment is an error, 3 of 3 times: AttributeError:")
    assert "FakeChat" in first

    @verifier(name="broken", version="1")
    async def breaks(item: Item, response: Response) -> bool:
        """Break."""
        raise KeyError("gold")

    with pytest.raises(ConformanceError, match="every judgment is an error, 3 of 3 times: KeyErr"):
        check_source(breaks)


def test_a_source_is_asked_on_the_scale_that_it_declares() -> None:
    source = rating(FIVE, scale=FIVE).build()
    named = NamedSource("rating", config=_Config(), source=source, origin=None)  # type: ignore[arg-type]
    items, responses = [Item("i", "?")], [Response("r", "i", "s", "text")]
    (request,) = requests_of(named, items, responses)
    assert request.criterion.scale == FIVE


class _Config:
    way = "pointwise"
    limit = None
