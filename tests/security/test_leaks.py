"""Hundreds of verifications, half of them of broken programs, leave nothing behind.

``benchmarks/leaking.py`` does the same 20,000 times.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_nothing_is_left(repo_root: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(repo_root / "benchmarks" / "leaking.py"), "--runs", "600"],
        env={**os.environ, "PYTHONPATH": str(repo_root)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'processes': 0" in done.stdout.rpartition("after")[2]
