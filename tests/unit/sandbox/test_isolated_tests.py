"""What tests may ask of a program that is in another process, and what that is worth."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from isolated import FORGEABLE, PASS, QUICK, code, in_both, pytest_file

from harness.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, limits=QUICK) as sandbox:
        yield sandbox


FAVOURABLE = """
class Z:
    def __sub__(self, other): return 0.0
    __rsub__ = __truediv__ = __rtruediv__ = __mod__ = __floordiv__ = __xor__ = __sub__
    def __lt__(self, other): return True
    __gt__ = __le__ = __ge__ = __lt__
    def __contains__(self, other): return True
    def __getitem__(self, other): return other
    def __abs__(self): return 0.0
    def __bool__(self): return True
    def __hash__(self): return 1
    def __eq__(self, other): return True
    def __enter__(self): return self
    def __exit__(self, *_): return True
    def startswith(self, *_): return True
    def symmetric_difference(self, _): return set()
    def closest(self, other): return other
def f(*_): return Z()
"""


@pytest.mark.parametrize(
    "test",
    [
        "assert abs(f(1) - 5.5) < 1e-6",
        "assert abs(5.5 - f(1)) < 1e-6",
        "assert f(1) // 5 == 0.0",
        "assert f(1) % 5 == 0.0",
        "assert f(1) ^ 5 == 0.0",
        "assert 1 < f(1) < 3",
        "assert 5 in f(1)",
        "assert f(1)[5] == 5",
        "assert f(1).startswith('abc')",
        "assert not f(1).symmetric_difference({1})",
        "assert f(1).closest(7) == 7",
        "import unittest\nunittest.TestCase().assertAlmostEqual(f(1), 3.3)",
        "with f(1) as x:\n    assert x == 5",
        "assert f(1) == f(2)",
        "assert len({f(1), f(2)}) == 1",
        "g = f(1)\ng.x = 5\nassert g.x == 5",
    ],
)
def test_an_object_that_is_handed_a_value_earns_nothing(sandbox: Sandbox, test: str) -> None:
    for result in in_both(sandbox, FAVOURABLE, test):
        assert (result.outcome, result.integrity) == FORGEABLE, result
        assert result.detail.startswith("the tests "), result


@pytest.mark.parametrize(
    "test",
    [
        "assert f(1) == 5",
        "assert f(1) in [5]",
        "import math\nassert math.isclose(f(1), 5.0)",
        "assert sum([f(1)]) == 5",
        "assert round(f(1), 2) == 5.5",
    ],
)
def test_an_object_is_no_data(sandbox: Sandbox, test: str) -> None:
    for result in in_both(sandbox, FAVOURABLE, test):
        assert result.outcome == "fail", result


def test_the_program_does_not_decide_that_its_function_is_a_class(sandbox: Sandbox) -> None:
    source = FAVOURABLE.replace("def f(*_): return Z()", "class f(Z):\n    def __init__(s, x): ...")
    assert code(sandbox, source, "assert abs(f(1) - 5) < 1").integrity == "in-process"
    assert code(sandbox, source, "assert f(1).closest(7) == 7").integrity == "in-process"
    # CapWords: the tests mean a class, and its methods are what they test.
    source = source.replace("class f(", "class Finder(")
    assert code(sandbox, source, "assert Finder(1).closest(7) == 7").integrity == "isolated-tests"
    assert code(sandbox, source, "assert abs(Finder(1) - 5) < 1").integrity == "in-process"


def test_what_is_stored_and_returned_later_earns_nothing(sandbox: Sandbox) -> None:
    source = """
kept = []
class Z:
    def __sub__(self, other): kept.append(other); return 0.0
