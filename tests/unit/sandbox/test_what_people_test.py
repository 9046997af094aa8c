"""Tests as people write them, of right programs and of wrong ones, in isolation."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from isolated import FORGEABLE, PASS, QUICK, in_both, pytest_file

from harness.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, limits=QUICK) as sandbox:
        yield sandbox


LIBRARY = """
import collections, pathlib, typing
Point = collections.namedtuple("Point", "x y")
class Size(typing.NamedTuple):
    width: int
def point(): return Point(1, 2)
def size(): return [Size(3)]
def count(s): return collections.Counter(s)
def groups(): return collections.defaultdict(list, {"a": [1]})
def ordered(): return collections.OrderedDict([("b", 1), ("a", 2)])
def path(): return pathlib.Path("a") / "b"
def width(s): return s.width + 1
class Own:
    def __init__(self, n): self.n = n
    def __eq__(self, other): return self.n == other.n
    def __hash__(self): return hash(self.n)
"""


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (
            "assert point().x == 1 and point() == (1, 2) and point()._asdict() == dict(x=1, y=2)",
            PASS,
        ),
        ("assert size()[0].width == 3", PASS),
        ("assert count('aab').most_common(1) == [('a', 2)] and count('a')['z'] == 0", PASS),
        ("assert groups()['zz'] == [] and groups() == {'a': [1]}", PASS),
        ("import collections\nassert isinstance(ordered(), collections.OrderedDict)", PASS),
        ("import pathlib\nassert path() == pathlib.Path('a/b')", PASS),
        ("assert width(size()[0]) == 4", PASS),
        ("assert {Own(1), Own(2)} == {Own(2), Own(1)}", FORGEABLE),
    ],
)
def test_results_of_library_types(sandbox: Sandbox, test: str, expected: tuple[str, str]) -> None:
    for result in in_both(sandbox, LIBRARY, test):
        assert (result.outcome, result.integrity) == expected, result


@pytest.mark.parametrize(
    ("right", "wrong", "test"),
    [
        (
            "return [[0] * 2 for _ in '12']",
            "return [[0] * 2] * 2",
            "g = f(2)\ng[0][0] = 1\nassert g == [[1, 0], [0, 0]]",
        ),
        ("return list(x)", "return x", "x = [1]\ny = f(x)\ny.append(2)\nassert x == [1]"),
        ("return list(x)", "return x", "x = [1]\ny = f(x)\nx.append(2)\nassert y == [1]"),
        ("return list(x)", "return x", "x = [1]\nassert f(x) is not x"),
        ("return None or KEPT", "return [1]", "assert f(1) is f(2)"),
    ],
)
def test_what_copies_cannot_show_is_not_judged(
    sandbox: Sandbox, right: str, wrong: str, test: str
) -> None:
    for body in (right, wrong):
        source = f"KEPT = [1]\ndef f(x): {body}"
        for result in in_both(sandbox, source, test):
            assert (result.outcome, result.integrity) == ("unsupported", "in-process"), result
        inside = asyncio.run(sandbox.run_inside(source, test))
        assert (inside.outcome == "pass") is (body == right)


@pytest.mark.parametrize(
    "test",
    [
        "assert f(1) is None",
        "x = []\nfor i in range(3):\n    x.append(i)\n    assert f(x) is None",
        "s = Stack()\ns.append(2)\nassert s.pop() == 2",
        "got = []\ngot.append(f(1))\nassert got == [None]",
        "got = {}\ngot['a'] = f(1)\nassert got == {'a': None}",
    ],
)
def test_what_copies_can_show_is_judged(sandbox: Sandbox, test: str) -> None:
    source = "def f(x): return None\nclass Stack:\n    def __init__(self): self.x = []\n"
    source += "    def append(self, x): self.x.append(x)\n    def pop(self): return self.x.pop()"
    for result in in_both(sandbox, source, test):
        assert (result.outcome, result.integrity) == PASS, result


def test_objects_that_a_test_case_has_made(sandbox: Sandbox) -> None:
    tests = """
import unittest
from solution import Stack
class TestStack(unittest.TestCase):
    def setUp(self):
        self.stack = Stack()
        self.seen = []
    def test_it(self):
        self.stack.append(3)
        self.seen.append(self.stack.pop())
        self.assertEqual(self.seen, [3])
"""
    source = "class Stack:\n    def __init__(self): self.x = []\n"
    source += "    def append(self, x): self.x.append(x)\n    def pop(self): return self.x.pop()"
    result = pytest_file(sandbox, source, tests)
    assert (result.outcome, result.integrity) == PASS, result
    held = tests.replace("self.stack.append(3)", "self.stack.x.append(3)")
    assert pytest_file(sandbox, source, held).outcome == "unsupported"


def test_parts_of_a_test_that_fail_fail_it(sandbox: Sandbox) -> None:
    tests = """
import unittest
from solution import f
class TestAll(unittest.TestCase):
    def test_all(self):
        for n in range(3):
            with self.subTest(n=n): self.assertEqual(f(n), n)
