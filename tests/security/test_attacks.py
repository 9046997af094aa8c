"""Hostile programs against the sandbox, at every level from landlock up, as root and as a user."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import harness
from harness.sandbox.probes import PROBES

HERE = Path(__file__).parent
OWN = HERE / "attacks"
NOBODY = 65534
LEVELS = ("namespaces", "landlock")


def corpora() -> list[Path]:
    shared = HERE.parents[2] / "shared" / "tools" / "attacks"
    return [OWN, *([shared] if shared.is_dir() else [])]


def users() -> list[str]:
    return ["root", "user"] if os.geteuid() == 0 else ["user"]


def python_for(user: str) -> str | None:
    """A Python of this version that the user can execute, or None."""
    if user == "root" or os.geteuid() != 0:
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


@pytest.fixture(scope="session")
def readable_copy() -> Iterator[Path]:
    """The harness and what it imports where every user can read it."""
    folder = Path(tempfile.mkdtemp(prefix="harness-readable-"))
    folder.chmod(0o755)
    shutil.copytree(
        Path(harness.__file__).parent,
        folder / "harness",
        ignore=shutil.ignore_patterns("__pycache__", "examples"),
    )
    shutil.copy(HERE / "run_attacks.py", folder)
    shutil.copytree(Path(yaml.__file__).parent, folder / "yaml")
    for corpus in corpora():
        shutil.copytree(corpus, folder / corpus.parent.name / corpus.name)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    yield folder
    shutil.rmtree(folder)


def run_corpus(
    level: str, user: str, corpus: Path, copy: Path, tmp: Path, offered: bool
) -> dict[str, Any]:
    python = python_for(user)
    if python is None:
        pytest.skip("no Python that an ordinary user can execute")
    other = user == "user" and os.geteuid() == 0
    done = subprocess.run(
        [
            python,
            "run_attacks.py",
            level,
            str(copy / corpus.parent.name / corpus.name),
            str(tmp / "arena"),
            "functions,stdio,tests" if corpus == OWN else "functions,tests",
        ],
        cwd=copy,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=600,
        **({"user": NOBODY, "group": NOBODY, "extra_groups": []} if other else {}),
    )
    if "does not offer isolation level" in done.stderr and not offered:
        pytest.skip(f"this host does not offer {level}: {done.stderr.splitlines()[-1]}")
    assert done.returncode == 0, done.stderr[-2000:]
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def expected_of(corpus: Path) -> dict[str, list[str]]:
    entries = json.loads((corpus / "index.json").read_text())
    return {entry["file"]: entry["expected"] for entry in entries}


@pytest.mark.slow
@pytest.mark.parametrize("corpus", corpora(), ids=lambda path: path.parent.name)
@pytest.mark.parametrize("user", users())
@pytest.mark.parametrize("level", LEVELS)
def test_no_attack_succeeds(
    level: str, user: str, corpus: Path, readable_copy: Path, offers: Callable[..., bool]
) -> None:
    other = NOBODY if user == "user" and os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        report = run_corpus(level, user, corpus, readable_copy, Path(name), offers(level, other))
    assert report["level"] == level
    assert report["blocked"] == dict.fromkeys(PROBES, True)
    assert report["left"] == []
    expected = expected_of(corpus)
    ways = 3 if corpus == OWN else 2
    assert Counter(row["file"] for row in report["rows"]) == dict.fromkeys(expected, ways)
    wrong = [
        row
        for row in report["rows"]
        if row["passed"]
        or row["outcome"] not in expected[row["file"]]
        or row["leaked"]
        or row["damage"]
        or not row["alive"]
        or row["children"] > 2  # the zygote and the test process
        or row["seconds"] > 30  # limits are 1 s of processor and 6 s of clock: nothing hangs
    ]
    assert wrong == []


def test_the_probe_sees_what_lower_levels_let_through(tmp_path: Path) -> None:
    """The same look-around finds damage where there is no protection, so it can find it at all."""
    program = "import os\ndef solve(n):\n    os.unlink('@ARENA@/canary.txt')\n    return n\n"
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "delete.py").write_text(program)
    (folder / "leak.py").write_text(
        "def solve(n): raise ValueError(open('@ARENA@/secret.txt').read())\n"
    )
    done = subprocess.run(
        [sys.executable, str(HERE / "run_attacks.py"), "rlimits", str(folder), str(tmp_path / "a")],
        env={**os.environ, "PYTHONPATH": str(Path(harness.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    rows = {row["file"]: row for row in json.loads(done.stdout)["rows"]}
    assert rows["delete.py"]["damage"] == ["canary gone or changed"]
    assert rows["leak.py"]["leaked"] is True
