"""Finds what the browser tests need, installs the pinned npm packages once, or says what lacks."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def browser_tools():
    """Return (node, chromium), or the reason why there is no browser test."""
    node, npm = shutil.which("node"), shutil.which("npm")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        return "no chromium (Debian: apt-get install chromium)"
    if not node or not npm:
        return "no node and npm (Debian: apt-get install nodejs npm)"
    with (HERE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may come at once
        if not (HERE / "node_modules" / "playwright-core").is_dir():
            install = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(install, cwd=HERE, capture_output=True, text=True)
            if done.returncode != 0:
                return f"npm ci failed: {done.stderr.strip()[-300:]}"
    return node, chromium
