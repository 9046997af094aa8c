"""The test process: runs trusted tests against a program in another process, one job at a time.

It is executed once, confines itself like a zygote, and is killed and replaced when it hangs. It
holds the answers, so no process that runs model code is ever forked from it. A request is a length
with the socket of the child attached, then one JSON object:

    {"context", "parts": [source, ...], "call", "limit"}

``context`` is trusted code that the tests rely on, such as helpers in the task's prompt; its names
win over the program's own, except for ``call``, the name of the function under test.
The answer: {"passed", "total", "outcome", "detail", "forgeable"}.
"""

from __future__ import annotations

import array
import builtins
import functools
import gc
import io
import json
import os
import resource
import socket
import sys
import types
from collections.abc import Callable
from typing import Any

from harness.sandbox.guest import codec
from harness.sandbox.guest.child import warm_up
from harness.sandbox.guest.confine import Confinement
from harness.sandbox.guest.program import die_with_parent, read_exactly
from harness.sandbox.guest.proxies import Gone, Program, Unproxyable, function

_MEMORY = 2 << 30


def main(options: dict[str, Any]) -> None:
    """Confine this process and serve requests until the controller closes its end."""
    control = socket.socket(fileno=options["control"])
    try:
        confinement = Confinement(options["level"], options["extra_paths"])
        sys.path.extend(options["extra_paths"])
        warm_up(["unittest", *options["preimport"]])
        die_with_parent()
        confinement.give_up()
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except Exception as error:
        control.sendall(codec.frame({"failed": f"{type(error).__name__}: {error}"}))
        return
    gc.collect()
    gc.freeze()
    control.sendall(codec.frame({"ready": True}))
    serve(control, run)


def serve(
    control: socket.socket, work: Callable[[dict[str, Any], Program], dict[str, Any]]
) -> None:
    """Answer requests until the controller closes its end."""
    while True:
        length, ancillary, _, _ = control.recvmsg(4, socket.CMSG_SPACE(4))
        if len(length) < 4 or not ancillary:
            return
        descriptors = array.array("i", ancillary[0][2])
        size = codec.LENGTH.unpack(length)[0]
        request = json.loads(read_exactly(control.fileno(), size))
        answer = work(request, Program(descriptors[0], request["limit"]))
        os.close(descriptors[0])
        control.sendall(codec.frame(answer))


def run(request: dict[str, Any], program: Program) -> dict[str, Any]:
    """Run the parts of one job, each to its first exception."""
    parts = request["parts"]
    passed = 0
    details: list[str] = []
    sys.stdout = sys.stderr = io.StringIO()
    try:
        loaded = program.receive()
        if "e" in loaded:
            return answer_of(0, len(parts), "fail", ": ".join(loaded["e"][:2]), program)
        names = _namespace(request, program)
        for source in parts:
            try:
                exec(_compiled(source), names)
                if program.gone:
                    break  # the tests have swallowed it
                passed += 1
            except Exception as error:
                details.append(_line(error))
    except (Gone, Unproxyable):
        pass  # the program remembers
    except BaseException as error:
        details.append(_line(error))
    outcome = "pass" if passed == len(parts) and parts else "fail"
    return answer_of(passed, len(parts), outcome, details[0] if details else "", program)


def _namespace(request: dict[str, Any], program: Program) -> dict[str, Any]:
    """Return the names that the tests see: their context, then what only the program has."""
    names: dict[str, Any] = {"__name__": "tests"}
    if request["context"]:
        exec(_compiled(request["context"]), names)
    if request["call"]:
        names[request["call"]] = function(program, request["call"])
        # Asked for below too, so that a missing function fails once and clearly.
    wanted = set().union(*(names_in(_compiled(source)) for source in request["parts"]))
    wanted = {n for n in wanted if not n.startswith("__") and not hasattr(builtins, n)}
    names.update(program.names(wanted - (names.keys() - {request["call"]})))
    return names


@functools.lru_cache(maxsize=512)
def _compiled(source: str) -> types.CodeType:
    return compile(source, "tests.py", "exec", dont_inherit=True)


def names_in(code: types.CodeType) -> set[str]:
    """Return every global and attribute name in a piece of code."""
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= names_in(constant)
    return found


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300].replace("\n", " ")


def answer_of(
    passed: int, total: int, outcome: str, detail: str, program: Program
) -> dict[str, Any]:
    """Return the answer; what the program remembers of its end wins over the outcome."""
    if program.unproxyable:
        passed, outcome, detail = 0, "unsupported", program.unproxyable
    elif program.gone:
        outcome, detail = program.gone.split("\0", 1)
    return {
        "passed": passed,
        "total": total,
        "outcome": outcome,
        "detail": detail[:300],
        "forgeable": program.forgeable,
    }
