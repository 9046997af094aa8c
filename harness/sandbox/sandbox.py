"""The sandbox: a pool of zygotes, and the kinds of tests that can be run in them.

Each zygote is served by a thread of its own that blocks on it, so the sandbox works from any thread
and any event loop. A call that finds every zygote busy waits.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from harness.nouns.errors import SandboxError
from harness.sandbox.claims import (
    Check,
    check_call,
    check_output,
    describe,
    exchange,
    judge,
    observed,
)
from harness.sandbox.compare import usable
from harness.sandbox.guest.codec import dumps, to_tree
from harness.sandbox.guest.confine import LEVELS
from harness.sandbox.isolated_tests import run_tests
from harness.sandbox.lending import Closing
from harness.sandbox.pool import Isolation, Pool, ZygoteOptions
from harness.sandbox.printed_output import run_programs
from harness.sandbox.result import RunLimits, SandboxResult, told_apart
from harness.sandbox.slot import Slot
from harness.sandbox.workers import cores

_SPELLINGS = 4
"""How many times as long the spelling of an equal value may be: tuples for lists, 1.0 for 1."""


class Sandbox(Closing):
    """Runs untrusted programs against tests whose answers they cannot reach.

    Every way of running takes the text of the program, and hard limits over all of its tests.

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
        self.limits = limits or RunLimits()
        self._options = ZygoteOptions(
            min_isolation, max_isolation, tuple(extra_paths), tuple(preimport)
        )
        self._pool = Pool(self.processes, self._options)
        self._lock = threading.Lock()
        self._others: dict[ZygoteOptions, Sandbox] = {}

    @property
    def isolation(self) -> Isolation:
        """What is in force; starts the sandbox where it has not been.

        Raises:
            SandboxError: The host does not offer ``min_isolation``.
        """
        return self._pool.isolation

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the zygotes that run."""
        return self._pool.pids

    def variant(
        self, *, min_isolation: str, extra_paths: Sequence[str] = (), preimport: Sequence[str] = ()
    ) -> Sandbox:
        """Return this sandbox, or one with other options that is closed together with it.

        Raises:
            SandboxError: There is no such level.
        """
        strongest = self._options.max_isolation
        wanted = ZygoteOptions(min_isolation, strongest, tuple(extra_paths), tuple(preimport))
        if wanted == self._options:
            return self
        with self._lock:
            if wanted not in self._others:
                self._others[wanted] = Sandbox(self.processes, limits=self.limits, **asdict(wanted))
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
                exception's type instead of "expected". A result that differs only by what JSON
                cannot say of it makes the outcome ``unsupported``, unless "exact" is true.
            limits: The sandbox's by default.
            tolerance: Relative and absolute tolerance of floating-point numbers; nothing is nearly
                equal to an expected whole number.

        Raises:
            KeyError: A test has no expected value.
            TypeError: An expected value is not plain data.
            InputError: The tolerance is not from 0 to below 1.
        """
        usable(tolerance)
        calls = [[list(t.get("args", ())), dict(t.get("kwargs", {}))] for t in tests]
        job = {"mode": "functions", "source": source, "entry": entry_point, "calls": calls}
        checks = [check_call(test, tolerance) for test in tests]
        expected = [test.get("expected") for test in tests]
        return await self._with_room(partial(self._judged, job, checks), expected, limits)

    async def run_stdio(
        self,
        source: str,
        tests: Sequence[Mapping[str, str]],
        *,
        limits: RunLimits | None = None,
        tolerance: float = 0.0,
    ) -> SandboxResult:
        """Run a program on each input and compare, here, what it prints.

        One child runs all inputs, each in a fresh ``__main__``; programs that may use descriptors,
        threads or the end of their process get a child and real streams for each input. Both ways
        behave as ``python solution.py`` does.

        Args:
            source: The program.
            tests: {"input": text, "output": text}.
            limits: Hard limits over all inputs; that of the memory and of the output is for each
                input where a program gets a child each.
            tolerance: Tolerance of printed numbers, unless the expected one is whole.

        Raises:
            KeyError: A test has no input or output.
            TypeError: One of them is not text.
            InputError: The tolerance is not from 0 to below 1.
        """
        usable(tolerance)
        checks = [check_output(test["output"], tolerance) for test in tests]
        run = partial(self._printed, source, [test["input"] for test in tests], checks)
        return await self._with_room(run, [test["output"] for test in tests], limits)

    async def _with_room(
        self,
        run: Callable[[RunLimits], Awaitable[SandboxResult]],
        expected: Sequence[Any],
        limits: RunLimits | None,
    ) -> SandboxResult:
        """Run, and once more with room for what is expected where that may be too much."""
        bounds = limits or self.limits
        result = await run(bounds)
        if result.outcome != "output":
            return result
        room = _SPELLINGS * len(dumps(to_tree(expected)))
        if room <= bounds.output_bytes:
            return result
        return told_apart(result, await run(replace(bounds, output_bytes=room)), bounds)

    async def _printed(
        self, source: str, inputs: Sequence[str], checks: Sequence[Check], limits: RunLimits | None
    ) -> SandboxResult:
        for given in inputs:
            if not isinstance(given, str) or any("\ud800" <= c <= "\udfff" for c in given):
                raise TypeError(f"the input {given!r:.100} is not text")
        bounds = limits or self.limits

        def work(slot: Slot) -> SandboxResult:
            return run_programs(slot, source, inputs, checks, bounds)

        return await self._pool.submit(work, len(checks), "isolated-oracle")

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
            limits: The sandbox's by default.

        Returns:
            The result, whose outcome is ``pass`` when every run ended well, and the values.
        """
        values: list[Any] = [None] * len(calls if entry_point else inputs)

        def check(place: int, claim: Any) -> str:
            complaint, values[place] = observed(claim)
            return complaint

        checks = [partial(check, place) for place in range(len(values))]
        if not entry_point:
            return await self._printed(source, inputs, checks, limits), values
        given = [[list(arguments), {}] for arguments in calls]
        job = {"mode": "functions", "source": source, "entry": entry_point, "calls": given}
        return await self._judged(job, checks, limits), values

    async def _judged(
        self, job: dict[str, Any], checks: Sequence[Check], limits: RunLimits | None
    ) -> SandboxResult:
        """Run one job in a child, and check here each thing that it claims."""
        bounds = limits or self.limits

        def work(slot: Slot) -> SandboxResult:
            return judge(exchange(slot, job, bounds), checks, slot.level)

        return await self._pool.submit(work, len(checks), "isolated-oracle")

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
        request = {"context": context, "parts": list(parts), "call": entry_point}
        return await self._isolated("tester", source, request, (context, *parts), limits)

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
        request = {"module": module, "tests": tests}
        return await self._isolated("pytester", source, request, [tests], limits)

    async def _isolated(
        self,
        kind: str,
        source: str,
        job: dict[str, Any],
        code: Sequence[str],
        limits: RunLimits | None,
    ) -> SandboxResult:
        """Run tests apart from the program, unless their own code is broken."""
        total = len(job.get("parts", "1"))
        bounds = limits or self.limits
        try:
            for piece in code:
                compile(piece, "tests.py", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = f"the tests do not compile: {error}"
            level = self.isolation.level
            return SandboxResult("error", 0, total, reason, level, "isolated-tests")

        def work(slot: Slot) -> SandboxResult:
            return run_tests(slot, source, job, bounds, kind)

        return await self._pool.submit(work, total, "isolated-tests")

    async def run_inside(
        self, source: str, tests: str, *, limits: RunLimits | None = None
    ) -> SandboxResult:
        """Run tests inside the program's own process: whatever it reports, it could have forged.

        Only for tests that cannot be run apart from it (mocks, functions as arguments).
        """
        job = {"mode": "inside", "source": source, "tests": tests}

        def check(claim: Any) -> str:
            return "" if claim == {"v": True} else describe(claim)

        result = await self._judged(job, [check], limits)
        return replace(result, integrity="in-process")

    def close(self) -> None:
        """End every process of the sandbox; runs that wait end with an error."""
        with self._lock:
            others, self._others = self._others, {}
        for other in others.values():
            other.close()
        self._pool.close()
