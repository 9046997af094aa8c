"""What a program could have given itself is no reward, whole or in part."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from harness_plugins.python_code import python_code

from harness.feedback.contract import RunContext
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, JudgmentRequest, Response, Verdict
from harness.sandbox import Sandbox

CORRECT = Criterion("correct", "is correct", BINARY)
FORGER = """
class Equal:
    def __eq__(self, other): return True
def f(x): return Equal()
"""


@pytest.fixture(scope="module")
def ctx() -> Iterator[RunContext]:
    with Sandbox(1) as sandbox:
        yield RunContext(None, None, sandbox)  # type: ignore[arg-type]


def verdict(ctx: RunContext, reference: Any, text: str, **options: Any) -> Verdict:
    request = JudgmentRequest(
        "q", Item("i", "", reference), (Response("r", "i", "s", text),), CORRECT
    )

    async def run() -> list[Any]:
        return [j async for j in python_code.build(options).annotate([request], ctx)]

    (judgment,) = asyncio.run(run())
    return judgment.verdict


@pytest.mark.parametrize("partial", [False, True])
def test_a_forged_part_of_the_tests_earns_nothing(ctx: RunContext, partial: bool) -> None:
    """The first assertion compares two objects of the program's own; the second one is fair."""
    forged, fair = "assert f(1) == f(2)", "assert f(1) == 2"
    given = verdict(ctx, {"asserts": [forged, fair]}, FORGER, partial=partial)
    if partial:
        assert (given.status, given.value) == (Status.ABSTAINED, None)
        assert "could have forged this" in given.rationale
    else:  # the whole fails whatever it has forged
        assert (given.status, given.value) == (Status.OK, False)
    given = verdict(ctx, {"asserts": [forged]}, FORGER, partial=partial)
    assert (given.status, given.value) == (Status.ABSTAINED, None)
    # Nothing passed, so nothing was forged: a plain failure.
    given = verdict(ctx, {"asserts": [fair, fair]}, FORGER, partial=partial)
    assert (given.status, given.value) == (Status.OK, 0)
    # A program of plain values earns its part.
    given = verdict(ctx, {"asserts": [forged, fair]}, "def f(x): return 1", partial=partial)
    assert (given.status, given.value) == (Status.OK, 0.5 if partial else False)


def test_who_allows_forgeable_tests_gets_their_part(ctx: RunContext) -> None:
    asserts = ["assert f(1) == f(2)", "assert f(1) == 2"]
    given = verdict(ctx, {"asserts": asserts}, FORGER, partial=True, allow_forgeable=True)
    assert (given.status, given.value) == (Status.OK, 0.5)


@pytest.mark.parametrize(
    ("reference", "right"),
    [
        ({"setup": "BASE = 10\n"}, [True, False]),
        ({"prompt": "BASE = 1\n"}, [False, True]),
        ({"setup": "BASE = 10\n", "prompt": "BASE = 1\n"}, [True, False]),  # setup goes first
        ({"setup": "", "prompt": "BASE = 1\n"}, [False, True]),
    ],
)
def test_tests_see_the_setup_of_the_item_or_else_its_prompt(
    ctx: RunContext, reference: dict[str, str], right: list[bool]
) -> None:
    tests = reference | {"asserts": ["assert f(1) == BASE + 1"]}
    programs = [f"def f(x): return {base} + x" for base in (10, 1)]
    assert [verdict(ctx, tests, program).value for program in programs] == right


def test_mbpps_programs_may_use_what_the_setup_imports(ctx: RunContext) -> None:
    reference = {"asserts": ["assert f(9) == 3.0"], "setup": "import math\nHELD = 1"}
    assert verdict(ctx, reference, "def f(x): return math.sqrt(x)").value is True
    assert verdict(ctx, reference, "def f(x): return HELD").value is False


def test_a_prompt_may_be_a_head_without_a_body(ctx: RunContext) -> None:
    reference = {
        "check": "def check(candidate): assert candidate(1, 2) == 3",
        "entry_point": "add",
        "prompt": "def add(a, b):\n",
    }
    assert verdict(ctx, reference, "    return a + b").value is True
    assert verdict(ctx, reference, "def add(a, b): return a + b").value is True
    assert verdict(ctx, reference, "    return a").value is False


@pytest.mark.parametrize("kind", ["tests", "stdin", "asserts", "check", "pytest"])
def test_an_item_without_tests_has_no_verdict(ctx: RunContext, kind: str) -> None:
    empty: Any = "" if kind in ("check", "pytest") else []
    given = verdict(ctx, {kind: empty, "entry_point": "f"}, "def f(x): return x")
    assert given.status is Status.ABSTAINED and f"{kind} is empty" in given.rationale
