"""A judge of several criteria: each is asked about by itself, and their weights decide."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pydantic import BaseModel

from harness.feedback.annotate import annotate
from harness.feedback.contract import SourceFactory
from harness.feedback.requests import build_requests, criterion_for
from harness.nouns.errors import ConfigError, PluginError
from harness.nouns.outcomes import Status
from harness.nouns.schema import Item, Judgment, JudgmentRequest, Response, Verdict, Way
from harness.plugin import BINARY, UNIT, Criterion, RunContext, Scale, judge
from harness.testing import FakeChat, check_source, fake_context

FIVE = Scale("ordinal", ("1", "2", "3", "4", "5"))
KIND = Criterion("kind", "It is kind.", FIVE, weight=3)
SHORT = Criterion("short", "It is short.", FIVE)
TRUE = Criterion("true", "It is true.", BINARY)
OK = Status.OK
RESPONSES = [Response("a", "i", "s", "one"), Response("b", "i", "s", "two")]


def made(says: Callable[[JudgmentRequest], Any], **declared: Any) -> SourceFactory:
    @judge(name="sided", version="1", **declared)
    async def sided(request: JudgmentRequest, ctx: RunContext) -> Verdict:
        """Says what it is told."""
        said = says(request)
        return said if isinstance(said, Verdict) else Verdict(OK, said)

    return sided


def judged(factory: SourceFactory, way: Way) -> list[Judgment]:
    source = factory.build()
    requests = build_requests([Item("i", "?")], RESPONSES, way, criterion_for(source.info, way))
    return asyncio.run(annotate(source, requests[:1], fake_context(FakeChat(""))))


def by(table: dict[str, Any]) -> Callable[[JudgmentRequest], Any]:
    return lambda request: table[request.criterion.id]


SCORES: list[tuple[str, Sequence[Criterion], dict[str, Any], Scale, Any]] = [
    # name, criteria, what is said by each, the scale of the score, the score or the failure
    ("one keeps its scale", [KIND], {"kind": "4"}, FIVE, "4"),
    ("weights", [KIND, SHORT], {"kind": "5", "short": "1"}, UNIT, 0.75),
    ("two scales", [SHORT, TRUE], {"short": "5", "true": False}, UNIT, 0.5),
    ("off one's scale", [KIND, SHORT], {"kind": "5", "short": "9"}, UNIT,
     "short: value '9' is not on the scale"),
    ("a value of another's scale", [SHORT, TRUE], {"short": True, "true": True}, UNIT,
     "short: value True is not on the scale"),
    ("one failed", [KIND, SHORT], {"kind": "5", "short": Verdict(Status.REFUSED, rationale="no")},
     UNIT, "no"),
    ("one abstained", [KIND, SHORT], {"kind": Verdict(Status.ABSTAINED), "short": "1"}, UNIT, ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "criteria", "said", "scale", "right"), SCORES,
                         ids=[case[0] for case in SCORES])  # fmt: skip
def test_weights_make_one_score(
    name: str, criteria: Sequence[Criterion], said: dict[str, Any], scale: Scale, right: Any
) -> None:
    factory = made(by(said), criteria=criteria, takes=("pointwise",))
    assert factory.build().info.scale == scale
    (found,) = judged(factory, "pointwise")
    verdict = found.verdict
    if verdict.status is OK:
        assert verdict.value == right
    else:
        assert isinstance(right, str) and right in verdict.rationale


PAIRS: list[tuple[dict[str, Any], Any, float | None]] = [
    ({"kind": "A", "short": "A"}, "A", None),
    ({"kind": "A", "short": "B"}, "A", None),
    ({"kind": "TIE", "short": "B"}, "B", None),
    ({"kind": Verdict(OK, "A", 0.6), "short": Verdict(OK, "B", 0.2)}, "TIE", 0.5),
]


@pytest.mark.parametrize(("said", "right", "chance"), PAIRS)
def test_weights_decide_pairs_in_both_orders(
    said: dict[str, Any], right: str, chance: float | None
) -> None:
    found = judged(made(by(said), criteria=[KIND, SHORT]), "pairwise")
    values = {one.order: one.verdict.value for one in found}
    turned = {"A": "B", "B": "A", "TIE": "TIE"}
    assert values == {"AB": right, "BA": turned[right]}
    assert [one.verdict.probability for one in found] == [pytest.approx(chance)] * 2


def test_each_criterion_is_shown_as_the_request_s_own() -> None:
    seen: list[str] = []

    def says(request: JudgmentRequest) -> str:
        seen.append(f"{request.criterion.text} {request.criterion.scale.describe()}")
        return "3"

    judged(made(says, criteria=[KIND, SHORT]), "pointwise")
    assert [line.split(".")[0] for line in seen] == ["It is kind", "It is short"]
    assert all("1" in line and "5" in line for line in seen)


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"criteria": [KIND], "scale": FIVE}, PluginError, "scale and criteria"),
    ({"criteria": [KIND, KIND]}, PluginError, "ids of their own, their ids: kind, kind"),
    ({"criteria": ["kind"]}, PluginError, "got 'kind'"),
    ({"criteria": [SHORT, Criterion("k", "?", Scale("nominal", ("x", "y")))]}, ConfigError,
     "cannot be weighed"),
    ({"criteria": [SHORT, Criterion("k", "?", Scale("interval"))]}, ConfigError,
     "cannot be weighed"),
    ({"criteria": [SHORT, Criterion("k", "?", FIVE, weight=-1.0)]}, PluginError, "weight is -1.0"),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "kind", "told"), WRONG)
def test_wrong_criteria_are_refused_where_they_are_declared(
    declared: dict[str, Any], kind: type[Exception], told: str
) -> None:
    with pytest.raises(kind, match=told):
        made(by({}), **declared)


class Options(BaseModel):
    """Options of a judge."""

    strict: bool = False


def test_options_may_decide_and_the_version_moves_with_the_words() -> None:
    @judge(name="sided", version="1", options=Options, takes=("pointwise",),
           criteria=lambda options: [KIND, TRUE] if options.strict else [KIND])  # fmt: skip
    async def sided(request: JudgmentRequest, ctx: RunContext, options: Options) -> Verdict:
        """Says what is right everywhere."""
        return Verdict(OK, True if request.criterion.scale.is_binary else "5")

    easy, strict = sided.build({}), sided.build({"strict": True})
    assert (easy.info.scale, strict.info.scale) == (FIVE, UNIT)
    versions = {easy.info.version, strict.info.version}
    other = Criterion("kind", "It is very kind.", FIVE, weight=3)
    versions |= {made(by({}), criteria=[one]).build().info.version for one in (KIND, other)}
    assert len(versions) == 3 and easy.info.version.startswith("1+")
    assert made(by({})).build().info.version == "1"
    check_source(sided, ctx=fake_context(FakeChat("")))
