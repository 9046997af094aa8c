"""What a child sends back is only a claim: every stream of bytes gets a verdict, none a reward."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from program_channel import ANSWERS, QUICK, frame, functions, sending, stdio

from harness.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, limits=QUICK) as sandbox:
        yield sandbox


ONE, TWO, THREE = (frame(f'{{"v":{n}}}') for n in (1, 2, 3))
CHANNEL = "wrote to the channel of its results"
NONE = "answered with something that is no result"
OTHER = "AssertionError: arguments [] gave another result"
ENDED = "ended before it had answered"


@pytest.mark.parametrize(
    ("stream", "outcome", "passed", "detail"),
    [
        (ONE + TWO + THREE, "pass", 3, ""),
        (b"", "fail", 0, ENDED),
        (ONE + TWO, "fail", 2, ENDED),
        (ONE + TWO + THREE[:-1], "fail", 2, CHANNEL),
        (ONE + TWO + THREE[:4], "fail", 2, CHANNEL),
        (ONE + TWO + THREE[:3], "fail", 2, CHANNEL),
        (ONE[:1], "fail", 0, CHANNEL),
        (b"\xff\xff\xff\xff" + ONE, "fail", 0, CHANNEL),
        (ONE + TWO + THREE + ONE, "fail", 0, CHANNEL),
        (ONE + TWO + THREE + b"x", "fail", 0, CHANNEL),
        (ONE + TWO + THREE + frame("x"), "fail", 0, CHANNEL),
        (ONE + ONE + THREE, "fail", 2, OTHER),
        (TWO + ONE + THREE, "fail", 1, OTHER),
        (ONE + frame("{") + THREE, "fail", 1, CHANNEL),
        (ONE + frame("") + THREE, "fail", 1, CHANNEL),
        (ONE + frame(b"\xff") + THREE, "fail", 1, CHANNEL),
        (ONE + frame("[" * 100000) + THREE, "fail", 1, CHANNEL),
        (b"GET / HTTP/1.1\r\n\r\n", "fail", 0, CHANNEL),
    ],
    ids=range(18),
)
def test_each_answer_counts_for_its_own_test_until_the_stream_breaks(
    sandbox: Sandbox, stream: bytes, outcome: str, passed: int, detail: str
) -> None:
    result = functions(sandbox, sending(stream))
    assert (result.outcome, result.passed, result.total) == (outcome, passed, 3)
    assert result.detail == detail


@pytest.mark.parametrize(
    ("claim", "outcome", "detail"),
    [
        ('{"v":1}', "pass", ""),
        ('{"v":1,"x":2}', "pass", ""),
        ('{"v":2}', "fail", OTHER),
        ('{"V":1}', "fail", NONE),
        ('{"o":"1"}', "fail", NONE),
        ('{"x":1}', "fail", NONE),
        ("{}", "fail", NONE),
        ("[]", "fail", NONE),
        ('["v"]', "fail", NONE),
        ('"v"', "fail", NONE),
        ("1", "fail", NONE),
        ("null", "fail", NONE),
        ("NaN", "fail", NONE),
        ('{"e":[]}', "fail", NONE),
        ('{"e":["X","m"]}', "fail", NONE),
        ('{"e":["X","m","call","more"]}', "fail", NONE),
        ('{"e":"abc"}', "fail", NONE),
        ('{"E":["X","m","call"]}', "fail", NONE),
        ('{"e":["X","m","call"]}', "fail", "X: m"),
        ('{"e":["X","m","call"],"v":1}', "fail", "X: m"),
        ('{"e":["X","m",5]}', "fail", "X: m"),
        ('{"e":["","m","call"]}', "fail", "Exception: m"),
        ('{"e":[5,"m","call"]}', "fail", "Exception: m"),
        ('{"e":["X",5,"load"]}', "fail", "X: "),
        ('{"e":["X","a\\u001b[2J\\nb\\u202e","call"]}', "fail", "X: a [2J b "),
        (f'{{"e":["X","{"y" * 400}","call"]}}', "fail", "X: " + "y" * 297),
        ('{"e":["MemoryError","m","call"]}', "memory", "MemoryError: passed its limit of memory"),
        ('{"e":["memoryerror","m","call"]}', "fail", "memoryerror: m"),
    ],
    ids=range(28),
)
def test_what_one_answer_says_and_how_it_is_shown(
    sandbox: Sandbox, claim: str, outcome: str, detail: str
) -> None:
    result = functions(sandbox, sending(frame(claim)), ANSWERS[:1])
    assert (result.outcome, result.passed, result.detail) == (outcome, outcome == "pass", detail)


@pytest.mark.parametrize("depth", [100, 480, 900, 940, 960, 980, 990, 2000])
@pytest.mark.parametrize(
    "around",
    ['{"v":%s}', '{"e":["X",%s,"call"]}', '{"e":[%s,"m","call"]}'],
    ids=["value", "message", "kind"],
)
def test_deep_answers_break_nothing(sandbox: Sandbox, depth: int, around: str) -> None:
    """Some depths can be parsed, but not compared or shown."""
    result = functions(sandbox, sending(frame(around % ("[" * depth + "]" * depth))), ANSWERS[:1])
    assert (result.outcome, result.passed) == ("fail", 0)
    result = asyncio.run(sandbox.run_inside(sending(frame('{"v":false}')), "assert True"))
    assert (result.outcome, result.passed, result.detail) == ("fail", 0, NONE)


def test_a_program_that_cannot_be_loaded_says_so_for_every_test(sandbox: Sandbox) -> None:
    broken = functions(sandbox, "1 / 0")
    assert (broken.outcome, broken.passed, broken.total) == ("fail", 0, 3)
    assert broken.detail == "ZeroDivisionError: division by zero"
    late = sending(ONE + frame('{"e":["X","late","load"]}'))
    assert functions(sandbox, late, ANSWERS[:3]).detail == "X: late"
    first = sending(frame('{"e":["X","m","call"]}'))
    checks = [{"args": [], "raises": "X"}, *ANSWERS[:1]]
    assert functions(sandbox, first, checks).detail == ENDED
    first = sending(frame('{"e":["X","m","load"]}'))
    checks = [{"args": [], "raises": "Y"}, *ANSWERS[:1]]
    assert functions(sandbox, first, checks).detail == "X: m"


@pytest.mark.parametrize(
    ("source", "raises", "detail"),
    [
        ("def f(): raise KeyError(1)", "KeyError", ""),
        ("def f(): raise KeyError(1)", "ValueError", "did not raise ValueError"),
        ("def f(): raise KeyError(1)", "LookupError", ""),
        ("def f(): return 'KeyError'", "KeyError", "did not raise KeyError"),
        ("def g(): pass", "KeyError", "KeyError: 'f'"),
        ("raise KeyError(1)", "KeyError", "KeyError: 1"),
        ("import os; os._exit(0)", "KeyError", ENDED),
    ],
    ids=range(7),
)
def test_an_expected_exception_must_come_out_of_the_call(
    sandbox: Sandbox, source: str, raises: str, detail: str
) -> None:
    result = functions(sandbox, source, [{"args": [], "raises": raises}])
    assert (result.outcome, result.detail) == ("fail" if detail else "pass", detail)


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ([1, "a"], "[1, 'a']"),
        (["x" * 200], "['" + "x" * 98),
        ([7**20000], "(too long to show)"),
        (None, "[]"),
    ],
    ids=range(4),
)
def test_a_wrong_result_names_the_arguments(
    sandbox: Sandbox, arguments: list[Any] | None, shown: str
) -> None:
    test = {"expected": 1} | ({} if arguments is None else {"args": arguments})
    result = functions(sandbox, "def f(*_): return 2", [test])
    assert result.detail == f"AssertionError: arguments {shown} gave another result"


@pytest.mark.parametrize("name", ["tolerance", "none"])
def test_the_tolerance_reaches_the_comparison(sandbox: Sandbox, name: str) -> None:
    near = {"tolerance": 1e-6} if name == "tolerance" else {}
    outcome = "pass" if near else "fail"
    test = [{"args": [], "expected": 0.3}]
    assert functions(sandbox, "def f(): return 0.1 + 0.2", test, **near).outcome == outcome
    assert stdio(sandbox, "print(0.1 + 0.2)", ("", "0.3"), **near).outcome == outcome
    raw = "import os\nos.write(1, b'0.30000000000000004')"
    assert stdio(sandbox, raw, ("", "0.3"), **near).outcome == outcome


def test_malformed_tests_are_the_callers_error_whatever_the_program_does(sandbox: Sandbox) -> None:
    deep: Any = 1
    for _ in range(150):
        deep = [deep]
    for source in ("def f(): return 1", "def f(): raise ValueError", "1 / 0"):
        with pytest.raises(KeyError, match="expected"):
            functions(sandbox, source, [{"args": []}])
        with pytest.raises(TypeError, match="nested too deep"):
            functions(sandbox, source, [{"args": [], "expected": deep}])
        with pytest.raises(TypeError, match="output 3 is not text"):
            stdio(sandbox, source, ("", 3))  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="input 3 is not text"):
            stdio(sandbox, source, (3, ""))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("claim", "outcome", "detail", "value"),
    [
        ('{"v":{"t":[1,{"s":[2]}]}}', "pass", "", (1, {2})),
        ('{"v":null}', "pass", "", None),
        ('{"o":"text"}', "pass", "", "text"),
        ('{"o":5}', "fail", NONE, None),
        ('{"v":{"x":1}}', "fail", NONE, None),
        ('{"v":{"s":[[1]]}}', "fail", NONE, None),
        ('{"v":{"p":["1e999999999",null]}}', "fail", NONE, None),
        ('{"w":1}', "fail", NONE, None),
        ("[1]", "fail", NONE, None),
        ("null", "fail", NONE, None),
        ('{"e":["X","m","call"],"v":1}', "fail", "X: m", None),
        ('{"v":%s}' % ("[" * 900 + "]" * 900), "fail", NONE, None),
    ],
    ids=range(12),
)
def test_observed_values_are_decoded_or_refused(
    sandbox: Sandbox, claim: str, outcome: str, detail: str, value: Any
) -> None:
    run = sandbox.observe(sending(frame(claim)), entry_point="f", calls=[[]])
    result, values = asyncio.run(run)
    assert (result.outcome, result.detail, values) == (outcome, detail, [value])


def test_observed_texts_and_what_went_wrong(sandbox: Sandbox) -> None:
    source = "x = input()\nprint(x * 2)\nif x == 'b': raise ValueError(x)"
    result, values = asyncio.run(sandbox.observe(source, inputs=["a", "b", "c"]))
    assert (result.outcome, result.passed, result.detail) == ("fail", 2, "ValueError: b")
    assert values == ["aa\n", None, "cc\n"]
