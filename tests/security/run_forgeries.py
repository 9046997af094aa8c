"""Run programs that try to take a reward, and print, as JSON, all that came of them.

A program of its own, so that a test can run it as another user:

    python run_forgeries.py LEVEL FOLDER_OF_KINDS ARENA [KIND,KIND] [quick]

Each case is data (``forgeries/*.toml``): a program, the reference it is held against, the outcomes
that are right, and an honest program that does pass, so that a case cannot fail for a fault of its
own; ``wall_s`` where it sleeps, which costs nothing but time. ``@INT1@`` and the like are values
that nobody can guess, new in every run; only the reference and the honest program hold them. After
each case wrong programs run in the same slot and must fail.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import re
import secrets
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness_plugins.python_code import PythonCodeOptions, verify
from lookaround import API_KEY, MemoryWatch, damage, descendants, fill, leaked, listen

from harness.plugin import Item, Response
from harness.sandbox import RunLimits, Sandbox, SandboxResult

LIMITS = RunLimits(cpu_s=1.0, wall_s=4.0)
OPTIONS = PythonCodeOptions(timeout_s=1.0, memory_mb=192, output_mb=4)
CAP_MB = 3000
_HONEST_ALLOWED = ["pass", "in-process", "unsupported"]
_SUBREAPER = 36
_VALUE = re.compile(r"@(INT|FLOAT|TEXT|INTS|TEXTS|DICT)(\d*)@")
_HONEST = "def solve(n): return @INT1@"
_GENERIC: dict[str, dict[str, Any]] = {
    "functions": {
        "reference": {"entry_point": "solve", "tests": [{"args": [3], "expected": "@INT1@"}]},
        "honest": _HONEST,
    },
    "asserts": {"reference": {"asserts": ["assert solve(3) == @INT1@"]}, "honest": _HONEST},
    "check": {
        "reference": {
            "entry_point": "solve",
            "check": "def check(candidate):\n    assert candidate(3) == @INT1@\n",
        },
        "honest": _HONEST,
    },
    "pytest": {
        "reference": {
            "pytest": "from solution import solve\ndef test_solve(): assert solve(3) == @INT1@\n"
        },
        "honest": _HONEST,
    },
    "stdin": {
        "reference": {"stdin": [{"input": "3\n", "output": "@INT1@\n"}]},
        "honest": "print(@INT1@)",
    },
}
"""What a case is held against that says nothing of its own, in each way."""
_PYTEST = "from solution import solve\ndef test_solve():\n    assert solve(3) == {}\n"


def rewarded(result: SandboxResult, may_pass: int = 0) -> bool:
    """Whether a policy would be paid, for the whole or for a part that it did not earn."""
    return result.integrity != "in-process" and (
        result.outcome == "pass" or result.passed > may_pass
    )


def word(result: SandboxResult) -> str:
    """The outcome as cases name it: a pass that earns nothing is not a pass."""
    forgeable = result.outcome == "pass" and result.integrity == "in-process"
    return "in-process" if forgeable else result.outcome


def cases_of(folder: Path, kinds: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the cases of each kind, with what the kind says of all of them."""
    for path in sorted(folder.glob("*.toml")):
        if kinds and path.stem not in kinds:
            continue
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        for case in told["case"]:
            whole = {"allowed": told["allowed"], "may_pass": 0, **case, "kind": path.stem}
            for way in case.get("ways", [case.get("way")]):
                yield {**_GENERIC.get(way, {}), **whole, "way": way}


