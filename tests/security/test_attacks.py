"""Hostile programs against the sandbox, at every level from landlock up, as root and as a user."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from hostile_runs import LEVELS, by_turns, corpora, other_user, run_script, users

import harness
from harness.sandbox.probes import PROBES

HERE = Path(__file__).parent
OWN = HERE / "attacks"
RUNS = [
    pytest.param(*place, corpus, id="-".join([*place, corpus.parent.name]))
    for corpus in corpora()
    for place in (product(LEVELS, users()) if corpus == OWN else by_turns(0))
]


def expected_of(corpus: Path) -> dict[str, list[str]]:
    entries = json.loads((corpus / "index.json").read_text())
    return {entry["file"]: entry["expected"] for entry in entries}


@pytest.mark.slow
@pytest.mark.parametrize(("level", "user", "corpus"), RUNS)
def test_no_attack_succeeds(
    level: str, user: str, corpus: Path, readable_copy: Path, offers: Callable[..., bool]
) -> None:
    programs = str(readable_copy / corpus.parent.name / corpus.name)
    ways = ["functions", "asserts", "check", "pytest", *(["stdio"] if corpus == OWN else [])]
    report = run_script(
        "run_attacks.py",
        level,
        user,
        readable_copy,
        [programs, "@ARENA@", ",".join(ways)],
        offers(level, other_user(user)),
    )
    assert report["level"] == level
    assert report["blocked"] == dict.fromkeys(PROBES, True)
    assert report["left"] == []
    expected = expected_of(corpus)
    assert Counter(row["file"] for row in report["rows"]) == dict.fromkeys(expected, len(ways))
    wrong = [
        row
        for row in report["rows"]
        if row["passed"]
        or row["outcome"] not in expected[row["file"]]
        or row["leaked"]
        or row["damage"]
        or not row["alive"]
        or row["children"] > 3  # the zygote of programs, of test code and of pytest files
        or row["seconds"] > 30  # limits are 1 s of processor and 4 s of clock: nothing hangs
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
