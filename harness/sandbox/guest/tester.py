"""Runs test code against a program in another process; the answers are here, the program is not.

A child of a zygote of its own for each job, so nothing that tests or data do outlives the job. Its
standard input is the socket of the program. The job:

    {"context", "parts": [source, ...], "call", "limit", "mirror"}

``context`` is trusted code that the tests rely on, such as helpers in the task's prompt; its names
win over the program's own, except for ``call``, the name of the function under test. The answer:

    {"passed", "total", "outcome", "detail", "forgeable", "changed"}

Where tests execute text that is not their own, it may be the program's, and could answer for them.
So the frame {"forgeable": reason} goes out before it is executed.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import io
import marshal
import os
import sys
import types
from collections.abc import Callable
from typing import Any

from harness.sandbox.guest import child
from harness.sandbox.guest.program import read_frame, send
from harness.sandbox.guest.proxies import Gone, Program, Unproxyable, function
from harness.sandbox.guest.test_checks import REACHED, Checks
from harness.sandbox.guest.test_faults import Faults
from harness.sandbox.guest.test_names import Taken, helpers_of, taken

TESTS, FILE = "the setup or prompt", "test_solution.py"
_EXECUTING = frozenset({"exec", "function.__new__", "pickle.find_class"})
# They write code of their own, with names that they have checked.
_GENERATORS = frozenset({"collections", "dataclasses", "enum", "functools"})


def warm_up(modules: list[str]) -> None:
    """Import what tests usually import, before any fork."""
    child.warm_up(["asyncio", "unittest", "unittest.mock", *modules])
    taken(["f(1)\ng(2)"])


def run_job(descriptor: int) -> None:
    """Read the job, run it, and answer; the caller ends the process."""
    serve(descriptor, _run)


def serve(descriptor: int, run: Callable[[dict[str, Any], Program], dict[str, Any]]) -> None:
    """Read one job and answer it."""
    job = marshal.loads(read_frame(descriptor))
    program = Program(os.dup(0), job["limit"], job["mirror"])
    sys.stdin = io.StringIO()
    own = {os.path.join(job["folder"], FILE), *_files(len(job.get("parts", ())))}
    sys.addaudithook(_Watch(descriptor, own))
    send(descriptor, run(job, program))


class _Watch:
    """Tells the controller before text is executed that may not be that of the tests."""

    def __init__(self, descriptor: int, own: set[str]) -> None:
        self.descriptor = descriptor
        self.own = own

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        """Look at what the interpreter is about to do."""
        if event not in _EXECUTING:
            return
        if event == "exec" and args[0].co_filename in self.own:
            return
        frame: types.FrameType | None = sys._getframe(1)
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if event != "pickle.find_class" and caller in _GENERATORS:
            return
        while frame is not None:
            if frame.f_globals.get("__name__") == "importlib._bootstrap":
                return
            frame = frame.f_back
        send(self.descriptor, {"forgeable": f"the tests execute text, by {caller}"})


def _run(job: dict[str, Any], program: Program) -> dict[str, Any]:
    """Run the parts of one job, each to its first exception."""
    parts = job["parts"]
    passed = 0
    details: list[str] = []
    sys.stdout = sys.stderr = io.StringIO()
    uses = Taken()
    try:
        loaded = program.receive()
        if "e" in loaded:
            _import_again(job["context"], program)
            return answer_of(0, len(parts), "fail", loading_failed(loaded), program, uses)
        names: dict[str, Any] = {"__name__": "tests", REACHED: program.reach}
        helpers = helpers_of(job["context"]) if job["context"] else Taken()
        names |= bound(helpers, "", program)
        (file, context), *pieces = _marked(job, helpers, program)
        try:
            exec(compile(context, file, "exec", dont_inherit=True), names)
        except Exception as error:
            program.note(error)
            raise
        uses = taken(parts, names, job["call"], context=job["context"])
        names |= bound(uses, job["call"], program)
        program.shows_dropped = not uses.computes
        for file, source in pieces:
            try:
                exec(compile(source, file, "exec", dont_inherit=True), names)
                if program.gone:
                    break  # the tests have swallowed it
                passed += 1
            except Exception as error:
                details.append(line(error))
                program.note(error)
    except (Gone, Unproxyable):
        pass  # the program remembers
    except BaseException as error:
        details.append(line(error))
    outcome = "pass" if passed == len(parts) and parts else "fail"
    return answer_of(passed, len(parts), outcome, details[0] if details else "", program, uses)


def _files(parts: int) -> list[str]:
    """Return the names of the context and of so many parts."""
    return [TESTS, *(f"tests[{number}]" for number in range(parts))]


def _import_again(context: str, program: Program) -> None:
    """Note what the context cannot import: the program has its imports, and fails with them."""
    for node in ast.parse(context).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            try:
                exec(compile(ast.Module([node], []), TESTS, "exec", dont_inherit=True), {})
            except ImportError as error:
                program.fault = program.fault or line(error)


def _marked(job: dict[str, Any], helpers: Taken, program: Program) -> list[tuple[str, str]]:
    """Return the context and the parts, with a call before all that can fail by the program."""
    uses = taken(job["parts"], (), job["call"], context=job["context"])
    wanted = uses.names | helpers.names
    names = {name for name in wanted if not hasattr(builtins, name)}
    names |= program.names(set(wanted)).keys()
    checks = Checks([job["context"], *job["parts"]], names)
    pieces = list(zip(_files(len(job["parts"])), checks.marked(), strict=True))
    program.faults = Faults(dict(pieces), checks, names, job["call"])
    return pieces


def bound(uses: Taken, call: str, program: Program) -> dict[str, Any]:
    """Return what the names that tests use stand for."""
    names: dict[str, Any] = {name: importlib.import_module(name) for name in uses.libraries}
    names |= taken_over(uses, program, call)
    if call and call not in names:
        names[call] = function(program, call)  # a missing function fails once and clearly
    return names


def taken_over(uses: Taken, program: Program, call: str = "") -> dict[str, Any]:
    """Return what the program has of the names that tests use without an import of their own.

    With a value, or a name that is doubtful, the program could decide the tests.
    """
    found = program.names(set(uses.names))
    for name in sorted(found.keys() & uses.alike.keys()):
        if uses.alike[name] & found.keys():
            program.mark(f"use {name} of the program, which is a builtin too, to judge it")
    for name in sorted(found.keys() - {call}):
        is_value = not isinstance(found[name], type | types.FunctionType)
        if name in uses.doubtful or (is_value and len(uses.names) > 1):
            program.mark(f"use {name} of the program to judge it; import or define it in the tests")
    return found


def loading_failed(answer: dict[str, Any]) -> str:
    """Return why a program could not be loaded."""
    return ": ".join(str(part) for part in list(answer["e"])[:2])


def line(error: BaseException) -> str:
    """Return an exception in one line."""
    return f"{type(error).__name__}: {error}"[:300].replace("\n", " ")


def answer_of(
    passed: int, total: int, outcome: str, detail: str, program: Program, uses: Taken
) -> dict[str, Any]:
    """Return the answer; what the program remembers of its end wins over the outcome."""
    if program.fault:
        passed, outcome = 0, "error"
        detail = f"the tests are broken: {program.fault}"
    elif uses.by_reference or program.unproxyable:
        passed, outcome = 0, "unsupported"
        detail = uses.by_reference or program.unproxyable
    elif program.gone:
        outcome, detail = program.gone.split("\0", 1)
    elif outcome == "fail" and uses.seams:
        seams = ", ".join(sorted(uses.seams))
        detail = f"the tests look into the program's own process ({seams}), and fail: {detail}"
        outcome = "unsupported"
    elif outcome == "fail" and program.denied:
        detail = f"the tests need what their process may not do or has not: {program.denied}"
        outcome = "unsupported"
    elif outcome == "pass" and not program.reached:
        outcome = "undecided"
        detail = "no assertion that involves the program was reached"
    return {
        "passed": passed,
        "total": total,
        "outcome": outcome,
        "detail": detail[:300],
        "forgeable": program.forgeable,
        "changed": program.changed,
    }
