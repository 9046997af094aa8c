"""Tests see a program's function that is named like a builtin, and no program decides with one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from judged_programs import verdict

from harness.feedback.contract import RunContext
from harness.nouns.outcomes import Status
from harness.sandbox import Sandbox

ADD = "def add(a, b): return a + b\n"
SUM = "def sum(xs):\n    total = 0\n    for x in xs:\n        total += x\n    return total\n"
NO_SUM = "def sum(xs): return 7\n"
MAX, NO_MAX = "def max(xs): return sorted(xs)[-1]\n", "def max(xs): return 5\n"
LEN, NO_LEN = "def len(xs): return sum(1 for _ in xs)\n", "def len(xs): return 9\n"
HEAD = "from solution import *\ndef test_a():\n    "


@pytest.fixture(scope="module")
def ctx() -> Iterator[RunContext]:
    with Sandbox(1) as sandbox:
        yield RunContext(None, None, sandbox)  # type: ignore[arg-type]


SEEN = [
    ({"asserts": ["assert sum([1, 2]) == 3"]}, SUM, NO_SUM),
    ({"asserts": ["assert sum([1, 2]) == 3"], "setup": "import math"}, SUM, NO_SUM),
    ({"asserts": ["assert sum([1, 2]) == 3"], "entry_point": "sum"}, SUM, NO_SUM),
    ({"asserts": ["assert len([1, 2]) == 2"], "setup": "import math", "entry_point": "len"},
     LEN, NO_LEN),
    ({"asserts": ["assert max([1, 2]) == 2", "assert max(range(3)) == 2"]}, MAX, NO_MAX),
    ({"asserts": ["assert sum([1, 2]) == 3", "assert max([1, 2]) == 2"]}, SUM + MAX, SUM + NO_MAX),
    ({"asserts": ["assert add(1, 2) == 3", "assert sum([1, 2]) == 3"]}, ADD + SUM, ADD + NO_SUM),
    ({"asserts": ["assert sum([1, 2]) == len([1, 2, 3])"]}, SUM, NO_SUM),
    ({"asserts": ["x = sum([1, 2])", "assert x == 3"]}, SUM, NO_SUM),
    ({"asserts": ["x = [3, 1]\nassert sorted(x) == [1, 3]"]},
     "def sorted(x):\n    x = list(x)\n    x.sort()\n    return x", "def sorted(x): return x"),
    ({"asserts": ["assert list(zip([1], [2])) == [(1, 2)]"]},
     "def zip(a, b): return [(a[0], b[0])]", "def zip(a, b): return []"),
    ({"asserts": ["assert near(sum([1, 2]), 3)"],
      "setup": "def near(a, b): return abs(a - b) < 1e-6"}, SUM, NO_SUM),
    ({"asserts": ["for xs, want in [([1, 2], 3)]:\n    assert sum(xs) == want"]}, SUM, NO_SUM),
    ({"asserts": ["assert pow(2, 3) == 8"]}, "def pow(a, b): return a ** b",
     "def pow(a, b): return 1"),
    ({"check": "def check(candidate):\n    assert candidate([1, 2]) == 2", "entry_point": "max"},
     MAX, NO_MAX),
    ({"pytest": f"{HEAD}assert sum([1, 2]) == 3"}, SUM, NO_SUM),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "right", "wrong"), SEEN, ids=lambda v: str(v)[:70])
def test_tests_see_a_function_that_is_named_like_a_builtin(
    ctx: RunContext, reference: Any, right: str, wrong: str
) -> None:
    assert verdict(ctx, reference, right).value is True
    assert verdict(ctx, reference, wrong).value is False


FORGED = [
    # Its own builtin decides about another function, or about itself.
    ({"asserts": ["assert add(1, 2) == 3", "assert len(str(add(9, 2))) == 2",
                  "assert len([1, 2]) == 2"]}, "def add(a, b): return 3\ndef len(x): return 2"),
    ({"asserts": ["assert add(1, 2) == 3", "want = sum([1, 2])", "assert add(1, 3) == want + 1",
                  "assert sum([1]) == 1"]}, "def add(a, b): return 0\ndef sum(x): return -1"),
    ({"asserts": ["assert sum([1, 2]) == len([1, 2, 3])"]},
     "def sum(x): return 7\ndef len(x): return 7"),
    ({"asserts": ["assert near(sum([1, 2]), 3)"],
      "setup": "def near(a, b): return sum([a, -b]) < 1e-6"}, "def sum(x): return 0"),
    ({"asserts": ["near = lambda a, b: sum([a, -b]) < 1e-6\nassert near(sum([1, 2]), 3)"]},
     "def sum(x): return 0"),
    ({"check": "def check(candidate):\n    assert candidate([1, 2]) == max([1, 2])",
      "entry_point": "max"}, NO_MAX),
    ({"check": "def check(candidate):\n    for x in ([1], [2, 3]):\n        want = max(x)\n"
               "        assert candidate(x) == want", "entry_point": "max"}, NO_MAX),
    ({"pytest": f"{HEAD}assert add(1, 2) == 3\n    assert len([add(1, 2)]) == 1\n"
                "def test_b():\n    assert len([1]) == 1"},
     "def add(a, b): return 3\ndef len(x): return 1"),
    # Nobody but the tests means a builtin.
    ({"asserts": ["assert len(add([1], [2])) == 2"]}, "def add(a, b): return 0\n"
                                                      "def len(x): return 2"),
    ({"asserts": ["assert sorted(add([1], [2])) == [1, 2]"]},
     "def add(a, b): return 0\ndef sorted(x): return [1, 2]"),
    ({"asserts": ["assert add(1, 2) == sum([1, 2])"]},
     "def add(a, b): return 0\ndef sum(x): return 0"),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "wrong"), FORGED, ids=lambda v: str(v)[:70])
def test_no_program_decides_with_a_builtin_of_its_own(
    ctx: RunContext, reference: Any, wrong: str
) -> None:
    given = verdict(ctx, reference, wrong)
    assert given.value is not True, given.rationale
    honest = {"asserts": ["assert add(1, 2) == 3"]}
    assert verdict(ctx, honest, ADD).value is True


def test_without_a_function_of_that_name_the_tests_decide_nothing(ctx: RunContext) -> None:
    given = verdict(ctx, {"asserts": ["assert sum([1, 2]) == 3"]}, ADD)
    assert given.status is Status.ABSTAINED
    named = {"asserts": ["assert sum([1, 2]) == 3"], "entry_point": "sum"}
    assert verdict(ctx, named, ADD).value is False
