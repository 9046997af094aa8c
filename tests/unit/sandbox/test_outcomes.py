"""What the sandbox says of programs that are right, wrong or broken."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from harness.nouns.errors import SandboxError
from harness.sandbox import RunLimits, Sandbox, SandboxResult
from harness.sandbox.guest.confine import LEVELS
from harness.sandbox.probes import PROBES

QUICK = RunLimits(cpu_s=0.5, wall_s=20.0, memory_bytes=192 << 20, output_bytes=1 << 20)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, limits=QUICK) as sandbox:
        yield sandbox


def functions(sandbox: Sandbox, source: str, *tests: tuple[Any, Any], **options: Any) -> Any:
    cases = [{"args": [argument], "expected": expected} for argument, expected in tests]
    return asyncio.run(sandbox.run_functions(source, "f", cases, **options))


def stdio(sandbox: Sandbox, source: str, *tests: tuple[str, str], **options: Any) -> SandboxResult:
    cases = [{"input": given, "output": expected} for given, expected in tests]
    return asyncio.run(sandbox.run_stdio(source, cases, **options))


def code(sandbox: Sandbox, source: str, *parts: str, **options: Any) -> SandboxResult:
    return asyncio.run(sandbox.run_tests(source, parts, **options))


@pytest.mark.parametrize(
    ("body", "outcome", "detail"),
    [
        ("return x + 1", "pass", ""),
        ("return x", "fail", "AssertionError"),
        ("raise KeyError('no')", "fail", "KeyError: 'no'"),
        ("while True: pass", "timeout", "processor time"),
        ("return bytearray(1 << 30)", "memory", "MemoryError"),
        ("return 'x' * (4 << 20)", "output", "more than its limit"),
        ("import ctypes; ctypes.string_at(0)", "crash", "signal 11"),
        ("import ctypes; ctypes.CDLL(None).unshare(0x10000000)", "violation", "system call"),
        ("import os; os._exit(0)", "fail", "ended before it had answered"),
        ("import sys; sys.exit(0)", "fail", "SystemExit"),
        ("return object()", "fail", "object, which is not plain data"),
    ],
)
def test_outcomes_have_a_name_and_a_reason(
    sandbox: Sandbox, body: str, outcome: str, detail: str
) -> None:
    result = functions(sandbox, f"def f(x):\n    {body}", (1, 2))
    assert (result.outcome, detail in result.detail) == (outcome, True), result
    assert result.integrity == "isolated-oracle"
    assert result.isolation == sandbox.isolation.level


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("def f(x:\n", "SyntaxError: "),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def g(x): return x", "KeyError: 'f'"),
        ("f = 3", "TypeError: 'int' object is not callable"),
    ],
    ids=["syntax", "import", "name", "kind"],
)
def test_a_program_that_cannot_be_used_fails(sandbox: Sandbox, source: str, detail: str) -> None:
    result = functions(sandbox, source, (1, 1))
    assert result.outcome == "fail"
    assert result.detail.startswith(detail)


def test_no_tests_is_no_success(sandbox: Sandbox) -> None:
    for result in (functions(sandbox, "def f(x): return x"), stdio(sandbox, "print(1)")):
        assert (result.outcome, result.detail) == ("fail", "there are no tests")
    assert code(sandbox, "x = 1").outcome == "fail"


def test_partial_credit_counts_each_test(sandbox: Sandbox) -> None:
    result = functions(sandbox, "def f(x): return abs(x)", (1, 1), (-1, -1), (-2, 2))
    assert (result.outcome, result.passed, result.total) == ("fail", 2, 3)
    result = code(sandbox, "def f(x): return abs(x)", "assert f(1) == 1", "assert f(-1) == -1")
    assert (result.outcome, result.passed, result.total) == ("fail", 1, 2)


def test_tests_before_a_hang_are_counted(sandbox: Sandbox) -> None:
    result = functions(sandbox, "def f(x):\n    while x: pass\n    return 0", (0, 0), (1, 0))
    assert (result.outcome, result.passed) == ("timeout", 1)


@pytest.mark.parametrize(
    ("returned", "expected", "equal"),
    [
        ("(1, 2)", [1, 2], True),
        ("1", True, True),
        ("1.0", 1, True),
        ("2**80", 2**80, True),
        ("{1: 'a', 2: 'b'}", {2: "b", 1: "a"}, True),
        ("{1.0, 2}", {1, 2}, True),
        ("float('nan')", float("nan"), True),
        ("'1'", 1, False),
        ("None", 0, False),
        ("[1]", [1, 1], False),
        ("{1: 2}", [[1, 2]], False),
    ],
)
def test_equality_is_pythons_but_for_tuples(
    sandbox: Sandbox, returned: str, expected: Any, equal: bool
) -> None:
    result = functions(sandbox, f"def f(x): return {returned}", (0, expected))
    assert (result.outcome == "pass") is equal, result


def test_awkward_values_cross(sandbox: Sandbox) -> None:
    """Integers too long for decimal digits, halves of surrogate pairs."""
    source = "def f(x): return [7 ** 20000, '\\ud800']"
    assert functions(sandbox, source, (0, [7**20000, "\ud800"])).outcome == "pass"
    assert functions(sandbox, source, (0, [7**20000 + 1, "\ud800"])).outcome == "fail"
    source = "def f(x): return x + 1"
    assert functions(sandbox, source, (7**20000, 7**20000)).outcome == "fail"


def test_what_a_program_says_is_shown_in_one_plain_line(sandbox: Sandbox) -> None:
    source = "def f(x): raise ValueError('\\x1b[2J\\nred' + 'x' * 1000)"
    for result in (functions(sandbox, source, (1, 1)), code(sandbox, source, "f(1)")):
        assert result.detail == ("ValueError:  [2J red" + "x" * 1000)[:300]


def test_a_program_cannot_have_modules_imported_where_the_tests_are(sandbox: Sandbox) -> None:
    source = "import this as helper\nimport math\ndef f(x): return x"
    assert code(sandbox, source, "assert math.sqrt(f(4)) == 2").outcome == "pass"
    # What is not the standard library's is an object of the program, and stays with it.
    result = code(sandbox, source, "assert f(1) == 1 and helper.c == 97")
    assert (result.outcome, result.integrity) == ("pass", "in-process")


def test_tolerance_is_an_option(sandbox: Sandbox) -> None:
    source = "def f(x): return [0.1 + 0.2, {'a': 1 / 3}]"
    expected = [0.3, {"a": 0.333333333}]
    assert functions(sandbox, source, (0, expected)).outcome == "fail"
    assert functions(sandbox, source, (0, expected), tolerance=1e-6).outcome == "pass"


def test_expected_exceptions(sandbox: Sandbox) -> None:
    source = "def f(x): return 1 / x"
    tests = [{"args": [0], "raises": "ZeroDivisionError"}, {"args": [1], "expected": 1}]
    assert asyncio.run(sandbox.run_functions(source, "f", tests)).outcome == "pass"
    tests = [{"args": [1], "raises": "ZeroDivisionError"}]
    assert asyncio.run(sandbox.run_functions(source, "f", tests)).outcome == "fail"


@pytest.mark.parametrize(
    "source",
    [
        "a, b = map(int, input().split())\nprint(a + b)",
        "import sys\nfor line in sys.stdin:\n    print(sum(map(int, line.split())))",
        "import sys\nd = sys.stdin.buffer.read().split()\nsys.stdout.write(str(sum(map(int, d))))",
        "import sys\nif __name__ == '__main__':\n    print(sum(map(int, input().split())))\n"
        "    sys.exit()",
        "import os\nos.write(1, b'%d' % sum(map(int, os.read(0, 100).split())))",
        "print(sum(map(int, open(0).read().split())))\n"
        "import os, sys\nsys.stdout.flush()\nos._exit(0)",
    ],
)
def test_programs_read_and_print_in_many_ways(sandbox: Sandbox, source: str) -> None:
    result = stdio(sandbox, source, ("1 2\n", "3\n"), ("4 5\n", "9"))
    assert (result.outcome, result.passed) == ("pass", 2), result


@pytest.mark.parametrize("printed", ["1", "1\n2\n3", "2\n1", "", "1\n\n2"])
def test_every_line_counts(sandbox: Sandbox, printed: str) -> None:
    result = stdio(sandbox, f"print({printed!r})", ("", "1\n2"))
    assert (result.outcome, result.detail) == ("fail", "printed another text")


def test_state_does_not_pass_from_run_to_run(sandbox: Sandbox) -> None:
    plant = "import builtins, math\nbuiltins.planted = math.planted = 1\ndef f(x): return x"
    look = (
        "import builtins, math\n"
        "def f(x): return hasattr(builtins, 'planted'), hasattr(math, 'planted')"
    )
    assert functions(sandbox, plant, (1, 1)).outcome == "pass"
    assert functions(sandbox, look, (1, [False, False])).outcome == "pass"


def test_verdicts_repeat(sandbox: Sandbox) -> None:
    """Hash order and the state of ``random`` are the same in every child."""
    source = "import random\ndef f(x): return [random.random(), list({'a', 'b', 'c', 'd'})]"
    with Sandbox(1) as other:
        got = asyncio.run(other.run_inside(source, "raise ValueError(f(0))"))
        again = asyncio.run(sandbox.run_inside(source, "raise ValueError(f(0))"))
    assert got.detail.startswith("ValueError: [0.8444218515250481, [")  # random.seed(0)
    assert again.detail == got.detail


# -- tests in a process of their own ----------------------------------------------------------

CLASSES = """
class Refused(ValueError):
    pass

