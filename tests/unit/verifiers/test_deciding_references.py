"""Tests that would pass with any program decide nothing, and give no verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from judged_programs import verdict

from harness.feedback.contract import RunContext
from harness.nouns.outcomes import Status
from harness.sandbox import Sandbox

RIGHT = "def add(a, b):\n    return a + b\n"
WRONG = "def add(a, b):\n    return None\n"
HEAD = "import pytest\nimport solution\nfrom solution import add\n"


@pytest.fixture(scope="module")
def ctx() -> Iterator[RunContext]:
    with Sandbox(1) as sandbox:
        yield RunContext(None, None, sandbox)  # type: ignore[arg-type]


def check(body: str) -> dict[str, str]:
    return {"check": f"def check(candidate):\n    {body}\n", "entry_point": "add"}


NOTHING = [
    {"asserts": ["assert True"]},
    {"asserts": ["assert 1 == 1"]},
    {"asserts": ["assert not False, 'never'"]},
    {"asserts": ["assert len([1, 2]) == 2"]},
    {"asserts": ["import math", "assert math.sqrt(4) == 2"]},
    {"asserts": ["x = 3", "assert x == 3"]},
    {"asserts": ["add(1, 2)", "assert True"]},
    {"asserts": ["print(add(1, 2))"]},
    {"asserts": ["for i in []:\n    assert add(i, 1) == i + 1"]},
    {"asserts": ["for i in range(0):\n    assert add(i, 1) == i + 1"]},
    {"asserts": ["while False:\n    assert add(1, 1) == 2"]},
    {"asserts": ["if False:\n    assert add(1, 2) == 3"]},
    {"asserts": ["if __name__ == '__main__':\n    assert add(1, 2) == 3"]},
    {"asserts": ["def t():\n    assert add(1, 2) == 3"]},
    {"asserts": ["t = lambda: [x for x in [add(1, 2)]]\nassert True"]},
    {"asserts": ["class T:\n    def test(self):\n        assert add(1, 2) == 3"]},
    {"asserts": ["import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n"
                 "        self.assertEqual(add(1, 2), 3)"]},
    {"asserts": ["x = add(1, 2)\nfor i in []:\n    assert x == 3"]},
    {"asserts": "import sys\nif sys.version_info < (3,):\n    assert add(1, 2) == 3"},
    check("assert True"),
    check("pass\n    assert 1"),
    check("for i in ():\n        assert candidate(i, 1) == 1"),
    check("return\n    assert candidate(1, 2) == 3"),
    check("candidate(1, 2)\n    assert True"),
    {"pytest": HEAD + "def test_a():\n    assert 1 == 1"},
    {"pytest": HEAD + "def test_a():\n    assert True\ndef helper():\n    assert add(1, 2) == 3"},
    {"pytest": HEAD + "def test_a():\n    for i in []:\n        assert add(i, 1) == 1"},
    {"pytest": HEAD + "@pytest.mark.skip\ndef test_a():\n    assert add(1, 2) == 3"},
    {"pytest": HEAD + "@pytest.mark.skipif(True, reason='x')\ndef test_a():\n"
               "    assert add(1, 2) == 3"},
    {"pytest": HEAD + "@pytest.mark.xfail\ndef test_a():\n    assert add(1, 2) == 3"},
    {"pytest": HEAD + "def test_a():\n    pytest.skip('later')\n    assert add(1, 2) == 3"},
    {"pytest": HEAD + "pytestmark = pytest.mark.skip\ndef test_a():\n    assert add(1, 2) == 3"},
    {"pytest": HEAD + "@pytest.mark.parametrize('a', [])\ndef test_a(a):\n"
               "    assert add(a, 2) == 3"},
    {"pytest": HEAD + "import unittest\n@unittest.skip('x')\nclass T(unittest.TestCase):\n"
               "    def test_a(self):\n        self.assertEqual(add(1, 2), 3)"},
    {"pytest": HEAD + "import unittest\nclass T(unittest.TestCase):\n"
               "    def test_a(self):\n        self.assertEqual(1, 1)"},
]  # fmt: skip


@pytest.mark.parametrize("reference", NOTHING, ids=str)
def test_tests_that_look_at_no_program_give_no_verdict(ctx: RunContext, reference: Any) -> None:
    for program in (RIGHT, WRONG):
        given = verdict(ctx, reference, program)
        assert (given.status, given.value) == (Status.ABSTAINED, None), given.rationale


SOMETHING = [
    {"asserts": ["assert add(1, 2) == 3", "assert True"]},
    {"asserts": ["x = add(1, 2)", "assert x == 3"]},
    {"asserts": ["if add(1, 2) != 3:\n    raise ValueError"]},
    {"asserts": ["if add(1, 2) != 3: raise ValueError"]},
    {"asserts": ["import sys\nif add(1, 2) != 3 or not add(1, 2):\n    sys.exit(1)"]},
    {"asserts": ["for a in range(3): assert add(a, 1) == a + 1"]},
    {"asserts": ["ok = all(add(a, 1) == a + 1 for a in range(3))\nassert ok"]},
    {"asserts": ["found = []\nfor a in range(3):\n    found.append(add(a, 1))\n"
                 "assert found == [1, 2, 3]"]},
    {"asserts": ["def same(x, y):\n    assert x == y\nsame(add(1, 2), 3)"]},
    {"asserts": ["def same(x, y):\n    if x != y:\n        raise ValueError\nsame(add(1, 2), 3)"]},
    {"asserts": ["same(add(1, 2), 3)"], "setup": "def same(x, y):\n    assert x == y\n"},
    {"asserts": ["assert add('é', 'ü') == 'éü'; assert add(1, 2) == 3"]},
    {"asserts": ["assert (add(1, 2) ==\n        3)\nassert add(\n    1, 2) == 3"]},
    {"asserts": ["assert add(1, 2) == 3\r\nassert add(2, 2) == 4\r\n"]},
    {"asserts": ["cases = {(1, 2): 3}\nfor (a, b), c in cases.items():\n"
                 "    assert add(a, b) == c"]},
    {"asserts": ["import unittest", "unittest.TestCase().assertEqual(add(1, 2), 3)"]},
    {"asserts": ["import asyncio\nasync def t():\n    assert add(1, 2) == 3\nasyncio.run(t())"]},
    check("assert candidate(1, 2) == 3"),
    check("for a, b in ((1, 2), (3, 4)):\n        assert candidate(a, b) == a + b"),
    check("assert True, 'first'\n    assert abs(candidate(1, 2) - 3) < 1e-6"),
    check("cases = [(1, 2, 3)]\n    for *a, c in cases:\n        assert candidate(*a) == c"),
    {"pytest": HEAD + "def test_a():\n    assert solution.add(1, 2) == 3"},
    {"pytest": HEAD + "@pytest.mark.skip\ndef test_a():\n    assert add(1, 2) == 4\n"
               "def test_b():\n    assert add(1, 2) == 3"},
    {"pytest": HEAD + "@pytest.mark.parametrize('a,b,c', [(1, 2, 3)])\ndef test_a(a, b, c):\n"
               "    assert add(a, b) == c"},
    {"pytest": HEAD + "@pytest.fixture\ndef three():\n    return add(1, 2)\n"
               "def test_a(three):\n    assert three == 3"},
    {"pytest": HEAD + "import unittest\nclass T(unittest.TestCase):\n    def setUp(self):\n"
               "        self.x = add(1, 2)\n    def test_a(self):\n"
               "        self.assertEqual(self.x, 3)"},
    {"pytest": HEAD + "def test_a():\n    with pytest.raises(TypeError):\n        add(1, 'a')\n"},
    {"pytest": "from solution import *\ndef test_a():\n    assert add(1, 2) == 3"},
    {"pytest": "def test_a():\n    from solution import add as plus\n    assert plus(1, 2) == 3"},
    {"asserts": ["try:\n    add(1, 'a')\n    assert False\nexcept TypeError:\n    pass"]},
    {"asserts": ["try:\n    add(1, 'a')\nexcept TypeError as e:\n    assert str(e)\n"
                 "else:\n    raise ValueError"]},
]  # fmt: skip


@pytest.mark.parametrize("reference", SOMETHING, ids=str)
def test_tests_that_look_at_the_program_decide(ctx: RunContext, reference: Any) -> None:
    for program, value in ((RIGHT, True), (WRONG, False)):
        given = verdict(ctx, reference, program)
        assert (given.status, given.value) == (Status.OK, value), given.rationale


def test_a_program_cannot_give_the_tests_nothing_to_test(ctx: RunContext) -> None:
    reference = {"asserts": ["for x in f(3):\n    assert x == 3"]}
    assert verdict(ctx, reference, "def f(n): return [n]").value is True
    given = verdict(ctx, reference, "def f(n): return []")
    assert given.status is Status.ABSTAINED and "was reached" in given.rationale


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ({"tests": [{"args": "12", "expected": 3}]}, "tests[0].args is the text '12', not a list"),
        ({"tests": [{"args": 12, "expected": 3}]}, "tests[0].args is 12, not a list"),
        ({"tests": [{"args": {"a": 1}, "expected": 3}]}, "tests[0].args is an object, not a list"),
        ({"tests": [{"args_literal": "12", "expected": 3}]}, "tests[0].args is 12, not a list"),
        ({"tests": [{"kwargs": [1], "expected": 3}]}, "tests[0].kwargs is [1], not an object"),
        (
            {
                "tests": [
                    {"args": [1, 2], "expected": 3},
                    {"args": [1], "raises": "E", "expected": 1},
                ]
            },
            "tests[1] needs expected or raises, one of them; it has args, raises, expected",
        ),
        ({"tests": [{"args": [1]}]}, "tests[0] needs expected or raises, one of them; it has args"),
        ({"tests": [{"args": [1], "expectd": 1}]}, "it has args, expectd"),
        ({"tests": [{"args": [1], "raises": None}]}, "tests[0].raises is None, not the name"),
        (
            {"entry_point": "Solution.add", "tests": [{"args": [1, 2], "expected": 3}]},
            "entry_point 'Solution.add' is no name of a function; give asserts",
        ),
        ({"entry_point": "Solution().add", "tests": [{"expected": 3}]}, "is no name of a function"),
        ({"asserts": ["assert (add(1, 2) == 3, 'msg')"]}, "asserts: a tuple is always true"),
        (check("assert (candidate(1, 2) == 3, 'msg')"), "check: a tuple is always true"),
        ({"pytest": HEAD + "def test_a():\n    assert (add(1, 2), 3)"}, "a tuple is always true"),
    ],
)
def test_a_reference_that_is_wrong_is_one_clear_error(
    ctx: RunContext, reference: Any, reason: str
) -> None:
    given = verdict(ctx, {"entry_point": "add"} | reference, RIGHT)
    assert given.status is Status.ERROR and reason in given.rationale, given.rationale