def f(x): return kept[0] if kept else Z()
"""
    result = code(sandbox, source, "assert abs(f(1) - 5.5) < 1", "assert f(1) == 5.5")
    assert (result.outcome, result.integrity) == FORGEABLE


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("import copy\ncopy.deepcopy(Z())", "copy an object"),
        ("assert f(lambda x: x) == 1", "pass the program something that cannot cross: function"),
        ("class Own(Z): ...\nassert Own()", "derive a class"),
    ],
)
def test_what_cannot_be_had_from_outside_is_said(sandbox: Sandbox, test: str, reason: str) -> None:
    result = code(sandbox, FAVOURABLE, test)
    assert (result.outcome, result.passed, reason in result.detail) == ("unsupported", 0, True)


@pytest.mark.parametrize(
    "test",
    [
        "assert all(map(lambda x: f(x) == 5, [1, 2]))",
        "for got, wanted in zip(map(f, [1, 2]), [3, 4]):\n    assert got == wanted",
        "for got in map(f, [1, 2]):\n    assert got == 5",
        "assert not any(map(lambda x: f(x) != 5, [1, 2]))",
        "assert sum(map(f, [1, 2])) == 0",
        "assert list(map(f, [1, 2])) == []",
        "assert next(map(f, [1]), 5) == 5",
    ],
)
@pytest.mark.parametrize("raised", ["StopIteration", "Own", "StopAsyncIteration"])
def test_a_program_cannot_end_a_loop_of_the_tests(sandbox: Sandbox, raised: str, test: str) -> None:
    source = f"class Own(StopIteration): ...\ndef f(x): raise {raised}"
    result = code(sandbox, source, test)
    assert (result.outcome, result.detail) == (
        "fail",
        f"RuntimeError: the program raised {raised}",
    )


@pytest.mark.parametrize(
    ("program", "test", "expected"),
    [
        # Tests compute what they expect from what they have handed over.
        ("xs.clear(); return 0", "assert f(xs) == sum(xs)", FORGEABLE),
        ("xs.clear(); return []", "assert f(xs) == sorted(xs)", FORGEABLE),
        ("xs[:] = [0]; return 9", "assert f(xs) == 9\nassert xs == [0]", FORGEABLE),
        ("xs.clear(); return 1", "assert f(xs) == sum(xs)", ("fail", "isolated-tests")),
        ("xs.sort(); return xs", "assert f(xs) == sorted(xs)", PASS),
        # A result that is dropped: the argument is what is looked at.
        ("xs.sort()", "f(xs)\nassert xs == [1, 2]", PASS),
        ("xs.sort()", "f(xs=xs)\nassert xs == [1, 2]", PASS),
        ("xs.clear()", "f(xs)\nassert xs == [1, 2]", ("fail", "isolated-tests")),
        # An input that must stay as it is.
        ("return sorted(xs)", "assert f(xs) == [1, 2]\nassert xs == [2, 1]", PASS),
        (
            "xs.sort(); return xs",
            "assert f(xs) == [1, 2]\nassert xs == [2, 1]",
            ("fail", "isolated-tests"),
        ),
    ],
)
def test_arguments_are_copies(
    sandbox: Sandbox, program: str, test: str, expected: tuple[str, str]
) -> None:
    for result in in_both(sandbox, f"def f(xs): {program}", f"xs = [2, 1]\n{test}"):
        assert (result.outcome, result.integrity) == expected, result


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ("bytearray(b'a')", "x.append(98)", "bytearray(b'ab')"),
        ("{1: 2}", "x[3] = 4", "{1: 2, 3: 4}"),
        ("{1}", "x.add(2)", "{1, 2}"),
        ("[[1]]", "x[0].append(2)", "[[1, 2]]"),
        ("__import__('collections').deque([1])", "x.append(2)", "[1, 2]"),
    ],
)
def test_changes_in_place_of_every_kind(
    sandbox: Sandbox, before: str, change: str, after: str
) -> None:
    before = before.replace("__import__('collections').", "")
    test = f"from collections import deque\nx = {before}\nf(x)\nassert type(x)({after}) == x"
    assert code(sandbox, f"def f(x): {change}", test).outcome == "pass"


@pytest.mark.parametrize(
    ("names", "test", "expected"),
    [
        ("class math:\n    isclose = lambda *a: True", "assert math.isclose(f(1), 5)", "fail"),
        ("isclose = lambda *a: True", "assert isclose(f(1), 5)", "in-process"),
        ("isclose = lambda *a: True", "from math import isclose\nassert isclose(f(1), 5)", "fail"),
        ("class np:\n    allclose = lambda *a: True", "assert np.allclose(f(1), 5)", "in-process"),
        ("abs = lambda x: 0", "assert abs(f(1) - 5) < 1e-6", "fail"),
        ("class pytest:\n    approx = lambda x: 1", "assert f(1) == pytest.approx(5)", "either"),
    ],
)
def test_names_that_the_tests_did_not_take(
    sandbox: Sandbox, names: str, test: str, expected: str
) -> None:
    """An import, a library's name and builtins are the tests'; what is doubtful earns nothing."""
    for result in in_both(sandbox, f"{names}\ndef f(x): return 1", test):
        if expected == "either":  # pytest is imported in the file and free in the piece of code
            assert result.outcome == "fail" or result.integrity == "in-process", result
        else:
            assert expected in (result.outcome, result.integrity), result


def test_a_function_may_be_called_like_a_builtin_or_a_library(sandbox: Sandbox) -> None:
    source = "def sum(a, b): return a + b\ndef copy(x): return x"
    assert code(sandbox, source, "assert sum(10, 15) == 25").outcome == "pass"
    assert code(sandbox, source, "assert copy([1]) == [1]").outcome == "pass"
    assert code(sandbox, source, "assert sum(10, 15) == 25", call="sum").outcome == "pass"


@pytest.mark.parametrize(
    "test",
    [
        "assert eval(f(1))",
        "exec(f(1))",
        "import builtins\ngetattr(builtins, 'ev' + 'al')(f(1))",
        "import types\ntypes.FunctionType(compile(f(1), 'x', 'eval'), {})()",
        "import timeit\ntimeit.timeit(f(1), number=1)",
        "import typing\nclass A: pass\nA.__annotations__ = {'a': f(1)}\ntyping.get_type_hints(A)",
        "import pickle\npickle.loads(b'cbuiltins\\nlen\\n.')",
    ],
)
def test_tests_that_run_what_a_program_returns_earn_nothing(sandbox: Sandbox, test: str) -> None:
    for result in in_both(sandbox, "def f(x): return 'int'", test):
        assert (result.outcome, result.integrity) == FORGEABLE, result
        assert "the tests execute text" in result.detail


@pytest.mark.parametrize(
    "test",
    [
        "import collections\nP = collections.namedtuple('P', 'x')\nassert P(f(1)).x == 'int'",
        "import dataclasses as d\n@d.dataclass\nclass P:\n    x: str\nassert P(f(1)).x == 'int'",
        "import enum\nP = enum.Enum('P', 'x')\nassert f(1) == 'int'",
        "import ast\nassert ast.literal_eval(repr(f(1))) == 'int'",
        "import numpy, sqlite3, xml.dom.minidom\nassert f(1) == 'int'",
    ],
)
def test_libraries_that_write_code_are_no_danger(sandbox: Sandbox, test: str) -> None:
    body = "".join(f"    {line}\n" for line in test.split("\n"))
    file = f"from solution import f\ndef test_it():\n{body}"
    result = pytest_file(sandbox, "def f(x): return 'int'", file)
    assert (result.outcome, result.integrity) == PASS, result


@pytest.mark.parametrize("raised", ["PermissionError(1, 'no')", "OSError(13, 'no')"])
def test_what_a_program_was_forbidden_is_its_failure(sandbox: Sandbox, raised: str) -> None:
    for source in (f"def f(x): raise {raised}", f"raise {raised}", "import os\nos.mkdir('x')"):
        for result in in_both(sandbox, source, "assert f(1) == 5"):
            assert result.outcome == "fail", result


def test_what_the_tests_were_forbidden_is_no_failure_of_the_program(sandbox: Sandbox) -> None:
    for result in in_both(sandbox, "def f(x): return 1", "import os\nos.mkfifo('x')\nf(1)"):
        assert result.outcome == "unsupported", result
        assert "what their process may not do or has not: PermissionError" in result.detail


def test_code_that_tests_run_for_a_program_ends_with_its_own_job(sandbox: Sandbox) -> None:
    """It may replace what answers in its process; the next program meets another process."""
    source = """
