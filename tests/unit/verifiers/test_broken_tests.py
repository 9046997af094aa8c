"""Tests that cannot pass whatever the program does are an error of theirs, not a wrong program.

Programs that would make their own failure look like that are in tests/security/forgeries.
"""

from __future__ import annotations

import asyncio
import sysconfig
from collections.abc import Iterator
from typing import Any

import pytest
from harness_plugins.python_code import PythonCodeOptions, python_code

from harness.feedback.contract import RunContext
from harness.nouns.outcomes import Status
from harness.nouns.rubric import Criterion
from harness.nouns.scale import BINARY
from harness.nouns.schema import Item, JudgmentRequest, Response, Verdict
from harness.sandbox import RunLimits, Sandbox

RIGHT = "def add(a, b):\n    return a + b\n"
WRONG = "def add(a, b):\n    return None\n"
EARLY = "def add(a, b)\n    return a + b\n"
TWO = "from solution import add\ndef test_a():\n"


@pytest.fixture(scope="module")
def ctx() -> Iterator[RunContext]:
    with Sandbox(1) as sandbox:
        yield RunContext(None, None, sandbox)  # type: ignore[arg-type]


def verdict(ctx: RunContext, reference: Any, text: str, **options: Any) -> Verdict:
    asked = Item("i", "", reference), (Response("r", "i", "s", text),)
    request = JudgmentRequest("q", *asked, Criterion("correct", "is correct", BINARY))

    async def run() -> list[Any]:
        source = python_code.build(options=options)
        return [j async for j in source.annotate([request], ctx)]

    return asyncio.run(run())[0].verdict


def asserts(*parts: str, setup: str = "") -> dict[str, Any]:
    return {"asserts": list(parts), **({"setup": setup} if setup else {})}


def check(body: str, above: str = "", prompt: str = "") -> dict[str, str]:
    code = f"{above}def check(candidate):\n    {body}\n"
    return {"check": code, "entry_point": "add", "prompt": prompt}


def name(missing: str) -> str:
    return f"NameError: name '{missing}' is not defined"


def module(missing: str) -> str:
    return f"ModuleNotFoundError: No module named '{missing}'"


