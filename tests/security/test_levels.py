"""Hosts that forbid things, emulated by a system-call filter around the whole harness."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Installed on the process that runs the sandbox, like a container's profile.
SCRIPT = """
import asyncio, errno, json, platform, sys
from harness.nouns.errors import SandboxError
from harness.sandbox import Sandbox
from harness.sandbox.guest import confine, seccomp
from harness.sandbox.guest.syscalls import NUMBERS

refused = dict.fromkeys(sys.argv[1].split(","), errno.EPERM)
refused |= dict.fromkeys([n for n in refused if n.startswith("landlock")], errno.ENOSYS)
program = seccomp._head()
for name, code in refused.items():
    number = NUMBERS[platform.machine()][name]
    program += seccomp._rule(number, [seccomp._ret(seccomp._ERRNO | code)])
program.append(seccomp._ret(seccomp.ALLOW))
confine.no_new_privileges()
seccomp.install(*seccomp.prepare(seccomp._pack(program)))
sandbox = Sandbox(1)
try:
    isolation = sandbox.isolation
except SandboxError as error:
    print(json.dumps({"error": str(error)}))
    sys.exit()
tests = [{"args": [1], "expected": 2}]
result = asyncio.run(sandbox.run_functions("def f(x): return x + 1", "f", tests))
sandbox.close()
found = {"level": isolation.level, "refused": dict(isolation.refused), "outcome": result.outcome}
print(json.dumps(found))
"""


def run(repo_root: Path, *system_calls: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, ",".join(system_calls)],
        env={**os.environ, "PYTHONPATH": str(repo_root)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("call", ["unshare", "mount", "pivot_root", "mount_setattr"])
def test_without_namespaces_landlock_is_in_force(repo_root: Path, call: str) -> None:
    """As in Docker's default profile; half-made namespaces do not stay behind."""
    found = run(repo_root, call)
    assert (found["level"], found["outcome"]) == ("landlock", "pass"), found
    assert "namespaces" in str(found["refused"])


def test_without_landlock_and_namespaces_nothing_runs(repo_root: Path) -> None:
    found = run(repo_root, "unshare", "landlock_create_ruleset")
    error = str(found["error"])
    assert "does not offer isolation level landlock or above" in error
    assert "namespaces: " in error and "landlock: " in error and "hint: " in error


def test_without_the_filter_nothing_runs(repo_root: Path) -> None:
    assert "seccomp" in str(run(repo_root, "seccomp")["error"])
