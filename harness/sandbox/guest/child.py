"""The child: reads one job from its socket, runs the program in it and answers with plain data.

Everything here shares the interpreter with hostile code, so nothing it says is more than a claim:
the answers to the tests are elsewhere. A job is one marshalled dictionary behind its length; each
answer is one JSON frame.

    {"mode": "functions", "source", "entry", "calls": [[args, kwargs], ...]}   {"v"} or {"e"} each
    {"mode": "programs", "source", "inputs": [text, ...], "cap": bytes}        {"o", "e"} each
    {"mode": "raw", "source"}                         the standard streams are descriptors 0 and 1
    {"mode": "rpc", "source"}                         then see remote.py
    {"mode": "inside", "source", "tests": source}     {"v": true} or {"e"}: forgeable
"""

from __future__ import annotations

import gc
import importlib
import io
import marshal
import os
import sys
from typing import Any

from harness.sandbox.guest.codec import Unencodable, dumps, to_tree
from harness.sandbox.guest.program import (
    SOURCE_NAME,
    failure,
    load,
    new_module,
    read_frame,
    send,
)
from harness.sandbox.guest.remote import serve_solution

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
    # What a function prints goes nowhere.
    sys.stdin, sys.stderr = io.StringIO(), io.StringIO()
    sys.stdout = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="replace")
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
            answer = failure(error, "call")
        send(descriptor, answer)


def _programs(descriptor: int, job: dict[str, Any]) -> None:
    try:
        code = compile(job["source"], SOURCE_NAME, "exec", dont_inherit=True)
    except BaseException as error:
        send(descriptor, failure(error, "load"))
        return
    for text in job["inputs"]:
        written = io.BytesIO()
        sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8")
        sys.stdout = io.TextIOWrapper(written, "utf-8", errors="replace", write_through=True)
        answer: dict[str, Any] = {}
        try:
            exec(code, new_module("__main__").__dict__)
        except SystemExit as error:
            if error.code not in (None, 0):
                answer = failure(error, "call")
        except BaseException as error:
            answer = failure(error, "call")
        try:
            sys.stdout.flush()
        except BaseException:  # the program may have closed or replaced it
            pass
        answer["o"] = written.getvalue()[: job["cap"]].decode("utf-8", "replace")
        send(descriptor, answer)
        gc.collect(0)


def _raw(descriptor: int, job: dict[str, Any]) -> None:
    sys.stdin = open(0, encoding="utf-8", errors="replace", closefd=False)
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", closefd=False)
    try:
        load(job["source"], "__main__")
    except SystemExit as error:
        if error.code not in (None, 0):
            send(descriptor, failure(error, "call"))
    except BaseException as error:
        send(descriptor, failure(error, "load" if isinstance(error, SyntaxError) else "call"))
    finally:
        sys.stdout.flush()


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
