"""Tests in a process that holds the answers, against a program that is in another."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

from harness.sandbox.claims import Claims, exchange, one_line
from harness.sandbox.launch import LostError
from harness.sandbox.result import Outcome, RunLimits, SandboxResult, told_apart
from harness.sandbox.slot import Slot

_GRACE_S = 1.0
_MEMORY = 1 << 30
_OUTPUT = 1 << 20
_ROOM = 8
_ANSWER = {"outcome", "passed", "total", "detail", "forgeable", "changed"}


def run_tests(
    slot: Slot, source: str, job: dict[str, Any], limits: RunLimits, kind: str
) -> SandboxResult:
    """Run tests against a program.

    A program that changes its arguments in place is run twice: with the changes hidden from the
    tests but where they drop a call's result, since tests may compute what they expect from an
    argument after the call; and with all changes shown, as in one process. It passes if it passes
    both; if only the second, its changes may have made it pass. One that sends more than its limit
    is run again with room for eight times as much: see ``told_apart``.

    Args:
        slot: The zygote of programs; that of tests is started on first use.
        source: The program.
        job: See guest/tester.py and guest/pytester.py.
        limits: Of the program over all tests.
        kind: "tester" or "pytester".

    Raises:
        LostError: A zygote is gone.
        SandboxError: That of tests cannot be started.
    """
    result = _both(slot, source, job, limits, kind)
    if result.outcome != "output":
        return result
    wide = replace(limits, output_bytes=_ROOM * limits.output_bytes)
    return told_apart(result, _both(slot, source, job, wide, kind), limits)


def _both(
    slot: Slot, source: str, job: dict[str, Any], limits: RunLimits, kind: str
) -> SandboxResult:
    result, changed = _run(slot, source, job | {"mirror": False}, limits, kind)
    if not changed or result.outcome not in ("pass", "fail"):
        return result
    shown, _ = _run(slot, source, job | {"mirror": True}, limits, kind)
    if result.outcome == "pass" or shown.outcome != "pass":
        return replace(shown, passed=min(result.passed, shown.passed))
    reason = "the program passes only with what it has changed in its arguments"
    return replace(shown, detail=reason, integrity="in-process")


def _run(
    slot: Slot, source: str, job: dict[str, Any], limits: RunLimits, kind: str
) -> tuple[SandboxResult, bool]:
    """Run once; tell whether the program has changed arguments in place."""
    tester = slot.tester(kind)
    of_tests = RunLimits(
        limits.cpu_s + _GRACE_S,
        limits.wall + _GRACE_S,
        max(limits.memory_bytes, _MEMORY),
        _OUTPUT,
    )
    job = job | {"limit": limits.output_bytes, "folder": tester.folder}
    program = slot.start({"mode": "rpc", "source": source}, limits)
    program.setblocking(True)  # the flag travels with the descriptor
    try:
        claims = exchange(tester, job, of_tests, streams=(program.fileno(),))
    except LostError:
        slot.drop_testers()
        raise
    finally:
        program.close()
        slot.kill_child()
        tester.empty_folder()
    end = slot.finish(limits)
    frames = [frame for frame in claims.frames if isinstance(frame, dict)]
    answer = next((f for f in frames[::-1] if f.keys() >= _ANSWER), None) or _without(claims)
    outcome: Outcome = answer["outcome"]
    passed, detail = answer["passed"], answer["detail"]
    if answer["outcome"] == "gone" or end.signal == signal.SIGSYS:
        outcome, ending = Claims([], False, False, end).outcome()
        passed, detail = (0 if end.signal == signal.SIGSYS else passed), ending or detail
    elif detail.startswith("MemoryError"):
        outcome = "memory"
    forgeable = next((f["forgeable"] for f in frames if f.get("forgeable")), "")
    if outcome == "undecided" and forgeable:
        outcome = "pass"  # the graver reason to give no verdict
    result = SandboxResult(
        outcome,
        passed,
        answer["total"],
        one_line(str(forgeable if forgeable and outcome == "pass" else detail)),
        slot.level,
        "in-process" if forgeable or outcome == "unsupported" else "isolated-tests",
        cpu_s=end.cpu_s,
    )
    return result, answer["changed"]


def _without(claims: Claims) -> dict[str, Any]:
    """Say why the process of the tests ended before it could: what the program gave it to do."""
    outcome, ending = claims.outcome()
    ending = "the tests did not end" if outcome == "timeout" else f"the tests: {ending}"
    return {
        "outcome": outcome,
        "detail": ending if ending != "the tests: " else "the tests ended without a verdict",
        "passed": 0,
        "total": 1,
        "forgeable": "",
        "changed": False,
    }
