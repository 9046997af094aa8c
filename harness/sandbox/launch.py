"""Starts a guest module in a fresh interpreter, apart from this process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_GUEST = Path(__file__).parent / "guest"
# Threads of numerical libraries would not survive the fork of a child.
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

# The guest's modules are imported without harness itself, which needs packages and files that a
# confined process has not.
_BOOT = """
import json, sys, types
for name, path in json.loads(sys.argv[1]):
    module = types.ModuleType(name)
    module.__path__ = [path]
    sys.modules[name] = module
from {module} import main
main(json.loads(sys.argv[2]))
"""


class LostError(Exception):
    """A guest died or fell silent: the run says nothing about the program."""


def launch(module: str, options: dict[str, Any], descriptor: int) -> subprocess.Popen[bytes]:
    """Execute a guest module in a fresh interpreter with an empty environment.

    Never a fork of this process: that would copy the page tables of a trainer and share its memory
    with hostile code.
    """
    folder = _GUEST.parent.parent
    packages = [
        ("harness", str(folder)),
        ("harness.sandbox", str(_GUEST.parent)),
        ("harness.sandbox.guest", str(_GUEST)),
    ]
    python = getattr(sys, "_base_executable", None) or sys.executable
    command = [python, "-s", "-S", "-P", "-B", "-X", "utf8", "-c", _BOOT.format(module=module)]
    return subprocess.Popen(
        [*command, json.dumps(packages), json.dumps(options)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[descriptor],
        env=_ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )
