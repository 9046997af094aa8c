"""What a worker process runs: calls functions by name, one payload at a time.

Payloads arrive as pickles, from the parent only. What a function returned goes back as JSON, so
that a function that was led astray by the text that it judges cannot run code in the parent.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import json
import os
import pickle
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any

from harness.nouns.schema import Verdict

LENGTH = struct.Struct("<I")
_PR_SET_PDEATHSIG = 1


def main(descriptor: int, parent: int, memory_bytes: int) -> None:
    """Serve calls until the parent closes its end; die with the parent even in a call."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            return
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _write(descriptor, {"ready": True})
    while True:
        header = _read(descriptor, LENGTH.size)
        if not header:
            return
        request = pickle.loads(_read(descriptor, LENGTH.unpack(header)[0]))
        _write(descriptor, _answer(*request))


def _answer(function: str, arguments: tuple[Any, ...] | None) -> dict[str, Any]:
    """Call a function, or only import it where there are no arguments yet."""
    try:
        called = _load(function)
        if arguments is None:
            return {"value": None}
        value = called(*arguments)
        if isinstance(value, Verdict):
            return {"verdict": [value.status, value.value, value.probability, value.rationale]}
        answer = {"value": value}
        json.dumps(answer)
        return answer
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a time-out of a library may derive from BaseException
        return {"error": f"{type(error).__name__}: {error}"[:500]}


@functools.lru_cache(maxsize=64)
def _load(function: str) -> Callable[..., Any]:
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def _read(descriptor: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(descriptor: int, answer: dict[str, Any]) -> None:
    body = json.dumps(answer).encode()
    data = memoryview(LENGTH.pack(len(body)) + body)
    while data:
        data = data[os.write(descriptor, data) :]
