"""Running the programs of tests/security that try hostile programs, as root and as a user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

NOBODY = 65534
PACKAGES = "site-packages"  # where the sandbox looks for pytest
LEVELS = ("namespaces", "landlock")
SECURITY = Path(__file__).resolve().parents[1] / "security"
_IMPORTED = (
    "harness harness_plugins yaml pluggy pydantic pydantic_core annotated_types typing_extensions"
    " typing_inspection pytest _pytest py iniconfig packaging pygments"
).split()


def corpora() -> list[Path]:
    """The folders of programs that are run whole."""
    shared = SECURITY.parents[2] / "shared" / "tools" / "attacks"
    return [SECURITY / "attacks", *([shared] if shared.is_dir() else [])]


def users() -> list[str]:
    return ["root", "user"] if os.geteuid() == 0 else ["user"]


def by_turns(n: int) -> list[tuple[str, str]]:
    """Every level with one user, the users by turns: of two neighbours, each level has both."""
    return [(level, users()[(n + m) % len(users())]) for m, level in enumerate(LEVELS)]


def other_user(user: str) -> int | None:
    """The number of the user to become, or None for this one."""
    return NOBODY if user == "user" and os.geteuid() == 0 else None


def python_for(user: str) -> str | None:
    """A Python of this version that the user can execute, or None."""
    if other_user(user) is None:
        return sys.executable
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for name in (sys.executable, shutil.which(f"python{version}"), f"/usr/bin/python{version}"):
        if name:
            try:
                subprocess.run([name, "-c", ""], check=True, user=NOBODY, group=NOBODY)
            except (OSError, subprocess.CalledProcessError):
                continue
            return name
    return None


def copy_for_all(folder: Path) -> None:
    """Copy the harness, what it imports and the programs where every user can read them."""
    folder.chmod(0o755)
    packages = folder / PACKAGES
    packages.mkdir()
    for name in _IMPORTED:
        spec = find_spec(name)
        assert spec and spec.origin
        source = Path(spec.origin)
        if source.name == "__init__.py":
            ignored = shutil.ignore_patterns("examples")  # what is compiled comes along
            shutil.copytree(source.parent, packages / name, ignore=ignored)
        else:
            shutil.copy(source, packages)
    for script in SECURITY.glob("*.py"):
        shutil.copy(script, folder)
    shutil.copytree(SECURITY / "forgeries", folder / "forgeries")
    for corpus in corpora():
        shutil.copytree(corpus, folder / corpus.parent.name / corpus.name)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def run_script(
    script: str, level: str, user: str, copy: Path, arguments: list[str], offered: bool
) -> dict[str, Any]:
    """Run one of the programs and return its report; skip where the host has not what it needs.

    Args:
        script: Name of the program, which takes the level and then ``arguments``; ``@ARENA@`` in
            these is a folder that the user may write to.
        level: Isolation level.
        user: "root" or "user".
        copy: What ``copy_for_all`` made.
        arguments: Further arguments.
        offered: Whether the host offers the level, found out without the code under test.
    """
    python = python_for(user)
    if python is None:
        pytest.skip("no Python that an ordinary user can execute")
    number = other_user(user)
    identity: dict[str, Any] = {}
    if number is not None:
        identity = {"user": number, "group": number, "extra_groups": []}
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        arena = str(Path(name) / "arena")
        done = subprocess.run(
            [python, script, level, *(a.replace("@ARENA@", arena) for a in arguments)],
            cwd=copy,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(copy / PACKAGES)},
            capture_output=True,
            text=True,
            timeout=1200,
            **identity,
        )
    if "does not offer isolation level" in done.stderr and not offered:
        pytest.skip(f"this host does not offer {level}: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr[-2000:]
    report: dict[str, Any] = json.loads(done.stdout)
    return report
