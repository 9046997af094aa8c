"""What a worker process runs: calls functions by name, one payload at a time.

Payloads arrive as pickles, from the parent only. What a function returned goes back as JSON, so
that a function that was led astray by the text that it judges cannot run code in the parent.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import pickle
import resource
import signal
from collections.abc import Callable
from typing import Any

from harness.nouns.raised import raised
from harness.nouns.schema import Finding, Verdict, no_verdict
from harness.sandbox.guest.codec import LENGTH
from harness.sandbox.guest.program import die_with_parent, read_frame, write_all


def main(descriptor: int, parent: int, memory_bytes: int) -> None:
    """Serve calls until the parent closes its end; die with the parent even in a call."""
    die_with_parent()
    if os.getppid() != parent:
        return
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    write_answer(descriptor, {"ready": True})
    while True:
        write_answer(descriptor, answer_to(*pickle.loads(read_frame(descriptor))))


def answer_to(
    function: str, arguments: tuple[Any, ...] | None, cpu_s: float | None
) -> dict[str, Any]:
    """Call a function, or only import it where there are no arguments yet.

    Nobody handles the signal of the limit on processor time: it ends this process at once.
    """
    try:
        called = _load(function)
        if arguments is None:
            return {"value": None}
        signal.setitimer(signal.ITIMER_PROF, cpu_s or 0)
        try:
            value = called(*arguments)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        answer = {"value": value}
        if isinstance(value, Finding):
            answer = {"found": [dict(value.metadata), value.latency_s]}
        verdict = value.verdict if isinstance(value, Finding) else value
        if isinstance(verdict, Verdict):
            said = verdict.status, verdict.value, verdict.probability, verdict.rationale
            answer = {**answer, "value": None, "verdict": said}
        try:
            json.dumps(answer)
        except (TypeError, ValueError):
            return {"error": no_verdict(value)}
        return answer
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a time-out of a library may derive from BaseException
        spent = isinstance(error, MemoryError | RecursionError)
        return {"error": raised(error, 500), "spent": spent}


@functools.lru_cache(maxsize=64)
def _load(function: str) -> Callable[..., Any]:
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def write_answer(descriptor: int, answer: dict[str, Any]) -> None:
    """Send an answer to the parent."""
    body = json.dumps(answer).encode()
    write_all(descriptor, LENGTH.pack(len(body)) + body)
