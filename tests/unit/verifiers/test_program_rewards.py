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


ADD = "def f(x): return x"
OK, ABSTAINED, ERROR = Status.OK, Status.ABSTAINED, Status.ERROR


@pytest.mark.parametrize(
    ("reference", "status", "reason"),
    [
        (None, ABSTAINED, "no tests"),
        ({}, ABSTAINED, "no tests"),
        ("", ABSTAINED, "no tests"),
        ([], ABSTAINED, "no tests"),
        ({"tests": None, "entry_point": "f"}, ABSTAINED, "tests is empty"),
        ({"asserts": ["# later"]}, ABSTAINED, "asserts nothing, so no tests"),
        ({"asserts": [""]}, ABSTAINED, "asserts nothing, so no tests"),
        ({"asserts": "   "}, ABSTAINED, "asserts is empty"),
        ({"asserts": ["import math", "x = 1"]}, ABSTAINED, "asserts nothing, so no tests"),
        (
            {"check": "def check(c):\n    pass", "entry_point": "f"},
            ABSTAINED,
            "check asserts nothing",
        ),
        ({"pytest": "from solution import f\n"}, ABSTAINED, "pytest has no test function"),
        ({"pytest": "def helper(): assert True\n"}, ABSTAINED, "pytest has no test function"),
        ({"asserts": ["f(1) == 2"]}, ERROR, "asserts[0] asserts nothing: write assert f(1) == 2"),
        ({"asserts": ["x = f(1)", "x == 2"]}, ERROR, "asserts[1] asserts nothing"),
        ({"asserts": ["not f(1)"]}, ERROR, "asserts[0] asserts nothing"),
        ({"asserts": '["assert f(1) == 1"]'}, ERROR, "asserts is a list within a text"),
        ({"asserts": [3]}, ERROR, "asserts[0] is 3, not a text"),
        ({"asserts": [["assert f(1) == 1"]]}, ERROR, "asserts[0] is ['assert"),
        ({"asserts": {"a": "assert f(1) == 1"}}, ERROR, "asserts is an object, not text"),
        ({"asserts": "assert f(1) = 1"}, ERROR, "do not compile: asserts[0]"),
        ({"asserts": ["assert f(1) == 1"], "setup": 3}, ERROR, "setup is int, not text"),
        ({"tests": "[{}]", "entry_point": "f"}, ERROR, "tests is the text '[{}]', not a list"),
        ({"tests": {"args": [1]}, "entry_point": "f"}, ERROR, "tests is an object, not a list"),
        (
            {"tests": ["f(1)"], "entry_point": "f"},
            ERROR,
            "tests[0] is the text 'f(1)', not an object",
        ),
        ({"tests": [{"args": [1], "expected": 1}]}, ERROR, "tests need an entry_point"),
        ({"stdin": "1"}, ERROR, "stdin is the text '1', not a list of {\"input\""),
        ({"stdin": {"inputs": ["1"], "outputs": ["1"]}}, ERROR, "stdin is an object, not a list"),
        ({"check": "assert f(1) == 1", "entry_point": "f"}, ERROR, "defines no function check"),
        ({"check": "def check(c):\n    assert c(1) == 1"}, ERROR, "check needs an entry_point"),
        ({"check": 3, "entry_point": "f"}, ERROR, "check is 3, not text"),
        ({"check": ["a", "b"], "entry_point": "f"}, ERROR, "check is ['a', 'b'], not text"),
        ({"pytest": 7}, ERROR, "pytest is 7, not text"),
    ],
)
def test_an_item_whose_tests_test_nothing_has_no_verdict(
    ctx: RunContext, reference: Any, status: Status, reason: str
) -> None:
    given = verdict(ctx, reference, ADD)
    assert (given.status, given.value) == (status, None)
    assert reason in given.rationale


