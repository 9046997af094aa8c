"""How a program ends decides too: the right text is no pass for one that is stopped or fails."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from program_channel import ANSWERS, QUICK, frame, functions, sending, stdio

from harness.sandbox import RunLimits, Sandbox
from harness.sandbox.claims import Claims, exchange
from harness.sandbox.launch import LostError
from harness.sandbox.slot import Exit


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(1, limits=QUICK) as sandbox:
        yield sandbox


ONE, TWO = frame('{"v":1}'), frame('{"v":2}')
CHANNEL = "wrote to the channel of its results"
ENDED = "ended before it had answered"
NO_OUTPUT = "answered with something that is no output"
FIVE = frame('{"o":"5"}')


@pytest.mark.parametrize(
    ("claim", "outcome", "detail"),
    [
        ('{"o":"3"}', "pass", ""),
        ('{"o":"4"}', "fail", "printed another text"),
        ('{"o":""}', "fail", "printed another text"),
        ('{"o":3}', "fail", NO_OUTPUT),
        ('{"o":null}', "fail", NO_OUTPUT),
        ('{"O":"3"}', "fail", NO_OUTPUT),
        ('{"v":"3"}', "fail", NO_OUTPUT),
        ("[]", "fail", NO_OUTPUT),
        ('"3"', "fail", NO_OUTPUT),
        ("null", "fail", NO_OUTPUT),
        ('{"o":"3","e":["X","m","call"]}', "fail", "X: m"),
    ],
    ids=range(11),
)
def test_what_one_run_says_that_it_printed(
    sandbox: Sandbox, claim: str, outcome: str, detail: str
) -> None:
    # In one child with all other inputs: the source may not look as if it used descriptors.
    source = sending(frame(claim)).replace("import os", "os = __import__('os')")
    result = stdio(sandbox, source, ("", "3"))
    assert (result.outcome, result.passed, result.detail) == (outcome, outcome == "pass", detail)


@pytest.mark.parametrize(
    ("then", "outcome", "detail"),
    [
        ("", "pass", ""),
        ("os._exit(0)", "pass", ""),
        ("raise SystemExit", "pass", ""),
        ("os._exit(1)", "fail", ENDED),
        ("raise SystemExit(1)", "fail", "SystemExit: 1"),
        ("1 / 0", "fail", "ZeroDivisionError: division by zero"),
        ("while True: pass", "timeout", "stopped after 0.3 s of processor time"),
        ("import ctypes; ctypes.string_at(0)", "crash", "ended by signal 11"),
        ("import ctypes; ctypes.CDLL(None).unshare(1)", "violation", "made a system call that"),
        ("while True: os.write(1, bytes(9999))", "output", "wrote more than its limit"),
        ("while True: os.write(3, bytes(9999))", "output", "wrote more than its limit"),
        ("os.write(3, b'x')", "fail", CHANNEL),
        (f"os.write(3, {frame('[]')!r})", "fail", NO_OUTPUT),
        (f"os.write(3, {frame('{}') * 2!r})", "fail", CHANNEL),
        (f"os.write(3, {FIVE!r})", "pass", ""),
        ("os.close(1)", "pass", ""),
        ("os.close(3)", "pass", ""),
        ("os.write(1, b'\\xff')", "fail", "printed another text"),
    ],
    ids=range(18),
)
@pytest.mark.parametrize("expected", ["3", ""])
def test_the_right_text_is_no_pass_for_a_program_that_is_stopped_or_fails(
    sandbox: Sandbox, then: str, outcome: str, detail: str, expected: str
) -> None:
    """A child for each input, whose real descriptors the program uses."""
    source = f"import os\nos.write(1, {expected.encode()!r})\n{then}\n"
    result = stdio(sandbox, source, ("", expected))
    assert (result.outcome, result.passed) == (outcome, outcome == "pass")
    assert result.detail.startswith(detail) if detail else result.detail == ""


def test_bytes_that_are_no_text_are_shown_as_such(sandbox: Sandbox) -> None:
    source = "import os\nos.write(1, b'a\\xff')"
    assert stdio(sandbox, source, ("", "a\ufffd")).outcome == "pass"


@pytest.mark.parametrize(
    ("size", "wrong", "outcome"),
    [(5000, "", "pass"), (5000, "y", "fail"), (5001, "", "error"), (5001, "y", "output")],
)
@pytest.mark.parametrize("raw", [True, False])
def test_the_limit_of_the_output_is_exact(
    sandbox: Sandbox, size: int, wrong: str, outcome: str, raw: bool
) -> None:
    """What is right beyond it is a failure of its own: the limit says nothing of the program."""
    limits = RunLimits(cpu_s=1.0, output_bytes=5000)
    if raw:
        source = f"import os\nos.write(1, b'x' * {size})"
        result = stdio(sandbox, source, ("", wrong + "x" * (size - len(wrong))), limits=limits)
    else:
        text = "x" * (size - len(frame('{"v":""}')))
        test = [{"args": [], "expected": wrong + text[len(wrong) :]}]
        result = functions(sandbox, f"def f(): return {text!r}", test, limits=limits)
    assert (result.outcome, result.passed) == (outcome, outcome == "pass")


def test_both_streams_count_towards_the_limit(sandbox: Sandbox) -> None:
    limits = RunLimits(cpu_s=1.0, output_bytes=5000)
    source = "import os\nos.write(1, b'x' * 3000)\nos.write(3, b'x' * 3000)"
    assert stdio(sandbox, source, ("", "x" * 3000), limits=limits).outcome == "output"


@pytest.mark.parametrize(
    ("end", "outcome", "detail"),
    [
        (Exit(0, 0, "", 0.1, 0.2), "fail", ""),
        (Exit(0, 1, "", 0.1, 0.2), "fail", ""),
        (Exit(9, 0, "cpu", 1.26, 2.0), "timeout", "stopped after 1.3 s of processor time"),
        (Exit(9, 0, "wall", 1.0, 2.26), "timeout", "stopped after 2.3 s of clock time"),
        (Exit(24, 0, "", 1.26, 2.0), "timeout", "stopped after 1.3 s of processor time"),
        (Exit(31, 0, "", 0.1, 0.2), "violation", "made a system call that only an attack needs"),
        (Exit(9, 0, "", 0.1, 0.2), "memory", "killed by the host, which was out of memory"),
        (Exit(9, 0, "asked", 0.1, 0.2), "fail", ""),
        (Exit(11, 0, "", 0.1, 0.2), "crash", "ended by signal 11"),
        (Exit(6, 0, "", 0.1, 0.2), "crash", "ended by signal 6"),
    ],
    ids=range(10),
)
def test_every_end_has_its_outcome(end: Exit, outcome: str, detail: str) -> None:
    assert Claims([], False, False, end).outcome() == (outcome, detail)
    memory = [{"v": 1}, {"e": ["MemoryError", "", "call"]}, {"v": 1}]
    said = ("memory", "MemoryError: passed its limit of memory")
    assert Claims(memory, False, True, end).outcome() == (
        said if outcome == "fail" else (outcome, detail)
    )
    assert Claims([], False, True, end).outcome() == (outcome, detail or CHANNEL)
    assert Claims([], True, True, end).outcome() == ("output", "wrote more than its limit")


class FakeSlot:
    """A zygote whose child sends some bytes and ends, or is silent, or lost."""

    def __init__(self, data: bytes = b"", lost: bool = False, silent: bool = False) -> None:
        self.data, self.lost, self.silent = data, lost, silent
        self.kills = 0

    def start(self, job: Any, limits: RunLimits, streams: tuple[int, ...]) -> socket.socket:
        if self.lost:
            raise LostError("the zygote is gone")
        ours, self.theirs = socket.socketpair()
        self.theirs.sendall(self.data)
        if not self.silent:
            self.theirs.close()
        return ours

    def kill_child(self) -> None:
        self.kills += 1

    def finish(self, limits: RunLimits) -> Exit:
        return Exit(0, 0, "", 0.1, 0.2)


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


@pytest.mark.parametrize("state", ["well", "lost", "silent"])
def test_descriptors_are_closed_however_a_run_ends(state: str) -> None:
    slot: Any = FakeSlot(ONE, lost=state == "lost", silent=state == "silent")
    output, theirs = os.pipe()
    given = os.open("/dev/null", os.O_RDONLY)
    os.write(theirs, b"text")
    limits = RunLimits(wall_s=20.0 if state == "well" else -4.9)  # five seconds of grace
    before = len(os.listdir("/proc/self/fd"))
    if state == "well":
        claims = exchange(slot, {}, limits, (given, theirs), output)
        assert (claims.frames, claims.broken) == ([{"v": 1, "o": "text"}], False)
    else:
        reason = "zygote is gone" if state == "lost" else "outlived its limits"
        with pytest.raises(LostError, match=reason):
            exchange(slot, {}, limits, (given, theirs), output)
    if state == "silent":
        slot.theirs.close()
    assert [is_open(d) for d in (given, theirs, output)] == [True, False, False]
    assert len(os.listdir("/proc/self/fd")) == before - 2
    os.close(given)


def test_a_flood_is_stopped_once_and_read_to_its_end() -> None:
    slot: Any = FakeSlot(ONE * 30)
    claims = exchange(slot, {}, RunLimits(output_bytes=100))
    assert (claims.frames, claims.too_much, claims.broken, slot.kills) == ([], True, False, 1)
    slot = FakeSlot(ONE * 30)
    claims = exchange(slot, {}, RunLimits(output_bytes=len(ONE) * 30))
    assert (claims.frames, claims.too_much, slot.kills) == ([{"v": 1}] * 30, False, 0)


@pytest.mark.parametrize("wall_s", [1.5, 6.0])
def test_a_slow_program_is_waited_for(sandbox: Sandbox, wall_s: float) -> None:
    source = "import time\ndef f():\n    time.sleep(0.3)\n    return 1"
    limits = RunLimits(cpu_s=1.0, wall_s=wall_s)
    assert functions(sandbox, source, ANSWERS[:1], limits=limits).outcome == "pass"


def test_a_program_that_closes_its_channel_and_goes_on_is_stopped(sandbox: Sandbox) -> None:
    source = "import os\nos.close(3)\nwhile True: pass"
    result = functions(sandbox, source)
    assert (result.outcome, result.passed) == ("timeout", 0)
    source = sending(ONE + TWO, "os.close(3)\nimport time\ntime.sleep(100)")
    result = functions(sandbox, source, limits=RunLimits(cpu_s=1.0, wall_s=0.4))
    assert (result.outcome, result.passed) == ("timeout", 2)
    assert result.detail == "stopped after 0.4 s of clock time"


VIOLATE = "import ctypes\ndef attack(): ctypes.CDLL(None).unshare(0x10000000)\n"


def test_a_violation_earns_nothing_for_what_was_answered_before(sandbox: Sandbox) -> None:
    """Not even where a share of the tests counts."""
    reason = "made a system call that only an attack needs"
    result = functions(sandbox, VIOLATE + sending(ONE + TWO, "attack()"), ANSWERS[:2])
    assert (result.outcome, result.passed, result.detail) == ("violation", 0, reason)
    source = VIOLATE + "def f(x):\n    return attack() if x else 0"
    parts = ["assert f(0) == 0", "assert f(1) == 0", "assert f(0) == 0"]
    result = asyncio.run(sandbox.run_tests(source, parts))
    assert (result.outcome, result.passed, result.detail) == ("violation", 0, reason)
    result = asyncio.run(sandbox.run_tests(source, parts[:1]))
    assert (result.outcome, result.passed) == ("pass", 1)
