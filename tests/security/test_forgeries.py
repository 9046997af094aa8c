"""Programs that try to take a reward or control, at every level, as root and as a user by turns.

``forgeries/*.toml`` holds them as data, one file a kind; ``run_forgeries.py`` tries them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile_runs import LEVELS, by_turns, other_user, run_script, users

KINDS = sorted(path.stem for path in (Path(__file__).parent / "forgeries").glob("*.toml"))
MEMORY_MB = 2300  # of any process, the deciding one's own limit and a margin
SECONDS = (
    15.0  # limits are 1 s of processor and 4 s of clock, twice where a lost slot is tried again
)


def wrong(row: dict[str, Any]) -> list[str]:
    """Say what is not as it should be in the report on one case."""
    complaints = {
        "rewarded": row["rewarded"],
        f"outcomes {row['outcomes']}": not set(row["outcomes"]) <= set(row["allowed"]),
        "leaked": row["leaked"],
        f"damage {row['damage']}": row["damage"],
        f"later runs {row['later']}": row["later"],
        f"honest program: {row['honest']} {row['honest_detail']}": row["honest"]
        not in row["honest_allowed"],
        f"{row['peak_mb']} MB": row["peak_mb"] > MEMORY_MB,
        f"{row['seconds']} s": row["seconds"] > SECONDS,
    }
    return [complaint for complaint, holds in complaints.items() if holds]


def complaints_of(report: dict[str, Any]) -> dict[str, list[str]]:
    """Return the complaints of each case that has any, by kind, name and way."""
    found = {f"{r['kind']}/{r['name']}/{r['way']}": wrong(r) for r in report["rows"]}
    assert report["left"] == []
    assert len(found) == len(report["rows"])
    return {name: complaints for name, complaints in found.items() if complaints}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_ten_programs(kind: str) -> None:
    told = tomllib.loads((Path(__file__).parent / "forgeries" / f"{kind}.toml").read_text())
    assert len({case["name"] for case in told["case"]}) == len(told["case"]) >= 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("level", "user", "kind"),
    [(*place, kind) for n, kind in enumerate(KINDS) for place in by_turns(n)],
)
def test_no_forgery_succeeds(
    level: str, user: str, kind: str, readable_copy: Path, offers: Callable[..., bool]
) -> None:
    report = run_script(
        "run_forgeries.py",
        level,
        user,
        readable_copy,
        ["forgeries", "@ARENA@", kind],
        offers(level, other_user(user)),
    )
    assert report["level"] == level
    assert complaints_of(report) == {}


def test_quick_forgeries_fail_at_the_best_level(
    readable_copy: Path, offers: Callable[..., bool]
) -> None:
    level = next((level for level in LEVELS if offers(level)), LEVELS[-1])
    report = run_script(
        "run_forgeries.py",
        level,
        users()[0],
        readable_copy,
        ["forgeries", "@ARENA@", "", "quick"],
        offers(level),
    )
    assert complaints_of(report) == {}


LOUD = """
allowed = ["fail"]
[[case]]
name = "takes_it"
way = "functions"
program = "def f(x): open('@ARENA@/loot/taken', 'w'); return 3"
honest = "def f(x): return 4"
reference.entry_point = "f"
reference.tests = [{ args = [3], expected = 3 }]
"""


def test_the_runner_sees_what_gets_through(tmp_path: Path) -> None:
    """Where nothing isolates a program, its reward, its damage and a broken control all show."""
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "loud.toml").write_text(LOUD)
    folders = [str(tmp_path / "kinds"), str(tmp_path / "arena")]
    script = Path(__file__).parent / "run_forgeries.py"
    done = subprocess.run(
        [sys.executable, str(script), "rlimits", *folders],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    (row,) = json.loads(done.stdout)["rows"]
    assert wrong(row) == [
        "rewarded",
        "outcomes ['pass']",
        "damage ['loot: taken']",
        "honest program: fail AssertionError: arguments [3] gave another result",
    ]
