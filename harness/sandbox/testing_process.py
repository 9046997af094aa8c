"""The controller's end of the trusted test process."""

from __future__ import annotations

import array
import json
import socket
from collections.abc import Mapping
from typing import Any

from harness.nouns.errors import SandboxError
from harness.sandbox.guest import codec
from harness.sandbox.launch import LostError, launch, receive
from harness.sandbox.pytest_process import launch_pytest

_START_S = 30.0


class Hung(Exception):
    """The tests did not end in time; their process has been killed."""


class TestingProcess:
    """A running test process; used by one thread at a time."""

    __test__ = False  # not a test of this project

    def __init__(self, kind: str, options: Mapping[str, Any]) -> None:
        """Start it and wait until it is ready.

        Args:
            kind: "code" for test code in a confined process; "pytest" for files that pytest runs,
                which needs its packages and a folder to write to, and is not confined.
            options: What the zygote was started with.

        Raises:
            SandboxError: It could not start.
        """
        self._control, theirs = socket.socketpair()
        with theirs:
            if kind == "pytest":
                self._process = launch_pytest(theirs.fileno())
            else:
                # Its code is trusted and it has no use for a root of its own.
                level = "landlock" if options["level"] == "namespaces" else options["level"]
                own = {**options, "level": level}
                self._process = launch("harness.sandbox.guest.tester", own, theirs.fileno())
        try:
            message = self._receive(_START_S)
        except (Hung, LostError) as error:
            self.close()
            raise SandboxError(f"the test process did not start: {error}") from error
        if "failed" in message:
            self.close()
            raise SandboxError(f"the test process did not start: {message['failed']}")

    def run(
        self, request: dict[str, Any], program: socket.socket, timeout_s: float
    ) -> dict[str, Any]:
        """Run tests against the program at the other end of a socket.

        Raises:
            Hung: They took longer than ``timeout_s``.
            LostError: The process died.
        """
        data = json.dumps(request).encode()
        program.setblocking(True)  # the flag travels with the descriptor
        rights = array.array("i", [program.fileno()])
        try:
            self._control.settimeout(timeout_s)
            self._control.sendmsg(
                [codec.LENGTH.pack(len(data))], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)]
            )
            self._control.sendall(data)
        except OSError as error:
            raise LostError(f"the test process is gone: {error}") from error
        program.close()
        return self._receive(timeout_s)

    def close(self) -> None:
        """End the process."""
        self._control.close()
        self._process.kill()
        self._process.wait()

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        try:
            return receive(self._control, timeout_s)
        except TimeoutError as error:
            raise Hung("the tests did not end") from error
        except OSError as error:
            raise LostError(f"the test process is gone: {error}") from error
        except EOFError as error:
            raise LostError("the test process has ended") from error
