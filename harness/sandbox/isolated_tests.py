"""Tests that run in a trusted process, with the program's names as proxies."""

from __future__ import annotations

import signal
from typing import Any

from harness.sandbox.claims import Claims, one_line
from harness.sandbox.launch import LostError
from harness.sandbox.result import Outcome, RunLimits, SandboxResult
from harness.sandbox.slot import Slot
from harness.sandbox.testing_process import Hung, TestingProcess

TESTS_GRACE_S = 1.0


def run_tests(
    slot: Slot, source: str, request: dict[str, Any], limits: RunLimits, kind: str
) -> SandboxResult:
    """Run trusted tests in a process of their own against the program in a child.

    Args:
        slot: The zygote; its test process is started on first use.
        source: The program.
        request: What the test process is asked, see guest/tester.py.
        limits: Over all tests.
        kind: "code" or "pytest", see ``TestingProcess``.

    Raises:
        LostError: The zygote or the test process is gone.
    """
    if kind not in slot.testers:
        slot.testers[kind] = TestingProcess(kind, slot.options)
    answers = slot.start({"mode": "rpc", "source": source}, limits)
    answer: dict[str, Any] = {}
    try:
        answer = slot.testers[kind].run(request, answers, limits.wall + TESTS_GRACE_S)
    except Hung as error:
        answer = {"outcome": "timeout", "detail": str(error), "passed": 0, "total": 1}
        slot.drop_testers()
    except LostError:
        slot.drop_testers()
        raise
    finally:
        answers.close()
        slot.kill_child()
    end = slot.finish(limits)
    outcome: Outcome = answer["outcome"]
    passed = 0 if end.signal == signal.SIGSYS else answer["passed"]
    detail = one_line(answer["detail"])
    if answer["outcome"] == "gone" or end.signal == signal.SIGSYS:
        outcome, ending = Claims([], False, False, end).outcome()
        detail = ending or detail
    elif detail.startswith("MemoryError"):
        outcome = "memory"
    return SandboxResult(
        outcome,
        passed,
        answer["total"],
        detail,
        slot.level,
        "in-process" if answer.get("forgeable") else "isolated-tests",
        cpu_s=end.cpu_s,
    )