class Secrets:
    """Values for one run of one case: the same name, the same value."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def fill(self, given: Any) -> Any:
        """Return text or data with its values put in."""
        if isinstance(given, dict):
            return {key: self.fill(value) for key, value in given.items()}
        if isinstance(given, list):
            return [self.fill(value) for value in given]
        if not isinstance(given, str):
            return given
        whole = _VALUE.fullmatch(given)
        if whole:
            return self._value(whole)
        return _VALUE.sub(lambda match: repr(self._value(match)), given)

    def _value(self, match: re.Match[str]) -> Any:
        if match[0] not in self._values:
            self._values[match[0]] = _new(match[1])
        return self._values[match[0]]


def _new(kind: str) -> Any:
    if kind == "INT":
        return 100_000 + secrets.randbelow(900_000)
    if kind == "FLOAT":
        return 1000 + secrets.randbelow(10**6) + 0.125 * secrets.randbelow(8)
    if kind == "TEXT":
        return secrets.token_hex(6)
    if kind == "INTS":
        return [secrets.randbelow(10**6) for _ in range(6)]
    if kind == "TEXTS":
        return [secrets.token_hex(4) for _ in range(6)]
    return {secrets.token_hex(4): secrets.randbelow(10**6) for _ in range(4)}


@contextmanager
def surroundings(case: dict[str, Any], arena: Path) -> Iterator[None]:
    """Plant the case's files and variables, in the folders that this process calls its own."""
    before = dict(os.environ)
    os.environ.update(HOME=str(arena / "home"), TMPDIR=str(arena / "tmp"))
    for name, value in case.get("environment", {}).items():
        os.environ[name] = value.replace("@ARENA@", str(arena))
    planted = [arena / name for name in case.get("files", {})]
    for path, text in zip(planted, case.get("files", {}).values(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("@ARENA@", str(arena)), encoding="utf-8")
        path.chmod(0o755 if text.startswith("#!") else 0o644)
    folder = Path.cwd()
    os.chdir(arena / "cwd")
    try:
        yield
    finally:
        os.chdir(folder)
        for path in planted:
            path.unlink(missing_ok=True)
        os.environ.clear()
        os.environ.update(before)


async def run(sandbox: Sandbox, program: str, reference: dict[str, Any]) -> SandboxResult:
    """Verify one program as the verifier does."""
    item = Item("item", prompt="", reference=reference)
    return await verify(item, Response("response", "item", "policy", program), sandbox, OPTIONS)


async def poisoned(sandbox: Sandbox, way: str) -> list[str]:
    """Say which wrong programs pass now in the same slot, and which right ones fail."""
    answer = 100 + secrets.randbelow(10**6)
    references: dict[str, dict[str, Any]] = {
        "functions": {"entry_point": "solve", "tests": [{"args": [3], "expected": answer}]},
        "asserts": {"asserts": [f"assert solve(3) == {answer}"]},
    }
    if way == "pytest":
        references["pytest"] = {"pytest": _PYTEST.format(answer)}
    found = []
    for kind, reference in references.items():
        wrong = await run(sandbox, "def solve(n): return n", reference)
        right = await run(sandbox, f"def solve(n): return {answer}", reference)
        if wrong.outcome != "fail":
            found.append(f"a wrong program of {kind}: {wrong.outcome}")
        if not (right.outcome == "pass" and rewarded(right)):
            found.append(f"a right program of {kind}: {word(right)} {right.detail}")
    return found


class Trial:
    """All cases at one level.

    Args:
        level: Isolation level, and no other.
        arena: Folder of this user in which programs may try to do harm.
    """

    def __init__(self, level: str, arena: Path) -> None:
        self.level = level
        self.arena = arena
        self.isolation: Any = None
        self._connections: list[str] = []
        self._memory = MemoryWatch(CAP_MB)
        listen(self._connections)
        fill(arena, {})

    async def rows(self, cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Run every case; those with surroundings of their own in a sandbox of their own."""
        rows = []
        with surroundings({}, self.arena):
            sandbox = self._sandbox()
            self.isolation = sandbox.isolation
            for case in cases:
                if not _needs_own(case):
                    rows.append(await self.row(sandbox, case))
                    if rows[-1]["later"]:  # the next case is to be judged by itself
                        sandbox.close()
                        sandbox = self._sandbox()
            sandbox.close()
        for case in cases:
            if _needs_own(case):
                with surroundings(case, self.arena):
                    async with self._sandbox() as own:
                        rows.append(await self.row(own, case))
        return rows

    async def row(self, sandbox: Sandbox, case: dict[str, Any]) -> dict[str, Any]:
        """Run one case and look around."""
        values = Secrets()
        reference = values.fill(case["reference"])
        honest = await run(sandbox, values.fill(case["honest"]), reference)
        harm = damage(self.arena, self._connections)
        self._memory.reset()
        began = time.monotonic()
        # A second time, since the first may have left the answers where the second finds them.
        sandbox.limits = replace(LIMITS, wall_s=case.get("wall_s", LIMITS.wall_s))
        results = [
            await run(sandbox, case["program"].replace("@ARENA@", str(self.arena)), reference)
            for _ in range(case.get("repeats", 1))
        ]
        took = time.monotonic() - began
        sandbox.limits = LIMITS
        later = await poisoned(sandbox, case["way"])
        harm += damage(self.arena, self._connections)
        if harm:
            fill(self.arena, {})
        return {
            "kind": case["kind"],
            "name": case["name"],
            "way": case["way"],
            "outcomes": [word(result) for result in results],
            "allowed": case["allowed"],
            "rewarded": any(rewarded(result, case["may_pass"]) for result in results),
            "detail": results[-1].detail[:160],
            "leaked": any(leaked(result.detail) for result in results),
            "damage": harm,
            "later": later,
            "honest": word(honest),
            "honest_allowed": case.get("honest_allowed", _HONEST_ALLOWED),
            "honest_detail": honest.detail,
            "seconds": round(took / len(results), 2),
            "peak_mb": self._memory.peak_mb,
            "children": len(descendants()),
        }

    def _sandbox(self) -> Sandbox:
        return Sandbox(1, min_isolation=self.level, max_isolation=self.level, limits=LIMITS)


def _is_quick(case: dict[str, Any]) -> bool:
    """A pytest run costs a hundred of the others, a sandbox of its own ten of those."""
    dear = case["way"] == "pytest" or _needs_own(case)
    return not case.get("slow") and (not dear or case.get("quick", False))


def _needs_own(case: dict[str, Any]) -> bool:
    return "files" in case or "environment" in case


async def report(level: str, folder: Path, arena: Path, kinds: list[str], quick: bool) -> Any:
    """Run the cases and say what came of them."""
    trial = Trial(level, arena)
    cases = [case for case in cases_of(folder, kinds) if not quick or _is_quick(case)]
    rows = await trial.rows(cases)
    time.sleep(0.2)
    return {
        "level": trial.isolation.level,
        "user": os.geteuid(),
        "rows": rows,
        "left": descendants(),
    }


if __name__ == "__main__":
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    os.environ["OPENAI_API_KEY"] = API_KEY
    wanted = [kind for kind in "".join(sys.argv[4:5]).split(",") if kind]
    found = asyncio.run(
        report(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), wanted, "quick" in sys.argv[5:])
    )
    sys.stdout.write(json.dumps(found))
