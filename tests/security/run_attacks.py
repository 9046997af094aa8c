"""Run hostile programs at one isolation level and print, as JSON, all that came of them.

A program of its own, so that a test can run it as another user:

    python run_attacks.py LEVEL FOLDER_OF_PROGRAMS ARENA
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from lookaround import API_KEY, damage, descendants, fill, leaked, listen

from harness.sandbox import RunLimits, Sandbox, SandboxResult

ANSWERS = {n: f"ANS:{n}:{secrets.token_hex(4)}" for n in range(5)}
LIMITS = RunLimits(cpu_s=1.0, wall_s=4.0, memory_bytes=192 << 20, output_bytes=4 << 20)
GOOD = "def solve(n): return n * 2"
GOOD_TESTS = [{"args": [n], "expected": 2 * n} for n in range(3)]
_SUBREAPER = 36


async def attack(sandbox: Sandbox, source: str, way: str) -> SandboxResult:
    """Run one program against answers that it cannot guess."""
    if way == "functions":
        tests = [{"args": [n], "expected": answer} for n, answer in ANSWERS.items()]
        return await sandbox.run_functions(source, "solve", tests, limits=LIMITS)
    if way == "stdio":
        tests = [{"input": f"{n}\n", "output": answer} for n, answer in ANSWERS.items()]
        source += "\nprint(solve(int(input())))\n"
        return await sandbox.run_stdio(source, tests, limits=LIMITS)
    parts = [f"assert solve({n}) == {answer!r}" for n, answer in ANSWERS.items()]
    if way == "pytest":
        lines = "\n    ".join(parts)
        tests = f"from solution import solve\ndef test_solve():\n    {lines}\n"
        return await sandbox.run_pytest(source, tests, limits=LIMITS)
    if way == "check":
        lines = "\n    ".join(parts).replace("solve(", "candidate(")
        parts = [f"def check(candidate):\n    {lines}\ncheck(solve)\n"]
    return await sandbox.run_tests(source, parts, entry_point="solve", limits=LIMITS)


async def run_all(level: str, programs: Path, arena: Path, ways: list[str]) -> dict[str, Any]:
    """Run every program in every way, one at a time, and look around after each."""
    connections: list[str] = []
    listen(connections)
    fill(arena, ANSWERS)
    rows = []
    async with Sandbox(1, min_isolation=level, max_isolation=level) as sandbox:
        isolation = sandbox.isolation
        for path in sorted(programs.glob("*.py")):
            source = path.read_text().replace("@ARENA@", str(arena))
            for way in ways:
                began = time.monotonic()
                result = await attack(sandbox, source, way)
                took = time.monotonic() - began
                good = await sandbox.run_functions(GOOD, "solve", GOOD_TESTS)
                harm = damage(arena, connections)
                if harm:
                    fill(arena, ANSWERS)
                rows.append(
                    {
                        "file": path.name,
                        "way": way,
                        "outcome": result.outcome,
                        "passed": result.passed,
                        "detail": result.detail[:120],
                        "leaked": leaked(result.detail),
                        "damage": harm,
                        "alive": good.outcome == "pass",
                        "seconds": round(took, 2),
                        "children": len(descendants()),
                    }
                )
    time.sleep(0.2)
    return {
        "level": isolation.level,
        "blocked": dict(isolation.blocked),
        "user": os.geteuid(),
        "rows": rows,
        "left": descendants(),
    }


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    os.environ["OPENAI_API_KEY"] = API_KEY
    ways = sys.argv[4].split(",") if len(sys.argv) > 4 else ["functions", "asserts"]
    report = asyncio.run(run_all(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), ways))
    sys.stdout.write(json.dumps(report))