def f(x): return '''
import sys, gc
for thing in gc.get_objects():
    if isinstance(thing, dict) and "answer_of" in thing:
        thing["answer_of"] = lambda *_: {"passed": 2, "total": 2, "outcome": "pass", "detail": "",
                                         "forgeable": "", "changed": False}
'''
"""
    assert code(sandbox, source, "exec(f(1))", "assert 0").integrity == "in-process"
    assert code(sandbox, "def f(x): return x", "assert f(1) == 2").outcome == "fail"
    assert code(sandbox, "def f(x): return x", "assert f(1) == 1").integrity == "isolated-tests"


@pytest.mark.parametrize(
    "program",
    ["import subprocess as runner", "import os as runner", "import builtins as runner"],
)
def test_a_module_of_a_program_stays_with_it(sandbox: Sandbox, program: str) -> None:
    source = f"{program}\ndef command(): return '1'"
    tests = """
from solution import runner, command
import os, subprocess, builtins
def test_it():
    assert runner not in (os, subprocess, builtins)
    assert not isinstance(runner, type(os))
"""
    result = pytest_file(sandbox, source, tests)
    assert result.outcome == "pass", result
    for call in ("runner.eval(command())", "runner.run(['id'])", "runner.system('id')"):
        result = pytest_file(sandbox, source, f"{tests}    {call}\n")
        assert result.outcome != "pass" or result.integrity == "in-process", result


def test_exceptions_are_the_tests_own(sandbox: Sandbox) -> None:
    source = """
class Base(Exception): pass
class Bad(Base, ValueError):
    def __init__(self, code, held):
        super().__init__('bad', code)
        self.code, self.held = code, held
def f(x): raise Bad(x, object())
"""
    test = """
try:
    f(7)
except Base as error:
    assert error.args == ('bad', 7) and error.code == 7 and not hasattr(error, 'held')
else:
    assert False
