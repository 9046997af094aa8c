"""What a program writes to the channel of its results, and runs of such programs."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.sandbox import RunLimits, Sandbox, SandboxResult

QUICK = RunLimits(cpu_s=0.3, wall_s=20.0, memory_bytes=192 << 20, output_bytes=1 << 20)
ANSWERS = [{"args": [], "expected": n} for n in (1, 2, 3)]


def frame(body: str | bytes) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    return len(data).to_bytes(4, "little") + data


def sending(data: bytes, then: str = "os._exit(0)") -> str:
    """A program that writes to the channel of its results by itself and ends."""
    return (
        f"import os\ndata = bytes.fromhex({data.hex()!r})\n"
        f"while data: data = data[os.write(3, data):]\n{then}\n"
    )


def functions(sandbox: Sandbox, source: str, tests: Any = ANSWERS, **options: Any) -> SandboxResult:
    return asyncio.run(sandbox.run_functions(source, "f", tests, **options))


def stdio(sandbox: Sandbox, source: str, *tests: tuple[str, str], **options: Any) -> SandboxResult:
    cases = [{"input": given, "output": expected} for given, expected in tests]
    return asyncio.run(sandbox.run_stdio(source, cases, **options))
