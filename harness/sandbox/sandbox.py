"""The sandbox: a pool of zygotes, and the kinds of tests that can be run in them.

Each zygote is served by a thread of its own that blocks on it, so the sandbox works from any thread
and any event loop. A call that finds every zygote busy waits.
"""

from __future__ import annotations

import asyncio
import os
import queue
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from harness.nouns.errors import SandboxError
from harness.sandbox import probes
from harness.sandbox.claims import (
    Check,
    Claims,
    check_call,
    check_output,
    describe,
    exchange,
    observed,
    one_line,
)
from harness.sandbox.guest.confine import LEVELS
from harness.sandbox.result import Integrity, Outcome, RunLimits, SandboxResult
from harness.sandbox.slot import LostError, Slot
from harness.sandbox.testing_process import Hung, TestingProcess
from harness.sandbox.workers import cores

RECYCLE_AFTER = 2000
TESTS_GRACE_S = 1.0
_LOCKED = re.compile(r"os\._exit|os\.(?:read|write|fdopen|dup)\b|open\(\s*[012]\b|\.fileno\(\)")


@dataclass(frozen=True, slots=True)
class Isolation:
    """What was found out when the sandbox started.

    Args:
        level: Isolation level in force.
        blocked: For each attempt that a confined child made, whether it was blocked.
        refused: Stronger levels that the host does not offer, with the reason.
    """

    level: str
    blocked: Mapping[str, bool]
    refused: Mapping[str, str] = field(default_factory=dict)


