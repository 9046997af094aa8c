"""Which code is at work: its version, a hash of its files, and the commit they are of."""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]


@cache
def code() -> dict[str, Any]:
    """Return ``sha256`` of the package's Python files, and of a checkout ``commit`` and ``edited``.

    ``commit`` is None where the package is not in a checkout of its own, or there is no git.
    ``edited`` tells whether files of the package differ from that commit.
    """
    digest = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    commit = _git("log", "-1", "--format=%H", "--", ".")
    edited = bool(commit) and bool(_git("status", "--porcelain", "--", "."))
    return {"sha256": digest.hexdigest(), "commit": commit or None, "edited": edited}


def _git(*command: str) -> str:
    """Return what git says of the package's folder; nothing where it cannot say anything."""
    if not (PACKAGE.parent / ".git").exists():
        return ""  # installed into somebody else's checkout, perhaps
    try:
        found = subprocess.run(
            ["git", "-C", str(PACKAGE), *command], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