"""
    result = pytest_file(sandbox, "def f(x): raise ValueError", tests)
    assert (result.outcome, result.passed, result.total) == ("fail", 0, 1), result
    assert pytest_file(sandbox, "def f(x): return x", tests).outcome == "pass"


MISTAKES = """
import functools, json, sys
class Bad(Exception):
    status = 404
    def __init__(self, x): super().__init__(x); self.x = x
    def __str__(self): return f"bad value {self.x}"
class Other(Exception): pass
def misnamed():
    class Bad(Exception): pass
    raise Bad(1)
def f(x): raise Bad(x)
def parse(s): return json.loads(s)
def leave(): sys.exit(2)
def transfer(d):
    d["a"] += 1
    raise ValueError("no funds")
def prefixes(xs):
    got = []
    for x in xs:
        got.append(x)
        yield got
def tag(pair): pair[1].append(1)
class Money:
    def __init__(self, n): self.n = n
    def __eq__(self, other): return self.n == other
    def __format__(self, form): return f"{self.n:{form}} EUR"
    def __getitem__(self, key): return list(range(10))[key]
def nothing(x): return object()
def name(s): return "/etc/zz" + s
buffer = []
def kept(x):
    buffer.append(x)
    return buffer
class Door:
    async def __aenter__(self): return self
    async def __aexit__(self, *_): return None
    async def rows(self):
        yield 1
        yield 2
class Text(str):
    def loud(self): return self.upper() + "!"
def shout(s): return Text(s)
def ident():
    import uuid
    return uuid.UUID(int=5)
def counted(): ...
counted.calls = 0
__version__ = "1"
"""


@pytest.mark.parametrize(
    ("test", "outcome"),
    [
        (
            "with pytest.raises(Bad, match='bad value 7') as e: f(7)\nassert e.value.status == 404",
            "pass",
        ),
        ("with pytest.raises(Bad): misnamed()", "fail"),
        ("with pytest.raises(Other): f(1)", "fail"),
        ("import json\nwith pytest.raises(json.JSONDecodeError): parse('{')", "pass"),
        ("with pytest.raises(SystemExit) as e: leave()\nassert e.value.code == 2", "pass"),
        ("d = {'a': 1}\nwith pytest.raises(ValueError): transfer(d)\nassert d == {'a': 1}", "fail"),
        ("d = {'a': 1}\nwith pytest.raises(ValueError): transfer(d)\nassert d == {'a': 2}", "pass"),
        ("p = ('k', [])\ntag(p)\nassert p == ('k', [1])", "pass"),
        ("row = []\nxs = ['k', row]\ntag(xs)\nassert row == [1]", "pass"),
        ("assert list(prefixes([1, 2])) == [[1], [1, 2]]", "in-process"),
        ("a = kept(1)\nb = kept(2)\nassert a == [1]", "in-process"),
        ("a = kept(1)\nb = kept(2)\nassert a == [3]", "fail"),
        (
            "import asyncio\nasync def go():\n    async with Door() as door:\n"
            "        return [x async for x in door.rows()]\nassert asyncio.run(go()) == [1, 2]",
            "pass",
        ),
        ("assert shout('a').loud() == 'A!'", "unsupported"),
        ("assert shout('a') == 'a'", "pass"),
        ("assert shout('a') == 'b'", "fail"),
        ("import uuid\nassert ident() == uuid.UUID(int=5)", "pass"),
        ("assert Money(5) == 5", "in-process"),
        ("assert Money(5) == 6", "fail"),
        ("assert counted.calls == 0", "unsupported"),
        ("import solution\nassert solution.__version__ == '1'", "pass"),
        ("assert f'{Money(3):.2f}' == '3.00 EUR' and Money(1)[1:3] == [1, 2]", "pass"),
        ("assert nothing(3)[:2] == [1, 2]", "fail"),
        ("open(name('x'), 'w')", "fail"),
        (
            "from concurrent.futures import ThreadPoolExecutor\n"
            "with ThreadPoolExecutor(4) as pool: assert [*pool.map(parse, '123')] == [1, 2, 3]",
            "pass",
        ),
    ],
)
def test_what_people_test(sandbox: Sandbox, test: str, outcome: str) -> None:
    body = "".join(f"    {line}\n" for line in test.split("\n"))
    result = pytest_file(
        sandbox, MISTAKES, f"import pytest\nfrom solution import *\ndef test_it():\n{body}"
    )
    forgeable = result.outcome == "pass" and result.integrity == "in-process"
    assert ("in-process" if forgeable else result.outcome) == outcome, result


@pytest.mark.parametrize(
    ("raises", "outcome"),
    [
        ("KeyError", "pass"),
        ("LookupError", "pass"),
        ("builtins.KeyError", "pass"),
        ("IndexError", "fail"),
        ("Key", "fail"),
    ],
)
def test_an_exception_may_be_named_by_a_base(sandbox: Sandbox, raises: str, outcome: str) -> None:
    tests = [{"args": [1], "raises": raises}]
    run = sandbox.run_functions("def f(x): return {}[x]", "f", tests)
    assert asyncio.run(run).outcome == outcome
