"""The child: reads one job from its socket, runs the program in it and answers with plain data.

Everything here shares the interpreter with hostile code, so nothing it says is more than a claim:
the answers to the tests are elsewhere. A job is one marshalled dictionary behind its length; each
answer is one JSON frame.

    {"mode": "functions", "source", "entry", "calls": [[args, kwargs], ...]}   {"v"} or {"e"} each
    {"mode": "programs", "source", "inputs": [text, ...], "cap": bytes}        {"o", "e"} each
    {"mode": "raw", "source"}        {"e"} or nothing; its streams are descriptors 0 and 1
    {"mode": "rpc", "source"}                         then see remote.py
    {"mode": "inside", "source", "tests": source}     {"v": true} or {"e"}: forgeable
"""

from __future__ import annotations

import gc
import importlib
import io
import marshal
import os
import site
import sys
from typing import Any

from harness.sandbox.guest.codec import Unencodable, dumps, to_tree
from harness.sandbox.guest.program import (
    SOURCE_NAME,
    failure,
    load,
    read_frame,
    send,
)
from harness.sandbox.guest.remote import builtin_bases, other_bases, serve_solution
from harness.sandbox.guest.script import Script, finish, open_devices, use_streams

PREIMPORTED = (
    "abc array bisect collections collections.abc copy copyreg dataclasses datetime decimal enum"
    " fractions functools hashlib heapq io itertools json math numbers operator queue random re"
    " statistics string struct textwrap threading time traceback types typing unicodedata"
)


def warm_up(modules: list[str]) -> None:
    """Import what programs usually import and run the compiler once, before any fork.

    Modules register no hooks at fork: re-seeding ``random`` alone costs more than a fork. The
    generator's state is therefore the same in every child, and the same from run to run.
    """
    register = os.register_at_fork
    os.register_at_fork = lambda **_: None
    try:
        for name in [*PREIMPORTED.split(), *modules]:
            importlib.import_module(name)
    finally:
        os.register_at_fork = register
    sys.modules["random"].seed(0)
    site.setquit()  # exit() and quit(), which the interpreter has left out together with site
    sys.argv, sys.orig_argv, sys.executable = [SOURCE_NAME], ["python", SOURCE_NAME], ""
    # What a function prints goes nowhere: all three are the null device.
    errors = open(2, "w", errors="backslashreplace", closefd=False)
    vars(sys).update(stderr=errors, __stderr__=errors)
    use_streams(open(0, "rb", closefd=False), open(1, "wb", closefd=False))
    sample = "import math\nclass A:\n    def f(self, x: int) -> str:\n        return f'{x!r}'\n"
    exec(compile(sample, SOURCE_NAME, "exec"), {"__name__": "solution"})


def run_job(descriptor: int) -> None:
    """Read the job and run it; the caller ends the process."""
    job = marshal.loads(read_frame(descriptor))
    _MODES[job["mode"]](descriptor, job)


def _rpc(descriptor: int, job: dict[str, Any]) -> None:
    serve_solution(descriptor, job["source"])


def _functions(descriptor: int, job: dict[str, Any]) -> None:
    try:
        function = load(job["source"], "solution")[job["entry"]]
    except BaseException as error:
        send(descriptor, failure(error, "load"))
        return
    for args, kwargs in job["calls"]:
        try:
            answer: dict[str, Any] = {"v": to_tree(function(*args, **kwargs))}
            dumps(answer)
        except Unencodable as error:
            answer = {"e": ["Unencodable", f"returned {error}, which is not plain data", "call"]}
        except BaseException as error:
            kind = type(error)
            answer = failure(error, "call")
            answer |= {"b": builtin_bases(kind), "own": other_bases(kind)}
        send(descriptor, answer)


def _programs(descriptor: int, job: dict[str, Any]) -> None:
    script = Script(job["source"])
    for text in job["inputs"]:
        written = _Kept()
        use_streams(io.BytesIO(text.encode()), written, write_through=True)
        answer = script.run()
        if not answer and script.left_running():
            # A run of its own, with real streams, can wait for it.
            send(descriptor, {"e": ["RuntimeError", "left work for after its end", "call"]})
            return
        answer = answer or finish(script.names)
        answer["o"] = written.value()[: job["cap"]].decode("utf-8", "replace")
        send(descriptor, answer)
        gc.collect(0)


class _Kept(io.BytesIO):
    """What was written, also when the program has closed it."""

    kept = b""

    def close(self) -> None:
        self.kept = self.value()
        super().close()

    def value(self) -> bytes:
        return self.kept if self.closed else self.getvalue()


def _raw(descriptor: int, job: dict[str, Any]) -> None:
    open_devices()
    use_streams(open(0, "rb", closefd=False), open(1, "wb", closefd=False))
    script = Script(job["source"])
    failed = script.run() or finish(script.names, whole=True)
    if failed:
        send(descriptor, failed)
        os._exit(1)  # which says so too where the program has led the channel elsewhere


def _inside(descriptor: int, job: dict[str, Any]) -> None:
    try:
        names = load(job["source"], "solution")
    except BaseException as error:
        send(descriptor, failure(error, "load"))
        return
    try:
        exec(compile(job["tests"], "tests.py", "exec", dont_inherit=True), names)
    except BaseException as error:
        send(descriptor, failure(error, "call"))
        return
    send(descriptor, {"v": True})


_MODES = {
    "functions": _functions,
    "programs": _programs,
    "raw": _raw,
    "rpc": _rpc,
    "inside": _inside,
}
