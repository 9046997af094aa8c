"""One program and one test of it, as a piece of code and as a pytest file."""

from __future__ import annotations

import asyncio

from harness.sandbox import RunLimits, Sandbox, SandboxResult

QUICK = RunLimits(cpu_s=1.0, wall_s=20.0, memory_bytes=192 << 20, output_bytes=1 << 20)
PASS, FORGEABLE = ("pass", "isolated-tests"), ("pass", "in-process")


def code(sandbox: Sandbox, source: str, *parts: str, call: str = "") -> SandboxResult:
    return asyncio.run(sandbox.run_tests(source, parts, entry_point=call))


def pytest_file(sandbox: Sandbox, source: str, tests: str) -> SandboxResult:
    return asyncio.run(sandbox.run_pytest(source, tests))


def in_both(sandbox: Sandbox, source: str, test: str) -> list[SandboxResult]:
    """The same test as a piece of code and in a pytest file."""
    body = "".join(f"    {line}\n" for line in test.split("\n"))
    file = f"import pytest\nfrom solution import *\ndef test_it():\n{body}"
    return [code(sandbox, source, test), pytest_file(sandbox, source, file)]
