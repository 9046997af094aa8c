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
import shutil
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from harness.sandbox import RunLimits, Sandbox, SandboxResult

PORT = 18999
SECRET = "secret-" + secrets.token_hex(12)
API_KEY = "sk-canary-" + secrets.token_hex(12)
ANSWERS = {n: f"ANS:{n}:{secrets.token_hex(4)}" for n in range(5)}
LIMITS = RunLimits(cpu_s=1.0, wall_s=6.0, memory_bytes=192 << 20, output_bytes=4 << 20)
GOOD = "def solve(n): return n * 2"
GOOD_TESTS = [{"args": [n], "expected": 2 * n} for n in range(3)]
_SUBREAPER = 36


def fill(arena: Path) -> None:
    """Make everything that a program might damage or read, open to this user."""
    shutil.rmtree(arena, ignore_errors=True)
    for folder in ("home", "tmp", "loot"):
        (arena / folder).mkdir(parents=True)
    (arena / "home" / "letter.txt").write_text("dear")
    (arena / "secret.txt").write_text(SECRET)
    (arena / "canary.txt").write_text("alive")
    (arena / "canary.txt").chmod(0o644)
    os.utime(arena / "canary.txt", (1_000_000_000, 1_000_000_000))
    (arena / "tests.json").write_text(json.dumps({str(n): a for n, a in ANSWERS.items()}))


def damage(arena: Path, connections: list[str]) -> list[str]:
    """Say what is not as ``fill`` left it."""
    found = list(connections)
    connections.clear()
    canary = arena / "canary.txt"
    if not canary.exists() or canary.read_text() != "alive":
        found.append("canary gone or changed")
    elif canary.stat().st_mode & 0o777 != 0o644 or canary.stat().st_mtime != 1_000_000_000:
        found.append("canary's mode or time changed")
    if not (arena / "home" / "letter.txt").exists():
        found.append("home destroyed")
    found += [f"loot: {path.name}" for path in (arena / "loot").iterdir()]
    found += [
        f"left behind: {p}"
        for p in ("/tmp/zz_state", "/dev/shm/zz_state", "/tmp/zz_l")
        if os.path.lexists(p)
    ]
    if found:
        for left in ("/tmp/zz_state", "/dev/shm/zz_state", "/tmp/zz_l"):
            Path(left).unlink(missing_ok=True)
        fill(arena)
    return found


def listen(connections: list[str]) -> None:
    """Accept whatever a program may manage to connect to."""
    servers: list[tuple[str, socket.socket]] = []
    for name, family, address in (
        ("tcp", socket.AF_INET, ("127.0.0.1", PORT)),
        ("abstract socket", socket.AF_UNIX, "\0zarena"),
    ):
        server = socket.socket(family)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(address)
        except OSError:
            continue  # another run of this program listens
        server.listen()
        servers.append((name, server))

    def serve(name: str, server: socket.socket) -> None:
        while True:
            client, _ = server.accept()
            connections.append(f"connected: {name}")
            client.close()

    for name, server in servers:
        threading.Thread(target=serve, args=(name, server), daemon=True).start()


def descendants() -> list[int]:
    """Processes that this one started and that still run; orphans come to it."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        found += [int(pid) for pid in (task / "children").read_text().split()]
    return found


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
    return await sandbox.run_tests(source, parts, entry_point="solve", limits=LIMITS)


async def run_all(level: str, programs: Path, arena: Path, ways: list[str]) -> dict[str, Any]:
    """Run every program in every way, one at a time, and look around after each."""
    connections: list[str] = []
    listen(connections)
    fill(arena)
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
                leaked = [t for t in (SECRET, API_KEY) if t in result.detail]
                rows.append(
                    {
                        "file": path.name,
                        "way": way,
                        "outcome": result.outcome,
                        "passed": result.passed,
                        "detail": result.detail[:120],
                        "leaked": bool(leaked),
                        "damage": damage(arena, connections),
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
    ways = sys.argv[4].split(",") if len(sys.argv) > 4 else ["functions", "tests"]
    report = asyncio.run(run_all(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), ways))
    sys.stdout.write(json.dumps(report))
