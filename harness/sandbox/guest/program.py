"""Loading a program, and talking to whoever asked for it; shared by all kinds of jobs."""

from __future__ import annotations

import os
import sys
import types
from typing import Any

from harness.sandbox.guest.codec import frame

SOURCE_NAME = "solution.py"
_MESSAGE_CHARACTERS = 300


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
    data = memoryview(frame(tree))
    while data:
        data = data[os.write(descriptor, data) :]


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