class Sandbox:
    """Runs untrusted programs against tests whose answers they cannot reach.

    Args:
        processes: Zygotes; one per core by default.
        min_isolation: Weakest level that is acceptable.
        max_isolation: Strongest level to try; for tests and measurements.
        limits: Limits of a run, unless a call gives its own.
        extra_paths: Directories of packages that programs may read and import.
        preimport: Modules to import before any program runs.
    """

    def __init__(
        self,
        processes: int | None = None,
        *,
        min_isolation: str = "landlock",
        max_isolation: str = LEVELS[-1],
        limits: RunLimits | None = None,
        extra_paths: Sequence[str] = (),
        preimport: Sequence[str] = (),
    ) -> None:
        for option, level in (("min_isolation", min_isolation), ("max_isolation", max_isolation)):
            if level not in LEVELS:
                raise SandboxError(f"{option} {level!r} is not one of {', '.join(LEVELS)}")
        self.processes = processes or cores()
        self.min_isolation = min_isolation
        self.max_isolation = max_isolation
        self.limits = limits or RunLimits()
        self.extra_paths = tuple(extra_paths)
        self.preimport = tuple(preimport)
        self._lock = threading.Lock()
        self._isolation: Isolation | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._idle: queue.SimpleQueue[Slot | None] = queue.SimpleQueue()
        self._slots: set[Slot] = set()
        self._others: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Sandbox] = {}
        self._closed = False

    @property
    def isolation(self) -> Isolation:
        """What is in force; starts the sandbox where it has not been.

        Raises:
            SandboxError: The host does not offer ``min_isolation``.
        """
        with self._lock:
            if self._isolation is None:
                self._isolation = self._start()
            return self._isolation

    def variant(
        self, *, min_isolation: str, extra_paths: Sequence[str] = (), preimport: Sequence[str] = ()
    ) -> Sandbox:
        """Return this sandbox, or one with other options that is closed together with it.

        Raises:
            SandboxError: There is no such level.
        """
        wanted = (min_isolation, tuple(extra_paths), tuple(preimport))
        if wanted == (self.min_isolation, self.extra_paths, self.preimport):
            return self
        with self._lock:
            if wanted not in self._others:
                self._others[wanted] = Sandbox(
                    self.processes,
                    min_isolation=min_isolation,
                    max_isolation=self.max_isolation,
                    limits=self.limits,
                    extra_paths=extra_paths,
                    preimport=preimport,
                )
            return self._others[wanted]

    async def run_functions(
        self,
        source: str,
        entry_point: str,
        tests: Sequence[Mapping[str, Any]],
        *,
        limits: RunLimits | None = None,
        tolerance: float = 0.0,
    ) -> SandboxResult:
        """Call a function of the program and compare what it returns, here, with what it should.

        Args:
            source: The program.
            entry_point: Name of the function.
            tests: {"args": [...], "kwargs": {...}, "expected": value}, or "raises": the name of an
                exception's type instead of "expected".
            limits: Hard limits over all tests.
            tolerance: Relative and absolute tolerance of floating-point numbers.

        Raises:
            KeyError: A test has no expected value.
            TypeError: An expected value is not plain data.
        """
        limits = limits or self.limits
        calls = [[list(t.get("args", ())), dict(t.get("kwargs", {}))] for t in tests]
        job = {"mode": "functions", "source": source, "entry": entry_point, "calls": calls}
        checks = [check_call(test, tolerance) for test in tests]

        def work(slot: Slot) -> SandboxResult:
            return self._judge(exchange(slot, job, limits), checks)

        return await self._submit(work, len(tests), "isolated-oracle")

    async def run_stdio(
        self,
        source: str,
        tests: Sequence[Mapping[str, str]],
        *,
        limits: RunLimits | None = None,
        tolerance: float = 0.0,
    ) -> SandboxResult:
        """Run a program on each input and compare, here, what it prints.

        One child runs all inputs, each in a fresh ``__main__``; programs that use descriptors or
        ``os._exit`` get a child and real streams for each input.

        Args:
            source: The program.
            tests: {"input": text, "output": text}.
            limits: Hard limits over all inputs; for each input where a program gets a child each.
            tolerance: Tolerance of printed numbers, unless both are whole.

        Raises:
            KeyError: A test has no input or output.
            TypeError: One of them is not text.
        """
        limits = limits or self.limits
        inputs = [test["input"] for test in tests]
        for given in inputs:
            if not isinstance(given, str):
                raise TypeError(f"the input {given!r:.100} is not text")
        checks = [check_output(test["output"], tolerance) for test in tests]

        def work(slot: Slot) -> SandboxResult:
            if _LOCKED.search(source):
                return self._run_raw(slot, source, inputs, checks, limits)
            job = {
                "mode": "programs",
                "source": source,
                "inputs": inputs,
                "cap": limits.output_bytes,
            }
            return self._judge(exchange(slot, job, limits), checks)

        return await self._submit(work, len(tests), "isolated-oracle")

    async def observe(
        self,
        source: str,
        *,
        inputs: Sequence[str] = (),
        entry_point: str = "",
        calls: Sequence[Sequence[Any]] = (),
        limits: RunLimits | None = None,
    ) -> tuple[SandboxResult, list[Any]]:
        """Run a program and return what it prints on inputs, or what its function returns.

        Args:
            source: The program.
            inputs: Texts for its standard input.
            entry_point: Name of a function to call instead.
            calls: Arguments of each call.
            limits: Hard limits over all inputs or calls.

        Returns:
            The result, whose outcome is ``pass`` when every run ended well, and the values.
        """
        limits = limits or self.limits
        job: dict[str, Any] = {"mode": "programs", "source": source, "inputs": list(inputs)}
        job["cap"] = limits.output_bytes
        if entry_point:
            job = {"mode": "functions", "source": source, "entry": entry_point}
            job["calls"] = [[list(arguments), {}] for arguments in calls]
        values: list[Any] = []

        def check(claim: Any) -> str:
            complaint, value = observed(claim)
            values.append(value)
            return complaint

        def work(slot: Slot) -> SandboxResult:
            values.clear()
            total = len(calls) if entry_point else len(inputs)
            return self._judge(exchange(slot, job, limits), [check] * total)

        result = await self._submit(work, len(calls) or len(inputs), "isolated-oracle")
        return result, values

    async def run_tests(
        self,
        source: str,
        parts: Sequence[str],
        *,
        entry_point: str = "",
        context: str = "",
        limits: RunLimits | None = None,
    ) -> SandboxResult:
        """Run test code in a trusted process, with the program's names as proxies.

        Args:
            source: The program.
            parts: Pieces of test code; each passes or fails by itself.
            entry_point: Name that is the program's even where ``context`` defines it.
            context: Trusted code that runs before the tests, such as helpers of the prompt.
            limits: Hard limits over all parts.
        """
        limits = limits or self.limits
        try:
            for piece in (context, *parts):
                compile(piece, "tests.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            return SandboxResult(
                "error",
                0,
                len(parts),
                f"the tests do not compile: {error}",
                self.isolation.level,
                "isolated-tests",
            )
        request = {
            "context": context,
            "parts": list(parts),
            "call": entry_point,
            "limit": limits.output_bytes,
        }

        def work(slot: Slot) -> SandboxResult:
            return self._run_tests(slot, source, request, limits, "code")

        return await self._submit(work, len(parts), "isolated-tests")

    async def run_pytest(
        self,
        source: str,
        tests: str,
        *,
        module: str = "solution",
        limits: RunLimits | None = None,
    ) -> SandboxResult:
        """Run a pytest file that imports the program from ``module``, in a process of its own.

        pytest and the file are trusted; the program's names are proxies, as in ``run_tests``.
        """
        limits = limits or self.limits
        request = {"module": module, "tests": tests, "limit": limits.output_bytes}

        def work(slot: Slot) -> SandboxResult:
            return self._run_tests(slot, source, request, limits, "pytest")

        return await self._submit(work, 1, "isolated-tests")

    async def run_inside(
        self, source: str, tests: str, *, limits: RunLimits | None = None
    ) -> SandboxResult:
        """Run tests inside the program's own process: whatever it reports, it could have forged.

        Only for tests that cannot be run apart from it (mocks, functions as arguments).
        """
        limits = limits or self.limits
        job = {"mode": "inside", "source": source, "tests": tests}

        def check(claim: Any) -> str:
            return "" if claim == {"v": True} else describe(claim)

        def work(slot: Slot) -> SandboxResult:
            result = self._judge(exchange(slot, job, limits), [check])
            return replace(result, integrity="in-process")

        return await self._submit(work, 1, "in-process")

    def close(self) -> None:
        """End every process of the sandbox; runs that wait end with an error."""
        with self._lock:
            self._closed = True
            slots, self._slots = self._slots, set()
            executor, self._executor = self._executor, None
            others, self._others = self._others, {}
        for other in others.values():
            other.close()
        for slot in slots:
            slot.close()
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Sandbox:
        """Return the sandbox itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    async def __aenter__(self) -> Sandbox:
        """Return the sandbox itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await asyncio.get_running_loop().run_in_executor(None, self.close)

    def _start(self) -> Isolation:
        """Take the strongest level that starts and whose probes are blocked."""
        if sys.platform != "linux":
            raise SandboxError(
                f"programs run on Linux only, not on {sys.platform}; use a Linux container there"
            )
        refused: dict[str, str] = {}
        strongest = LEVELS.index(self.max_isolation)
        weakest = LEVELS.index(self.min_isolation)
        for level in reversed(LEVELS[weakest : strongest + 1]):
            # A fresh zygote for each attempt: half of an unshare would poison the process.
            try:
                slot = Slot(level, self.extra_paths, self.preimport)
            except SandboxError as error:
                refused[level] = str(error)
                continue
            try:
                blocked = _probe(slot)
            except LostError as error:
                refused[level] = str(error)
                slot.close()
                continue
            missing = [name for name in sorted(probes.REQUIRED[level]) if not blocked[name]]
            if missing:
                refused[level] = f"a confined child could {', '.join(missing)}"
                slot.close()
                continue
            self._slots.add(slot)
            self._idle.put(slot)
            for _ in range(self.processes - 1):
                self._idle.put(None)
            self._executor = ThreadPoolExecutor(self.processes, thread_name_prefix="sandbox")
            return Isolation(level, blocked, refused)
        reasons = "".join(f"\n  - {level}: {reason}" for level, reason in refused.items())
        raise SandboxError(
            f"this host does not offer isolation level {self.min_isolation} or above{reasons}\n"
            "  hint: run on Linux 5.13 or later with Landlock, or lower min_isolation and accept"
            " what docs/security.md lists"
        )

    async def _submit(
        self, work: Callable[[Slot], SandboxResult], total: int, integrity: Integrity
    ) -> SandboxResult:
        if self._isolation is None:
            await asyncio.get_running_loop().run_in_executor(None, lambda: self.isolation)
        executor = self._executor
        if executor is None:
            raise SandboxError("the sandbox is closed")
        return await asyncio.wrap_future(executor.submit(self._work, work, total, integrity))

    def _work(
        self, work: Callable[[Slot], SandboxResult], total: int, integrity: Integrity
    ) -> SandboxResult:
        """Run in a slot; a lost zygote is replaced and the run tried once more."""
        began = time.perf_counter()
        slot = self._idle.get()
        try:
            for attempt in (1, 2):
                try:
                    if slot is None:
                        slot = self._new_slot()
                    result = work(slot)
                    return replace(result, wall_s=time.perf_counter() - began)
                except (LostError, SandboxError) as error:
                    if slot is not None:
                        self._drop(slot)
                    slot, reason = None, str(error)
                    if attempt == 2 or self._closed:
                        break
            return SandboxResult(
                "error", 0, total, f"sandbox: {reason}", self.isolation.level, integrity
            )
        finally:
            if slot is not None and slot.jobs >= RECYCLE_AFTER:
                self._drop(slot)
                slot = None
            self._idle.put(slot)

    def _new_slot(self) -> Slot:
        slot = Slot(self.isolation.level, self.extra_paths, self.preimport)
        with self._lock:
            if not self._closed:
                self._slots.add(slot)
                return slot
        slot.close()
        raise SandboxError("the sandbox is closed")

    def _drop(self, slot: Slot) -> None:
        with self._lock:
            self._slots.discard(slot)
        slot.close()

    def _judge(self, claims: Claims, checks: Sequence[Check]) -> SandboxResult:
        """Compare claims with what was expected; a missing claim never passes."""
        complaints = [
            check(claims.frames[i]) if i < len(claims.frames) else "ended before it had answered"
            for i, check in enumerate(checks)
        ]
        passed = complaints.count("")
        outcome: Outcome = "pass"
        detail = next((c for c in complaints if c), "")
        if len(claims.frames) + claims.broken > len(checks):
            passed, detail = 0, "wrote to the channel of its results"
        if claims.end.signal == signal.SIGSYS:
            passed = 0
        if passed < len(checks) or not checks:
            outcome, ending = claims.outcome()
            detail = ending or detail or "there are no tests"
        return SandboxResult(
            outcome,
            passed,
            len(checks),
            detail,
            self.isolation.level,
            "isolated-oracle",
            cpu_s=claims.end.cpu_s,
        )

    def _run_tests(
        self, slot: Slot, source: str, request: dict[str, Any], limits: RunLimits, kind: str
    ) -> SandboxResult:
        if kind not in slot.testers:
            slot.testers[kind] = TestingProcess(kind, slot.level, self.extra_paths, self.preimport)
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
            self.isolation.level,
            "in-process" if answer.get("forgeable") else "isolated-tests",
            cpu_s=end.cpu_s,
        )

    def _run_raw(
        self,
        slot: Slot,
        source: str,
        inputs: Sequence[str],
        checks: Sequence[Check],
        limits: RunLimits,
    ) -> SandboxResult:
        results = []
        for text, check in zip(inputs, checks, strict=True):
            with tempfile.TemporaryFile() as given:
                given.write(text.encode())
                given.seek(0)
                output, theirs = os.pipe()
                streams = (given.fileno(), theirs)
                claims = exchange(slot, {"mode": "raw", "source": source}, limits, streams, output)
            results.append(self._judge(claims, [check]))
        bad = next((result for result in results if result.outcome != "pass"), None)
        return SandboxResult(
            bad.outcome if bad else "pass" if results else "fail",
            sum(result.passed for result in results),
            len(results),
            bad.detail if bad else "",
            self.isolation.level,
            "isolated-oracle",
            cpu_s=sum(result.cpu_s for result in results),
        )


def _probe(slot: Slot) -> dict[str, bool]:
    """Let confined children try what they must not be able to do."""
    limits = RunLimits(cpu_s=2.0, wall_s=10.0)
    blocked = {}
    with tempfile.TemporaryDirectory() as scratch:
        values = {
            "file": __file__,
            "folder": os.path.dirname(__file__),
            "scratch": os.path.join(scratch, "written"),
            "python": os.path.realpath("/proc/self/exe"),
        }
        for name, body in probes.PROBES.items():
            source = probes.program(body, **values)
            job = {"mode": "functions", "source": source, "entry": "attempt", "calls": [[[], {}]]}
            claims = exchange(slot, job, limits)
            blocked[name] = claims.frames != [{"v": True}]
    return blocked