GOOD = "assert add(1, 2) == 3"
BROKEN = [
    # What they import is not in the sandbox.
    (asserts(GOOD, setup="import numpy as np"), module("numpy")),
    (asserts(GOOD, setup="import math\nfrom numpy.testing import assert_allclose"),
     module("numpy")),
    (asserts("assert np.allclose(add(1, 2), 3)", setup="import numpy as np"), module("numpy")),
    (asserts("import pandas as pd", GOOD), module("pandas")),
    (asserts(f"import no_such_module\n{GOOD}"), module("no_such_module")),
    (asserts(f"{GOOD}\nimport no_such_module"), module("no_such_module")),
    (asserts(f"import json; import no_such_module; {GOOD}"), module("no_such_module")),
    (asserts(f"from math import no_such_name\n{GOOD}"), "ImportError: cannot import name"),
    (asserts(GOOD, setup="from math import no_such_name"), "ImportError: cannot import name"),
    (asserts(GOOD, setup="def near(a, b):\n    import numpy\nnear(1, 2)"), module("numpy")),
    (asserts("assert near(add(1, 2), 3)", setup="def near(a, b):\n    import numpy as np\n"
             "    return np.isclose(a, b)"), module("numpy")),
    (check("assert candidate(1, 2) == 3", "import numpy as np\n"), module("numpy")),
    (check("import numpy as np\n    assert candidate(1, 2) == 3"), module("numpy")),
    (check("assert candidate(1, 2) == 3\n    import numpy as np"), module("numpy")),
    (check("assert candidate(1, 2) == 3", prompt="import numpy\ndef add(a, b):\n"),
     module("numpy")),
    ({"pytest": f"import no_such_module\n{TWO}    {GOOD}"}, module("no_such_module")),
    ({"pytest": f"{TWO}    import no_such_module\n    {GOOD}"}, module("no_such_module")),
    ({"pytest": f"from solution.parts import add\n{TWO}    {GOOD}"}, module("solution.parts")),
    # A name that nobody defines, where that of the program would decide what is expected of it.
    (asserts("assert add(1, 2) == expected"), name("expected")),
    (asserts("assert expected == add(1, 2)"), name("expected")),
    (asserts("assert add(1, 2) == EXPECTED[0]"), name("EXPECTED")),
    (asserts("assert add(x, 2) == 3"), name("x")),
    (asserts("assert add(*pair) == 3"), name("pair")),
    (asserts("assert add(1, b=two) == 3"), name("two")),
    (asserts("assert add(1, 2) - want < 1e-6"), name("want")),
    (asserts("assert add(1, 2) in allowed"), name("allowed")),
    (asserts("want = total * 2", "assert add(1, 2) == want"), name("total")),
    (asserts("assert add(1, 2) == sum(values)"), name("values")),
    (asserts("for a, b in cases:\n    assert add(a, b) == a + b"), name("cases")),
    (asserts("assert np.allclose(add(1, 2), 3)"), name("np")),
    (asserts("assert add(1, 2) == np.int64(3)"), name("np")),
    (asserts("assert isclose(add(1, 2), 3)"), name("isclose")),
    (asserts("assert add(1, 2) == approx(3)"), name("approx")),
    (asserts("assert_allclose(add(1, 2), 3)"), name("assert_allclose")),
    (asserts(GOOD, "assert add(2, 2) == exected"), name("exected")),
    (asserts("assert add(1, 2) == limit", setup="limit = other_limit"), name("other_limit")),
    (asserts("assert add(1, 2) == LIMITS['a']"), name("LIMITS")),
    (asserts("import unittest\nunittest.TestCase().assertEqual(add(1, 2), three)"),
     name("three")),
    (check("assert candidate(1, 2) == expected"), name("expected")),
    (check("assert candidate(1, 2) == inf"), name("inf")),
    (check("assert close_to(candidate(1, 2), 3)"), name("close_to")),
    (check("assert candidate(x, 2) == 3"), name("x")),
    ({"pytest": f"{TWO}    assert add(1, 2) == expected"}, name("expected")),
    ({"pytest": f"{TWO}    assert near(add(1, 2), 3)"}, name("near")),
    ({"pytest": "from solution import add\n@pytest.mark.parametrize('a', [1])\n"
      f"def test_a(a):\n    {GOOD}"}, name("pytest")),
    ({"pytest": "from solution import *\ndef test_a():\n    assert add(1, 2) == expected"},
     name("expected")),
    ({"pytest": f"from solution import add\ndef test_a(benchmark):\n    {GOOD}"},
     "fixture 'benchmark' not found"),
    # They fail before they have come to the program.
    (asserts(GOOD, setup="x = 1 / 0"), "ZeroDivisionError: division by zero"),
    (asserts(GOOD, setup="data = open('/no/such/file').read()"), "FileNotFoundError"),
    (asserts(GOOD, setup="raise RuntimeError('not here')"), "RuntimeError: not here"),
    (asserts(f"x = {{}}['a']\n{GOOD}"), "KeyError: 'a'"),
    (asserts(f"assert 1 == 2\n{GOOD}"), "AssertionError"),
    (asserts("x = int('three')", "assert add(1, 2) == x"), "ValueError: invalid literal"),
    (asserts(f"import json\nwith open('/no/such/file') as f:\n    cases = json.load(f)\n{GOOD}"),
     "FileNotFoundError"),
    (asserts(f"def cases():\n    return [][0]\nwant = cases()\n{GOOD}"), "IndexError"),
    (check("assert candidate(1, 2) == 3", "CASES = [1, 2][5]\n"), "IndexError"),
    (check("cases = {}['a']\n    assert candidate(*cases) == 3"), "KeyError: 'a'"),
    ({"pytest": f"CASES = 1 / 0\n{TWO}    {GOOD}"}, "ZeroDivisionError"),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "reason"), BROKEN, ids=lambda v: str(v)[:90])
def test_broken_tests_are_an_error_of_theirs(ctx: RunContext, reference: Any, reason: str) -> None:
    given = verdict(ctx, reference, RIGHT)
    assert (given.status, given.value) == (Status.ERROR, None), given.rationale
    assert given.rationale.startswith("error: the tests are broken: ")
    assert reason in given.rationale, given.rationale
    for program in () if "pytest" in reference else (WRONG, EARLY):
        given = verdict(ctx, reference, program)
        assert given.status is Status.ERROR or given.value is False, given.rationale


def test_what_a_setup_cannot_import_is_not_blamed_on_the_program_that_has_its_imports(
    ctx: RunContext,
) -> None:
    reference = asserts("assert make().x == 1", setup="import no_such_module\nheld = make()")
    given = verdict(ctx, reference, "def make(): return 1")
    assert given.status is Status.ERROR and module("no_such_module") in given.rationale


SOUND = [
    # What they can do without, and what they do not come to.
    asserts(f"try:\n    import numpy\nexcept ImportError:\n    numpy = None\n{GOOD}"),
    asserts(GOOD, setup="try:\n    import numpy\nexcept ImportError:\n    numpy = None"),
    asserts(f"def unused():\n    import numpy\n{GOOD}"),
    asserts(f"if False:\n    import numpy\n{GOOD}"),
    asserts(f"try:\n    expected\nexcept NameError:\n    expected = 3\n{GOOD}"),
    # What is as a test wants it to be.
    asserts(f"try:\n    1 / 0\nexcept ZeroDivisionError:\n    pass\n{GOOD}"),
    check("import math\n    assert math.isclose(candidate(1, 2), 3)"),
    {"pytest": "import pytest\nfrom solution import add\n@pytest.fixture\ndef three():\n"
               "    return 3\ndef test_a(three):\n    assert add(1, 2) == three"},
]  # fmt: skip


