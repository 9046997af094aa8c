"""Fail on start-up hooks in the environment that nobody expects.

Malicious releases of litellm hid their code in a .pth file, which Python runs at every start.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from pathlib import Path

KNOWN = re.compile(
    r"__editable__\.feedback_harness-[\w.]+\.pth|distutils-precedence\.pth|a1_coverage\.pth"
)


def main() -> int:
    """Return 1 when an unknown .pth file, sitecustomize or usercustomize is installed."""
    folders = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    found = [
        path
        for folder in folders
        for pattern in ("*.pth", "sitecustomize.py", "usercustomize.py")
        for path in folder.glob(pattern)
        if not KNOWN.fullmatch(path.name)
    ]
    for path in found:
        sys.stderr.write(f"unknown start-up hook: {path}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
