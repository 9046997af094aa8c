"""What ``harness judge`` says at its end: how often what was said, and which member failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.experiment.failures import failures_among, failures_of
from harness.judging.stated import CUT
from harness.nouns.outcomes import Status
from harness.nouns.scale import BINARY, UNIT, Scale
from harness.nouns.schema import Judgment, Verdict, Way
from harness.report.blocks import Text
from harness.report.tables import Table
from harness.report.verdicts import verdicts
from harness.testing import StubServer
from tests.support.judge_commands import invoke, write

OK, ABSTAINED, UNPARSEABLE, ERROR = (
    Status.OK, Status.ABSTAINED, Status.UNPARSEABLE, Status.ERROR,
)  # fmt: skip
STARS = Scale("ordinal", ("1", "2", "3", "4", "5"))
TOPICS = Scale("nominal", tuple(f"t{n:02d}" for n in range(30)))


def made(*said: tuple[str, Status, object]) -> list[Judgment]:
    return [
        Judgment(
            f"r{n}", "jury", "1", who,
            Verdict(status, what if status is OK else None, rationale="" if status is OK else what),  # type: ignore[arg-type]
        )
        for n, (who, status, what) in enumerate(said)
    ]  # fmt: skip


def values(*found: object) -> list[Judgment]:
    return made(*(("j", OK, value) for value in found))


@pytest.mark.parametrize(
    ("judgments", "way", "scale", "rows"),
    [
        (values(True, True, False), "pointwise", BINARY, "false 1 33.3%|true 2 66.7%"),
        (values(False), "pointwise", BINARY, "false 1 100.0%|true 0 0.0%"),
        (values(False), "pointwise", None, "false 1 100.0%|true 0 0.0%"),
        (values("A", "TIE", "A"), "pairwise", None, "A 2 66.7%|TIE 1 33.3%|B 0 0.0%"),
        (values("B"), "pairwise", UNIT, "A 0 0.0%|TIE 0 0.0%|B 1 100.0%"),
        (values("5", "1", "5"), "pointwise", STARS,
         "1 1 33.3%|2 0 0.0%|3 0 0.0%|4 0 0.0%|5 2 66.7%"),
        (values("t07", "t02"), "pointwise", TOPICS, "t02 1 50.0%|t07 1 50.0%"),
        (values("6"), "pointwise", STARS,
         "1 0 0.0%|2 0 0.0%|3 0 0.0%|4 0 0.0%|5 0 0.0%|6 1 100.0%"),
        (values(0.5, 1, 0.0), "pointwise", UNIT,
         "scores: mean 0.50, from 0.00 to 1.00, of 3 verdicts"),
        (values(-2.0), "pointwise", Scale("interval"),
         "scores: mean \u22122.00, from \u22122.00 to \u22122.00, of 1 verdict"),
        (values(("a", "b", "c"), ("b", "a", "c")), "listwise", None, "rankings: 2"),
        (made(("j", ABSTAINED, "no key"), ("j", ERROR, "503")), "pointwise", BINARY, None),
        (made(("j", ERROR, "503"), ("j", OK, True)), "pointwise", BINARY,
         "false 0 0.0%|true 1 100.0%"),
    ],
)  # fmt: skip
def test_verdicts_are_counted_on_their_scale(
    judgments: Sequence[Judgment], way: Way, scale: Scale | None, rows: str | None
) -> None:
    found = verdicts(judgments, way, scale)
    if isinstance(found, Table):
        assert "|".join(" ".join(cell.text for cell in row) for row in found.body) == rows
        assert ("first response" in "".join(found.notes)) == (way == "pairwise")
    else:
        assert (found.text if isinstance(found, Text) else found) == rows


@pytest.mark.parametrize(
    ("judgments", "reasons", "members"),
    [
        # One of three is cut in everything.
        (made(("a", OK, "A"), ("b", OK, "B"), ("z", UNPARSEABLE, f"{CUT} x"),
              ("z", UNPARSEABLE, f"{CUT} y")),
         [f"2 times (z): {CUT} x"], ["warning: z gave no verdict at all: 2 unparseable"]),
        # One fails now and then.
        (made(("a", OK, "A"), ("b", OK, "B"), ("b", ERROR, "503")), ["1 time (b): 503"], []),
        # Several share a reason.
        (made(("a", ERROR, "503"), ("a", OK, "A"), ("b", ERROR, "503"), ("b", ERROR, "503")),
         ["3 times (b 2, a 1): 503"], ["warning: b gave no verdict at all: 2 error"]),
        # Two reasons of two members, and an abstention is no verdict either.
        (made(("a", OK, "A"), ("b", ABSTAINED, "no key"), ("b", ERROR, "503")),
         ["1 time (b): 503"], ["warning: b gave no verdict at all: 1 abstained, 1 error"]),
        # Nobody gave one: that is told of the whole.
        (made(("a", ERROR, "503"), ("b", ERROR, "401")),
         ["1 time (a): 503", "1 time (b): 401"], []),
        # A reason that met all alike names nobody.
        (made(("a", ERROR, "503"), ("b", ERROR, "503")), ["2 times: 503"], []),
        # One voice has no members.
        (made(("a", OK, "A"), ("a", ERROR, "503")), ["1 time: 503"], []),
        # Many are not all named.
        (made(("ok", OK, "A"), *((f"p{n}", ERROR, "503") for n in range(9))),
         ["9 times (p0 1, p1 1, p2 1 and 6 more): 503"],
         [*(f"warning: p{n} gave no verdict at all: 1 error" for n in range(3)),
          "warning: 6 more of its members gave no verdict at all"]),
        # A failure without a reason has its member still.
        (made(("a", OK, "A"), ("b", ERROR, "")), [],
         ["warning: b gave no verdict at all: 1 error"]),
    ],
)  # fmt: skip
def test_reasons_name_the_members_of_a_jury_that_they_met(
    judgments: Sequence[Judgment], reasons: list[str], members: list[str]
) -> None:
    found = failures_among(judgments)
    assert found.told_reasons() == reasons
    assert found.told_members() == members


def test_the_counts_without_members_are_those_of_before() -> None:
    found = failures_of([("error", "503"), ("ok", "")])
    assert found.told_reasons() == ["1 time: 503"] and found.told_members() == []


CUT_REPLY = {"message": {"content": "Both responses are"}, "finish_reason": "length"}


def jury(models: str) -> Callable[..., object]:
    def reply(body: dict) -> object:  # type: ignore[type-arg]
        return CUT_REPLY if body["model"] in models else "Verdict: A"

    return reply


@pytest.mark.parametrize("fails", ["z", "a", ""])
def test_a_member_of_a_jury_that_always_fails_is_named(tmp_path: Path, fails: str) -> None:
    items, responses = write(tmp_path, 3)
    out = tmp_path / "jury.jsonl"
    with StubServer(jury(fails)) as server:
        result = invoke(
            "judge", "--source", "llm_judge", "--items", items, "--responses", responses,
            "--option", "model=[hosted_vllm/a, hosted_vllm/b, hosted_vllm/z]",
            "--option", f"api_base={server.base_url}", "--out", out, "--quiet",
        )  # fmt: skip
    said = " ".join(result.output.split())
    assert result.exit_code == 0, result.output
    named = f"hosted_vllm/{fails}"
    assert (f"6 times ({named}): {CUT}" in said) == bool(fails)
    assert (f"warning: {named} gave no verdict at all: 6 unparseable" in said) == bool(fails)
    assert said.count("warning:") == bool(fails)
    assert "position bias: its verdict turned with the order in" in said  # it always says A
    kept = [json.loads(line)["verdict"]["value"] for line in out.read_text().splitlines()]
    a, b = kept.count("A"), kept.count("B")
    assert f"A {a} {100 * a / (a + b):.1f}% TIE 0 0.0% B {b}" in said


def test_a_verifier_says_how_many_are_true(tmp_path: Path) -> None:
    items, responses = tmp_path / "items.jsonl", tmp_path / "responses.jsonl"
    items.write_text("".join(f'{{"id": "{n}", "prompt": "?", "reference": "4"}}\n' for n in "abc"))
    responses.write_text("".join(
        f'{{"id": "{n}.0", "item_id": "{n}", "system": "s", "text": "{text}"}}\n'
        for n, text in zip("abc", "445", strict=True)
    ))  # fmt: skip
    result = invoke("judge", "--source", "exact_match", "--items", items, "--responses", responses,
                    "--out", tmp_path / "o.jsonl", "--quiet")  # fmt: skip
    assert result.exit_code == 0
    assert "false 1 33.3% true 2 66.7%" in " ".join(result.output.split())