@pytest.mark.parametrize("reference", SOUND, ids=str)
def test_sound_tests_decide_as_before(ctx: RunContext, reference: Any) -> None:
    assert verdict(ctx, reference, RIGHT).value is True
    assert verdict(ctx, reference, WRONG).value is False
    assert verdict(ctx, reference, EARLY).value is False


@pytest.mark.parametrize(
    ("parts", "right"),
    [
        (["assert result == 3"], "result = 3"),
        (["assert first == 3", "assert second == 4"], "first, second = 3, 4"),
        (["assert add(1, 2) == 3", "assert back(3) == 1"], f"{RIGHT}def back(n): return n - 2"),
        (["assert Adder().add(1, 2) == 3"], "class Adder:\n    def add(s, a, b): return a + b"),
        (["assert add(Pair(1, 2)) == 3"], "class Pair:\n    def __init__(s, *x): s.x = x\n"
                                          "def add(p): return sum(p.x)"),
        (["assert Adder.of(1, 2) == 3", "assert ADD.of(1, 2) == 3"],
         "class Adder:\n    def of(a, b): return a + b\nADD = Adder"),
        (["assert sorted([1, 2], key=order) == [2, 1]"], "def order(n): return -n"),
        (["assert add(1, 2) == 3", "assert list(map(back, [3])) == [1]"],
         f"{RIGHT}def back(n): return n - 2"),
    ],
)  # fmt: skip
def test_a_name_that_may_be_the_programs_is_its_own_to_define(
    ctx: RunContext, parts: list[str], right: str
) -> None:
    assert verdict(ctx, asserts(*parts), right).value is not False
    given = verdict(ctx, asserts(*parts), "other = 1")
    assert given.value is False and "NameError" in given.rationale, given


def test_the_error_says_how_packages_reach_the_sandbox(ctx: RunContext) -> None:
    reference = asserts("assert np.allclose(add(1, 2), 3)", setup="import numpy as np")
    folder = sysconfig.get_path("purelib")
    way = "packages reach the sandbox by the option import_paths, a list of folders"
    assert f"; {way}: numpy is in {folder}" in verdict(ctx, reference, RIGHT).rationale
    assert verdict(ctx, reference, RIGHT, import_paths=[folder]).value is True
    assert verdict(ctx, reference, "def add(a, b): return 4", import_paths=[folder]).value is False
    # That of a program is its own, and it is not told where what lies.
    given = verdict(ctx, asserts(GOOD), f"import numpy\n{RIGHT}")
    assert given.value is False and given.rationale.endswith(way), given.rationale
    given = verdict(ctx, asserts(f"import no_such_module\n{GOOD}"), RIGHT)
    assert given.rationale.endswith(way)


LONG = 30_000
SPELLED = {"expected": [[i, i] for i in range(LONG // 12)], "args": [LONG // 12]}
TOO_LARGE = [
    ({"entry_point": "f", "tests": [{"args": [LONG], "expected": "x" * LONG}]}, "'x' * n"),
    ({"entry_point": "f", "tests": [SPELLED]}, "[(i, i) for i in range(n)]"),
    ({"stdin": [{"input": str(LONG), "output": "x" * LONG}]}, "'x' * n"),
    (asserts(f"assert f({LONG}) == 'x' * {LONG}"), "'x' * n"),
    (asserts(f"for _ in range(20):\n    assert len(f({LONG // 9})) == {LONG // 9}"), "'x' * n"),
    ({"check": f"def check(c):\n    assert c({LONG}) == 'x' * {LONG}", "entry_point": "f"},
     "'x' * n"),
    ({"pytest": f"from solution import f\ndef test_a():\n    assert f({LONG}) == 'x' * {LONG}"},
     "'x' * n"),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "answer"), TOO_LARGE, ids=lambda v: str(v)[:60])
def test_a_right_answer_that_is_too_large_is_no_wrong_one(
    monkeypatch: pytest.MonkeyPatch, ctx: RunContext, reference: Any, answer: str
) -> None:
    narrow = RunLimits(cpu_s=5.0, output_bytes=1 << 14)
    monkeypatch.setattr(PythonCodeOptions, "limits", lambda *_: narrow)
    end = "print(f(int(input())))" if "stdin" in reference else ""
    given = verdict(ctx, reference, f"def f(n): return {answer}\n{end}")
    assert given.status is Status.ERROR and "0.015625 MiB of output_mb" in given.rationale, given
    for wrong in ("'y' * n", "'x' * (1 << 20)", "[('a', 'b')] * n"):
        given = verdict(ctx, reference, f"def f(n): return {wrong}\n{end}")
        if "len(" not in str(reference) or "<<" in wrong:
            assert given.value is False, given


def test_many_outputs_may_be_larger_together_than_each_may_be(ctx: RunContext) -> None:
    reference = {"stdin": [{"input": "400000", "output": "x" * 400_000}] * 4}
    assert verdict(ctx, reference, "print('x' * int(input()))", output_mb=1).value is True
    assert verdict(ctx, reference, "print('y' * int(input()))", output_mb=1).value is False