class Stack:
    limit = 2
    def __init__(self, *items): self.items = list(items)
    def push(self, item):
        if len(self.items) == self.limit: raise Refused("full", self.limit)
        self.items.append(item)
        return self
    def __len__(self): return len(self.items)
    def __iter__(self): return iter(self.items)
    def __getitem__(self, i): return self.items[i]
    @staticmethod
    def empty(): return Stack()

def fill(d, s): d['k'] = 1; s.add(2)
def count(n):
    for i in range(n): yield i
def sort(items): items.sort()
sorted = lambda *_: "patched"
LIMIT = 7
"""


@pytest.mark.parametrize(
    "test",
    [
        "x = [2, 1]\nsort(x)\nassert x == [1, 2]",
        "d, s = {}, set()\nfill(d, s)\nassert (d, s) == ({'k': 1}, {2})",
        "assert list(count(3)) == [0, 1, 2]",
        "g = count(2)\nassert next(g) == 0\nassert next(g) == 1",
        "s = Stack(1)\ns.push(2)\nassert len(s) == 2 and list(s) == [1, 2] and s[1] == 2",
        "assert len(Stack.empty()) == 0",
        "assert isinstance(Stack(), Stack)",
        "s = Stack()\ns.items = [9]\nassert s[0] == 9",
        "s = Stack(1, 2)\ntry:\n    s.push(3)\nexcept Refused as e:\n"
        "    assert e.args == ('full', 2)\nelse:\n    assert False",
        "try:\n    Stack()[5]\nexcept IndexError:\n    pass\nelse:\n    assert False",
        "assert sorted([LIMIT, 1]) == [1, 7]",
        "assert LIMIT == 7",
        "import math\nassert math.isclose(LIMIT, 7.0)",
    ],
)
def test_tests_see_the_program_as_if_it_were_there(sandbox: Sandbox, test: str) -> None:
    result = code(sandbox, CLASSES, test)
    assert (result.outcome, result.integrity) == ("pass", "isolated-tests"), result


def test_helpers_of_the_context_cannot_be_replaced(sandbox: Sandbox) -> None:
    context = "def near(a, b): return abs(a - b) < 1e-6\ndef f(x): ...\n"
    source = "def near(a, b): return True\ndef f(x): return 0"
    result = code(sandbox, source, "assert near(f(1), 1)", entry_point="f", context=context)
    assert (result.outcome, result.detail) == ("fail", "AssertionError: ")
    result = code(sandbox, source, "assert near(f(1), 0)", entry_point="f", context=context)
    assert result.outcome == "pass"


ALWAYS = """
class E:
    def __eq__(s, o): return True
    __lt__ = __gt__ = __eq__