@pytest.mark.parametrize(
    ("reference", "right"),
    [
        ({"asserts": "assert f(1) == 1\nassert f(2) == 2"}, True),
        ({"asserts": "assert f(1) == 1\nassert f(2) == 3"}, False),
        ({"asserts": "x = f(1)\nassert x == 1"}, True),
        ({"asserts": ["assert f(1) == 1"], "setup": ["import math", "import re"]}, True),
        ({"asserts": ["assert f(1) == 1"], "setup": None, "entry_point": None}, True),
        ({"asserts": ["for n in range(3):\n    assert f(n) == n"]}, True),
        ({"asserts": ["if f(1) != 1:\n    raise ValueError"]}, True),
        ({"asserts": ["import unittest", "unittest.TestCase().assertEqual(f(1), 1)"]}, True),
    ],
)
def test_asserts_may_be_one_text_or_other_statements(
    ctx: RunContext, reference: Any, right: bool
) -> None:
    given = verdict(ctx, reference, ADD)
    assert (given.status, given.value) == (OK, right), given.rationale


@pytest.mark.parametrize(
    ("test", "returned", "status", "value"),
    [
        ({"expected": {"1": 2}}, "{1: 2}", ABSTAINED, None),
        ({"expected": {"1": 2}}, "{'1': 2}", OK, True),
        ({"expected": {"1": 2}}, "{2: 2}", OK, False),
        ({"expected": {"1": 2}}, "{1: 3}", OK, False),
        ({"expected": {"1": {"2": 3}}}, "{1: {2: 3}}", ABSTAINED, None),
        ({"expected": {"true": 1, "null": 2}}, "{True: 1, None: 2}", ABSTAINED, None),
        ({"expected": {"1.5": 2}}, "{1.5: 2}", ABSTAINED, None),
        ({"expected": [{"1": 2}]}, "[{1: 2}]", ABSTAINED, None),
        ({"expected": {"1": 2, "3": 4}}, "{3: 4, 1: 2}", ABSTAINED, None),
        ({"expected": [1, 2]}, "{2, 1}", ABSTAINED, None),
        ({"expected": [2, 1]}, "frozenset([1, 2])", ABSTAINED, None),
        ({"expected": [[1, 2], [3]]}, "[{1, 2}, {3}]", ABSTAINED, None),
        ({"expected": [1, 1, 2]}, "{1, 2}", OK, False),
        ({"expected": [1, 2]}, "{1, 3}", OK, False),
        ({"expected": [1, 2]}, "(1, 2)", OK, True),
        ({"expected": [1, 2]}, "[2, 1]", OK, False),
        ({"expected": "1"}, "1", OK, False),
        ({"expected_literal": "{1: 2}"}, "{1: 2}", OK, True),
        ({"expected_literal": "{1: 2}"}, "{'1': 2}", OK, False),
        ({"expected_literal": "{'1': 2}"}, "{1: 2}", OK, False),
        ({"expected_literal": "{1, 2}"}, "{2, 1}", OK, True),
        ({"expected_literal": "{1, 2}"}, "[1, 2]", OK, False),
        ({"expected_literal": "[1, 2]"}, "{1, 2}", OK, False),
        ({"expected_literal": "b'x'"}, "b'x'", OK, True),
        ({"expected_literal": "{1, 2"}, "{1, 2}", ERROR, None),
        ({"expected_literal": "set()"}, "set()", OK, True),
        ({"expected_literal": "f(1)"}, "1", ERROR, None),
        ({"expected_literal": "1", "expected": 1}, "1", ERROR, None),
    ],
)
def test_what_json_cannot_say_is_no_verdict_or_is_written_as_python(
    ctx: RunContext, test: dict[str, Any], returned: str, status: Status, value: bool | None
) -> None:
    reference = {"entry_point": "f", "tests": [{"args": [1]} | test]}
    given = verdict(ctx, reference, f"def f(x): return {returned}")
    assert (given.status, given.value) == (status, value), given.rationale
    if status is ABSTAINED:
        assert "JSON" in given.rationale
        also_wrong = {"args": [1], "expected": 7}
        reference = {"entry_point": "f", "tests": [{"args": [1]} | test, also_wrong]}
        assert verdict(ctx, reference, f"def f(x): return {returned}").value is False


def test_arguments_may_be_written_as_python(ctx: RunContext) -> None:
    test = {"args_literal": "({1, 2}, {3: 4})", "expected": 3}
    reference = {"entry_point": "f", "tests": [test]}
    assert verdict(ctx, reference, "def f(a, b): return len(a) + len(b)").value is True
    assert verdict(ctx, reference, "def f(a, b): return max(b) * isinstance(a, set)").value is True
    assert verdict(ctx, reference, "def f(a, b): return b['3']").value is False