"""
    assert code(sandbox, source, test).outcome == "pass"
    file = "from solution import *\nimport pytest\ndef test_it():\n"
    file += "    with pytest.raises(Base, match='bad'): f(7)\n"
    assert pytest_file(sandbox, source, file).outcome == "pass"


def test_coroutines_are_awaited_where_they_are(sandbox: Sandbox) -> None:
    source = """
import asyncio
async def f(x):
    await asyncio.sleep(0)
    return x + 1
class Client:
    async def get(self, x): return await f(x)
"""
    test = "import asyncio\nassert asyncio.run(f(1)) == {}"
    assert code(sandbox, source, test.format(2)).outcome == "pass"
    assert code(sandbox, source, test.format(3)).outcome == "fail"
    test = (
        "import asyncio\nasync def g(): return await Client().get(1)\nassert asyncio.run(g()) == 2"
    )
    assert code(sandbox, source, test).outcome == "pass"


def test_setup_code_may_use_the_program(sandbox: Sandbox) -> None:
    """As in MBPP, task 367."""
    source = "class Node:\n    def __init__(self, x): self.x = x\ndef f(n): return n.x"
    run = sandbox.run_tests(source, ["assert f(root) == 4"], context="root = Node(4)")
    assert asyncio.run(run).outcome == "pass"


def test_subclasses_are_the_programs(sandbox: Sandbox) -> None:
    source = "class Base: pass\nclass Own(Base): pass\ndef f(x): return Own()"
    test = (
        "assert issubclass(Own, Base) and not issubclass(Base, Own)\nassert isinstance(f(1), Base)"
    )
    assert code(sandbox, source, test).outcome == "pass"
    assert code(sandbox, source, "assert isinstance(3, Base)").outcome == "fail"


SEVERAL = """
LIMIT = 7
def is_prime(n): return n > 1 and all(n % d for d in range(2, n))
def next_prime(n): return next(m for m in range(n + 1, 2 * n + 2) if is_prime(m))
def encode(s): return s[::-1]
def decode(s): return s[::-1]
def near(a, b): return True
def push(heap, x): heap.append(x); heap.sort()
class Bag:
    def __init__(self, xs): self.xs = xs
    def __len__(self): return len(self.xs)
    def __iter__(self): return iter(self.xs)
def bag(xs): return Bag(xs)
"""


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("assert is_prime(7) and not is_prime(8)\nassert next_prime(7) == 11", PASS),
        ("assert decode(encode('ab')) == 'ab'\nassert encode('ab') == 'ba'", PASS),
        ("h = []\npush(h, 2)\npush(h, 1)\nassert h == [1, 2]\nassert encode('a') == 'a'", PASS),
        ("for n, want in [(7, 11), (11, 13)]:\n    assert next_prime(n) == want", PASS),
        ("assert LIMIT == 7", PASS),
        ("assert list(bag([1, 2])) == [1, 2]\nassert len(bag([1])) == 1", PASS),
        ("b = bag([1, 2])\nassert len(b) == 2 and list(b) == [1, 2]", FORGEABLE),
        ("b = Bag([1, 2])\nassert len(b) == 2 and list(b) == [1, 2]", PASS),
        # A function of the program judges what another one has returned; a value sets the bar.
        ("assert is_prime(next_prime(7))", FORGEABLE),
        ("assert near(next_prime(7), 5)", FORGEABLE),
        ("got = next_prime(7)\nnear(got, 5)", FORGEABLE),
        ("assert all(near(next_prime(n), 5) for n in [1, 2])", FORGEABLE),
        ("assert all(map(near, map(next_prime, [1, 2]), [5, 5]))", FORGEABLE),
        ("assert encode(decode('ab')) == encode('ba')", FORGEABLE),
        ("ok = near(next_prime(7), 5)\nassert ok", FORGEABLE),
        ("if not near(next_prime(7), 5):\n    raise AssertionError", FORGEABLE),
        ("assert next_prime(5) == LIMIT", FORGEABLE),
    ],
)
def test_tests_of_several_names(sandbox: Sandbox, test: str, expected: tuple[str, str]) -> None:
    for result in in_both(sandbox, SEVERAL, test):
        assert (result.outcome, result.integrity) == expected, result


def test_what_tests_import_by_name_they_take(sandbox: Sandbox) -> None:
    file = "from solution import near, next_prime\ndef test_it(): assert near(next_prime(7), 5)"
    result = pytest_file(sandbox, SEVERAL, file)
    assert (result.outcome, result.integrity) == PASS


def test_a_part_that_passes_only_with_changed_arguments_is_not_counted(sandbox: Sandbox) -> None:
    source = "def f(xs): xs.clear(); return 0"
    parts = ["xs = [1]\nassert f(xs) == sum(xs)", "xs = [1]\nassert f(xs) == 2"]
    result = code(sandbox, source, *parts)
    assert (result.outcome, result.passed, result.total) == ("fail", 0, 2)