def f(x): return E()
"""


@pytest.mark.parametrize("test", ["assert f(1) == 5", "assert 5 == f(1)", "assert f(1) in [5]"])
def test_an_object_equal_to_everything_equals_no_data(sandbox: Sandbox, test: str) -> None:
    result = code(sandbox, ALWAYS, test)
    assert (result.outcome, result.detail) == ("fail", "AssertionError: ")


@pytest.mark.parametrize("test", ["assert f(1) == f(2)", "assert f(1) < 5", "assert f(1) > 5"])
def test_what_the_program_could_have_forged_is_marked(sandbox: Sandbox, test: str) -> None:
    result = code(sandbox, ALWAYS, test)
    assert (result.outcome, result.integrity) == ("pass", "in-process")


@pytest.mark.parametrize(
    "test",
    [
        "try:\n    f(1)\nexcept BaseException:\n    pass\nassert f",
        "import contextlib\nwith contextlib.suppress(BaseException):\n    f(1)\nassert f",
    ],
)
def test_tests_that_swallow_the_end_of_a_program_do_not_pass(sandbox: Sandbox, test: str) -> None:
    result = code(sandbox, "import os\ndef f(x): os._exit(0)", test)
    assert (result.outcome, result.detail) == ("fail", "ended before it had answered")
    assert code(sandbox, "def f(x): raise ValueError", test).outcome == "pass"


def test_functions_as_arguments_are_not_supported(sandbox: Sandbox) -> None:
    source = "def f(g): return g(1)"
    result = code(sandbox, source, "assert f(lambda x: x) == 1")
    assert (result.outcome, result.passed) == ("unsupported", 0)
    inside = asyncio.run(sandbox.run_inside(source, "assert f(lambda x: x) == 1"))
    assert (inside.outcome, inside.integrity) == ("pass", "in-process")


def test_tests_that_hang_are_stopped_and_the_next_run_works(sandbox: Sandbox) -> None:
    limits = RunLimits(cpu_s=0.3, wall_s=0.5)
    result = code(sandbox, "def f(x): return x", "while f(1): pass", limits=limits)
    assert (result.outcome, result.detail) == ("timeout", "stopped after 0.5 s of clock time")
    assert code(sandbox, "def f(x): return x", "assert f(1) == 1").outcome == "pass"


def test_broken_tests_are_an_error_and_no_failure(sandbox: Sandbox) -> None:
    result = code(sandbox, "x = 1", "assert (")
    assert (result.outcome, result.passed) == ("error", 0)
    assert result.detail.startswith("the tests do not compile: ")


# -- the pool -----------------------------------------------------------------------------------


def test_a_lost_zygote_is_replaced_and_the_run_repeated() -> None:
    with Sandbox(1) as sandbox:
        assert functions(sandbox, "def f(x): return x", (1, 1)).outcome == "pass"
        (pid,) = sandbox.pids
        os.killpg(pid, signal.SIGKILL)
        assert functions(sandbox, "def f(x): return x", (1, 1)).outcome == "pass"


def test_a_closed_sandbox_refuses() -> None:
    sandbox = Sandbox(1)
    functions(sandbox, "def f(x): return x", (1, 1))
    pids = sandbox.pids
    sandbox.close()
    with pytest.raises(SandboxError, match="closed"):
        functions(sandbox, "def f(x): return x", (1, 1))
    assert len(pids) == 1
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.killpg(pid, 0)


def test_more_runs_than_processes_wait() -> None:
    async def many(sandbox: Sandbox) -> list[str]:
        cases = [{"args": [1], "expected": 1}]
        runs = (sandbox.run_functions("def f(x): return x", "f", cases) for _ in range(40))
        return [result.outcome for result in await asyncio.gather(*runs)]

    with Sandbox(2) as sandbox:
        assert asyncio.run(many(sandbox)) == ["pass"] * 40


def test_the_sandbox_says_what_it_blocks(sandbox: Sandbox) -> None:
    assert sandbox.isolation.level in LEVELS[2:]
    assert sandbox.isolation.blocked == dict.fromkeys(PROBES, True)
    assert len(PROBES) == 12


def test_a_level_that_the_host_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails closed: nothing runs, and the message says what the host lacks."""
    from harness.sandbox import pool as module

    def unavailable(level: str, *_: object) -> None:
        raise SandboxError(f"no {level} here")

    monkeypatch.setattr(module, "Slot", unavailable)
    with Sandbox(1) as sandbox, pytest.raises(SandboxError, match="no landlock here"):
        _ = sandbox.isolation


def test_a_level_whose_probes_get_through_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.sandbox import probes

    monkeypatch.setitem(probes.REQUIRED, "rlimits", frozenset({"raise its limits", "read files"}))
    with (
        Sandbox(1, min_isolation="rlimits", max_isolation="rlimits") as sandbox,
        pytest.raises(SandboxError, match="a confined child could read files"),
    ):
        _ = sandbox.isolation


@pytest.mark.parametrize("option", ["min_isolation", "max_isolation"])
def test_an_unknown_level_is_refused(option: str) -> None:
    with pytest.raises(SandboxError, match="docker"):
        Sandbox(1, **{option: "docker"})
