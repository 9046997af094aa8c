"""Loading a program, and talking to whoever asked for it; shared by all kinds of jobs."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import types
from typing import Any

from harness.sandbox.guest.codec import LENGTH, frame

SOURCE_NAME = "solution.py"
_MESSAGE_CHARACTERS = 300
_PR_SET_PDEATHSIG = 1


def new_module(name: str) -> types.ModuleType:
    """Return an empty module that importing code finds under its name."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    return module


def load(source: str, name: str) -> dict[str, Any]:
    """Compile and run a program; return its names.

    Raises:
        BaseException: Whatever the program raises, SyntaxError included.
    """
    code = compile(source, SOURCE_NAME, "exec", dont_inherit=True)
    module = new_module(name)
    exec(code, module.__dict__)
    return module.__dict__


def failure(error: BaseException, stage: str) -> dict[str, Any]:
    """Return the claim that something was raised: type, message, stage (load or call)."""
    kind = type(error)
    try:
        message = str(error)[:_MESSAGE_CHARACTERS]
    except BaseException:
        message = "(its message cannot be shown)"
    return {"e": [kind.__name__, str(message), stage]}


def send(descriptor: int, tree: object) -> None:
    """Write one frame."""
    write_all(descriptor, frame(tree))


def write_all(descriptor: int, data: bytes) -> None:
    """Write some bytes, however few the other end takes at a time."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def read_exactly(descriptor: int, size: int) -> bytes:
    """Read so many bytes; end the process where the other end has closed."""
    parts = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_frame(descriptor: int) -> bytes:
    """Read what stands behind its length."""
    return read_exactly(descriptor, LENGTH.unpack(read_exactly(descriptor, LENGTH.size))[0])


def die_with_parent() -> None:
    """Have the kernel end this process with its parent, however it hangs.

    The signal comes when the thread that started this process ends; it lives as long as the pool
    that it belongs to.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
