"""Starts processes apart from this one, and reads what they answer."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.sandbox.guest.codec import LENGTH

_GUEST = Path(__file__).parent / "guest"
# Threads of numerical libraries would not survive the fork of a child.
_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

# The guest's modules are imported without harness itself, which needs packages and files that a
# confined process has not. A program sees their frames beneath its own, so their paths are hidden.
_BOOT = """
import json, sys, types
for name, path in json.loads(sys.argv[1]):
    module = types.ModuleType(name)
    module.__path__ = [path]
    sys.modules[name] = module
from {module} import main
options = json.loads(sys.argv[2])
__import__("harness.sandbox.guest." + options["runs"])
def hide(owner):
    for value in vars(owner).values():
        if isinstance(value, type) and value.__module__ == owner.__name__:
            hide(value)
        elif isinstance(value, types.FunctionType) and value.__module__.startswith("harness."):
            value.__code__ = value.__code__.replace(co_filename="guest")
for name in [name for name in sys.modules if name.startswith("harness.")]:
    hide(sys.modules[name])
main(options)
"""
_BOOT_TRUSTED = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from {module} import main; main(*map(int, sys.argv[2:]))"
)


class LostError(Exception):
    """A guest died or fell silent: the run says nothing about the program."""


def launch(module: str, options: dict[str, Any], descriptor: int) -> subprocess.Popen[bytes]:
    """Execute a guest module in a fresh interpreter with an empty environment.

    Its ``main`` gets the options and the descriptor, which is called "control".

    Never a fork of this process: that would copy the page tables of a trainer and share its memory
    with hostile code.
    """
    packages = [
        ("harness", str(_GUEST.parent.parent)),
        ("harness.sandbox", str(_GUEST.parent)),
        ("harness.sandbox.guest", str(_GUEST)),
    ]
    python = getattr(sys, "_base_executable", None) or sys.executable
    command = [python, "-s", "-S", "-P", "-B", "-X", "utf8", "-c", _BOOT.format(module=module)]
    command += [json.dumps(packages), json.dumps(options | {"control": descriptor})]
    return _execute(command, descriptor, _ENVIRONMENT, "/")


def launch_trusted(
    module: str, descriptor: int, *numbers: int, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Execute a module with the packages of this process; its ``main`` gets the numbers."""
    command = [sys.executable, "-c", _BOOT_TRUSTED.format(module=module), json.dumps(sys.path)]
    return _execute([*command, *map(str, (descriptor, *numbers))], descriptor, environment)


def _execute(
    command: list[str],
    descriptor: int,
    environment: Mapping[str, str] | None,
    folder: str | None = None,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[descriptor],
        env=environment,
        cwd=folder,
        start_new_session=True,
    )


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and what it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def receive(stream: socket.socket, timeout_s: float) -> dict[str, Any]:
    """Return the next answer: a length, then a JSON object.

    Raises:
        TimeoutError: It did not come in time.
        EOFError: The other end has closed.
        OSError: The connection is broken.
    """
    deadline = time.monotonic() + timeout_s
    size = LENGTH.unpack(_read(stream, LENGTH.size, deadline))[0]
    answer: dict[str, Any] = json.loads(_read(stream, size, deadline))
    return answer


def _read(stream: socket.socket, size: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        stream.settimeout(max(deadline - time.monotonic(), 0.001))
        part = stream.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return bytes(data)
