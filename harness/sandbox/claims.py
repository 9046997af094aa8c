"""Reading what a child sends back: bytes until it ends, then frames; all of it only claims."""

from __future__ import annotations

import builtins
import os
import select
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.sandbox.compare import same, same_but_for_json, same_output
from harness.sandbox.guest import codec
from harness.sandbox.launch import LostError
from harness.sandbox.result import Outcome, RunLimits, SandboxResult
from harness.sandbox.slot import Exit, Slot

_GRACE_S = 5.0
_UNSURE = "what is expected is JSON, which"
_NO_RESULT = "answered with something that is no result"
_SIGXCPU, _SIGSYS, _SIGKILL = 24, 31, 9

Check = Callable[[Any], str]
"""Compares one claim with what was expected; returns what is wrong, or an empty text."""


@dataclass(slots=True)
class Claims:
    """What a child sent back, and how it ended.

    Args:
        frames: The parsed frames, in order.
        too_much: Whether it passed the limit of its output.
        broken: Whether the bytes were not frames.
        end: How it ended.
    """

    frames: list[Any]
    too_much: bool
    broken: bool
    end: Exit

    def outcome(self) -> tuple[Outcome, str]:
        """Return the outcome of a run that did not pass, and a line when its end explains it."""
        end = self.end
        if self.too_much:
            return "output", "wrote more than its limit"
        if end.killed in ("cpu", "wall") or end.signal == _SIGXCPU:
            clock = "clock" if end.killed == "wall" else "processor"
            seconds = end.wall_s if end.killed == "wall" else end.cpu_s
            return "timeout", f"stopped after {seconds:.1f} s of {clock} time"
        if end.signal == _SIGSYS:
            return "violation", "made a system call that only an attack needs"
        if end.signal == _SIGKILL and not end.killed:
            return "memory", "killed by the host, which was out of memory"
        if end.signal and end.signal != _SIGKILL:
            return "crash", f"ended by signal {end.signal}"
        if any(raised(frame) == "MemoryError" for frame in self.frames):
            return "memory", "MemoryError: passed its limit of memory"
        if self.broken:
            return "fail", "wrote to the channel of its results"
        return "fail", ""


def exchange(
    slot: Slot,
    job: dict[str, Any],
    limits: RunLimits,
    streams: tuple[int, ...] = (),
    output: int | None = None,
) -> Claims:
    """Run one job in a child and read everything that it sends.

    Args:
        slot: The zygote.
        job: See guest/child.py.
        limits: Of the child.
        streams: Descriptors that become its standard input and output; the output is closed here.
        output: Where that output can be read; it becomes a first frame {"o": text}, unless the
            child was stopped, crashed or failed. Closed here.

    Raises:
        LostError: The zygote is gone.
    """
    try:
        try:
            answers = slot.start(job, limits, streams)
        finally:
            for stream in streams[1:]:
                os.close(stream)
        with answers:
            received, too_much = _receive(slot, answers.fileno(), output, limits)
    finally:
        if output is not None:
            os.close(output)
    frames, broken = _frames(received[0])
    end = slot.finish(limits)
    if output is not None and not (too_much or end.signal or end.code):
        frames = frames or [{}]
        if isinstance(frames[0], dict):
            frames[0]["o"] = received[1].decode("utf-8", "replace")
    return Claims(frames, too_much, broken, end)


def _receive(
    slot: Slot, answers: int, output: int | None, limits: RunLimits
) -> tuple[tuple[bytearray, bytearray], bool]:
    """Read both streams to their ends; have the child killed when they pass its limit."""
    received = (bytearray(), bytearray())
    streams = {answers: received[0]}
    if output is not None:
        streams[output] = received[1]
    too_much = False
    poller = select.poll()
    for descriptor in streams:
        poller.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + limits.wall + _GRACE_S
    left = len(streams)
    while left:
        ready = poller.poll(max(deadline - time.monotonic(), 0) * 1000)
        if not ready:
            raise LostError("the child outlived its limits")
        for descriptor, _ in ready:
            part = _read(descriptor)
            if not part:
                poller.unregister(descriptor)
                left -= 1
            elif not too_much:
                streams[descriptor] += part
        if not too_much and sum(map(len, received)) > limits.output_bytes:
            too_much = True
            slot.kill_child()
            for buffer in received:
                buffer.clear()
    return received, too_much


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 18)
    except ConnectionResetError:
        return b""


def _frames(data: bytearray) -> tuple[list[Any], bool]:
    frames: list[Any] = []
    position = 0
    while position + 4 <= len(data):
        size = codec.LENGTH.unpack_from(data, position)[0]
        body = bytes(data[position + 4 : position + 4 + size])
        if len(body) < size:
            return frames, True
        try:
            frames.append(codec.parse(body))
        except codec.Malformed:
            return frames, True
        position += 4 + size
    return frames, position != len(data)


def judge(claims: Claims, checks: Sequence[Check], isolation: str) -> SandboxResult:
    """Compare claims with what was expected, one check a test; a missing claim never passes."""
    complaints = [
        check(claims.frames[i]) if i < len(claims.frames) else "ended before it had answered"
        for i, check in enumerate(checks)
    ]
    passed = complaints.count("")
    outcome: Outcome = "pass"
    detail = next((c for c in complaints if c), "")
    if len(claims.frames) + claims.broken > len(checks):
        passed, detail = 0, "wrote to the channel of its results"
    if claims.end.signal == _SIGSYS:
        passed = 0
    if passed < len(checks) or not checks:
        outcome, ending = claims.outcome()
        detail = ending or detail or "there are no tests"
        unsure = all(complaint.startswith(_UNSURE) for complaint in complaints if complaint)
        if outcome == "fail" and unsure and detail.startswith(_UNSURE):
            outcome = "unsupported"
    return SandboxResult(
        outcome,
        passed,
        len(checks),
        detail,
        isolation,
        "isolated-oracle",
        cpu_s=claims.end.cpu_s,
    )


def check_call(test: Mapping[str, Any], tolerance: float) -> Check:
    """Return the check of one function call.

    Raises:
        KeyError: The test has no expected value.
        TypeError: The expected value is not plain data.
    """
    expected = None if "raises" in test else test["expected"]
    codec.to_tree(expected)

    def check(claim: Any) -> str:
        kind = raised(claim)
        if "raises" in test and not never_loaded(claim):
            holds = bool(kind) and _is_a(claim, str(test["raises"]))
            return "" if holds else f"did not raise {test['raises']}"
        if kind:
            return describe(claim)
        if not isinstance(claim, dict) or "v" not in claim:
            return _NO_RESULT
        if same(expected, claim["v"], tolerance):
            return ""
        called = f"arguments {_shown(test.get('args', []))}"
        if not test.get("exact") and same_but_for_json(expected, claim["v"], tolerance):
            return f"{_UNSURE} has no sets and no keys but texts: {called}"
        return f"AssertionError: {called} gave another result"

    return check


def _is_a(claim: Mapping[str, Any], wanted: str) -> bool:
    """Tell whether a claimed exception is of a class.

    The name of a builtin class is the builtin's, whatever the program calls its own; ``json.Error``
    is one of the package json, and ``solution.Error`` or ``Error`` the program's, or a library's.
    """
    prefix, _, name = wanted.rpartition(".")
    home = prefix.partition(".")[0]
    builtin = getattr(builtins, name, None)
    if isinstance(builtin, type) and home != "solution":
        return builtin.__name__ in _listed(claim.get("b"))
    of_library = home in sys.stdlib_module_names
    if not of_library and raised(claim) == name:
        return True
    for own in _listed(claim.get("own")):
        if isinstance(own, list) and len(own) == 2 and own[0] == name:
            module = str(own[1]).partition(".")[0]
            if not of_library or module.lstrip("_") == home.lstrip("_"):
                return True
    return False


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _shown(value: object) -> str:
    try:
        return repr(value)[:100]
    except (ValueError, RecursionError):  # integers too long for decimal digits, deep lists
        return "(too long to show)"


def check_output(expected: str, tolerance: float) -> Check:
    """Return the check of what one run printed.

    Raises:
        TypeError: The expected output is not text.
    """
    if not isinstance(expected, str):
        raise TypeError(f"the output {expected!r:.100} is not text")

    def check(claim: Any) -> str:
        if raised(claim):
            return describe(claim)
        if not isinstance(claim, dict) or not isinstance(claim.get("o"), str):
            return "answered with something that is no output"
        return "" if same_output(expected, claim["o"], tolerance) else "printed another text"

    return check


def observed(claim: Any) -> tuple[str, Any]:
    """Return what a run printed or returned, after what was wrong with it."""
    if raised(claim):
        return describe(claim), None
    try:
        if isinstance(claim, dict) and isinstance(claim.get("o"), str):
            return "", claim["o"]
        return "", codec.from_tree(claim["v"])
    except (codec.Malformed, KeyError, TypeError, RecursionError):
        return _NO_RESULT, None


def describe(claim: Any) -> str:
    """Return a claimed exception in one line of bounded length, or that it is no such claim."""
    kind = raised(claim)
    if not kind:
        return _NO_RESULT
    message = claim["e"][1]
    return one_line(f"{kind}: {message if isinstance(message, str) else ''}")


def one_line(text: str) -> str:
    """Return a program's text as one line without control characters, cut to 300 characters."""
    return "".join(c if c.isprintable() else " " for c in text[:300])


def raised(claim: Any) -> str:
    """Return the type name of a claimed exception, or an empty text."""
    if isinstance(claim, dict) and isinstance(claim.get("e"), list) and len(claim["e"]) == 3:
        kind = claim["e"][0]
        return kind if isinstance(kind, str) and kind else "Exception"
    return ""


def never_loaded(claim: Any) -> bool:
    """Tell whether a claimed exception ended the program before its function was called."""
    return bool(raised(claim) and claim["e"][2] == "load")
