"""Finds what the browser tests need, or says what lacks."""

import os
import shutil
from pathlib import Path

HERE = Path(__file__).parent


def browser_tools():
    """Return (node, chromium), or the reason why there is no browser test."""
    node = shutil.which("node")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        return "no chromium (Debian: apt-get install chromium)"
    if not node:
        return "no node (Debian: apt-get install nodejs npm)"
    if not (HERE / "node_modules" / "playwright-core").is_dir():
        return "no playwright-core (run .ci/install_browser)"
    return node, chromium
