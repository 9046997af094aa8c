"""One zygote as the controller sees it: start it, give it jobs, kill it."""

from __future__ import annotations

import array
import json
import marshal
import os
import select
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.nouns.errors import SandboxError
from harness.sandbox.guest.codec import LENGTH
from harness.sandbox.launch import LostError, kill_group, launch
from harness.sandbox.result import RunLimits

_NOBODY = 65534
_START_S = 30.0
_CLOSE_S = 2.0
_GRACE_S = 5.0  # how long past its own limits a zygote may be silent before it counts as lost


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended.

    Args:
        signal: Number of the signal that ended it, 0 for an exit.
        code: Exit code.
        killed: Why the zygote ended it: "cpu", "wall", "asked" or "".
        cpu_s: Processor seconds.
        wall_s: Seconds on the clock.
    """

    signal: int
    code: int
    killed: str
    cpu_s: float
    wall_s: float


class Slot:
    """A running zygote; used by one thread at a time."""

    def __init__(
        self,
        level: str,
        extra_paths: tuple[str, ...],
        preimport: tuple[str, ...],
        runs: str = "child",
    ) -> None:
        """Start a zygote and wait until it is confined.

        Args:
            level: Isolation level.
            extra_paths: Directories of packages that its children may read and import.
            preimport: Modules to import before any fork.
            runs: What its children run: "child" for programs; "tester" for test code and
                "pytester" for pytest files, which gets a folder to write to.

        Raises:
            SandboxError: The host does not offer the level; the message says which step failed.
        """
        self.level = level
        self.jobs = 0
        self.folder = ""
        self._folder: TemporaryDirectory[str] | None = None
        if runs == "pytester":
            self._folder = TemporaryDirectory(prefix="harness-pytest-")
            self.folder = self._folder.name
        self.options: dict[str, Any] = {"level": level, "extra_paths": extra_paths}
        self.options |= {"preimport": preimport, "runs": runs, "writable": self.folder}
        self._testers: dict[str, Slot] = {}
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = launch("harness.sandbox.guest.zygote", self.options, theirs.fileno())
        try:
            self._wait_ready()
        except (OSError, LostError, SandboxError) as error:
            self.close()
            raise SandboxError(f"isolation level {level} is not available: {error}") from error

    @property
    def pid(self) -> int:
        """Process id of the zygote (of its outer process, with namespaces)."""
        return self._process.pid

    def start(
        self, job: dict[str, Any], limits: RunLimits, streams: tuple[int, ...] = ()
    ) -> socket.socket:
        """Have a child forked and give it its job; return the socket of its answers.

        Raises:
            LostError: The zygote is gone.
        """
        self.jobs += 1
        ours, theirs = socket.socketpair()
        request = {
            "id": self.jobs,
            "cpu": limits.cpu_s,
            "wall": limits.wall,
            "memory": limits.memory_bytes,
        }
        rights = array.array("i", [theirs.fileno(), *streams])
        with theirs:
            try:
                self._control.sendmsg(
                    [json.dumps(request).encode()],
                    [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)],
                )
            except OSError as error:
                ours.close()
                raise LostError(f"the zygote is gone: {error}") from error
        data = marshal.dumps(job)
        ours.settimeout(limits.wall + _GRACE_S)
        try:
            ours.sendall(LENGTH.pack(len(data)) + data)
        except TimeoutError as error:
            ours.close()
            raise LostError("the child did not take its job") from error
        except OSError:
            pass  # it ended before it had read its job; its exit says why
        return ours

    def kill_child(self) -> None:
        """Ask for the end of the current child; harmless when it has ended."""
        try:
            self._control.send(json.dumps({"kill": self.jobs}).encode())
        except OSError:
            pass  # a lost zygote shows when its report is awaited

    def finish(self, limits: RunLimits) -> Exit:
        """Wait for the report on the current child.

        Raises:
            LostError: The zygote is gone or silent.
        """
        deadline = time.monotonic() + limits.wall + _GRACE_S
        while True:
            report = self._receive(deadline - time.monotonic())
            if report.get("id") == self.jobs:
                status = int(report["status"])
                return Exit(
                    os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
                    os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
                    str(report["killed"]),
                    float(report["cpu"]),
                    float(report["wall"]),
                )

    def tester(self, kind: str) -> Slot:
        """Return the zygote of tests that belongs to this one; started on first use.

        Tests are trusted and have no use for a root of their own, so it has no namespaces. Those
        of pytest may use every package of this process.

        Raises:
            SandboxError: It cannot be started.
        """
        if kind not in self._testers:
            level = "landlock" if self.level == "namespaces" else self.level
            paths = self.options["extra_paths"]
            if kind == "pytester":
                paths += _installed()
            self._testers[kind] = Slot(level, paths, self.options["preimport"], kind)
        return self._testers[kind]

    def empty_folder(self) -> None:
        """Remove what a child has written."""
        if self._folder is not None:
            for entry in os.scandir(self.folder):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)

    def drop_testers(self) -> None:
        """End the zygotes of tests, if there are any."""
        while self._testers:
            self._testers.popitem()[1].close()

    def close(self) -> None:
        """End the zygote and, with it, everything that it started."""
        self.drop_testers()
        self._control.close()
        try:
            # It ends when its control closes, and its outer process reaps the inner one; killed at
            # once, they would leave a zombie to whoever adopts orphans.
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            kill_group(self._process)
            self._process.wait()
        if self._folder is not None:
            self._folder.cleanup()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _START_S
        while True:
            message = self._receive(deadline - time.monotonic())
            if "failed" in message:
                raise SandboxError(message["failed"])
            if message.get("ready"):
                return
            if "map" in message:
                reply = self._map_users(int(message["map"]))
                self._control.send(json.dumps(reply).encode())

    def _map_users(self, pid: int) -> dict[str, str]:
        """Map this user to root inside, and nobody to nobody where this user is root."""
        try:
            for kind, own in (("uid", os.geteuid()), ("gid", os.getegid())):
                lines = f"0 {own} 1\n"
                if os.geteuid() == 0:
                    lines += f"{_NOBODY} {_NOBODY} 1\n"
                elif kind == "gid":
                    Path(f"/proc/{pid}/setgroups").write_text("deny", encoding="ascii")
                Path(f"/proc/{pid}/{kind}_map").write_text(lines, encoding="ascii")
        except OSError as error:
            return {"failed": f"user map: {error}"}
        return {"mapped": ""}

    def _receive(self, timeout: float) -> dict[str, Any]:
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        if not poller.poll(max(timeout, 0) * 1000):
            raise LostError("the zygote does not answer")
        try:
            data = self._control.recv(65536)
        except OSError as error:
            raise LostError(f"the zygote is gone: {error}") from error
        if not data:
            raise LostError("the zygote has ended")
        message: dict[str, Any] = json.loads(data)
        return message


def _installed() -> tuple[str, ...]:
    """Return the folders of installed packages, and that of pytest wherever it is."""
    folders = [path for path in sys.path if path.endswith("-packages")]
    found = find_spec("pytest")
    if found is None or found.origin is None:
        raise SandboxError("tests for pytest need it; hint: pip install pytest")
    folders.append(str(Path(found.origin).parents[1]))
    return tuple(dict.fromkeys(folders))
