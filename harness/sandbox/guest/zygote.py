"""The zygote: confines itself, then forks one child for each job and watches its limits.

It never sees a job: each child reads its own from the socket that came with the request. One child
runs at a time. What its children run is the module that the option ``runs`` names: programs
(child.py), or the tests of a program that is elsewhere (tester.py, pytester.py). Messages on the
control socket are JSON, one a packet:

    controller -> zygote   {"id", "cpu", "wall", "memory"} with the descriptors of the job,
                           or {"kill": id}
    zygote -> controller   {"id", "status", "cpu", "wall", "killed"}
"""

from __future__ import annotations

import array
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from harness.sandbox.guest import namespaces
from harness.sandbox.guest.confine import MAX_DESCRIPTORS, NOBODY, Confinement
from harness.sandbox.guest.program import die_with_parent

JOB_FD = 3
_GRACE_S = 0.002


def main(options: dict[str, Any]) -> None:
    """Confine this process and serve jobs until the controller closes its end."""
    control = socket.socket(fileno=options["control"])
    try:
        runs = sys.modules[f"harness.sandbox.guest.{options['runs']}"]
        confinement = Confinement(options["level"], options["extra_paths"], options["writable"])
        if options["level"] == "namespaces":
            _isolate(control, confinement)
        sys.path.extend(options["extra_paths"])
        runs.warm_up(
            options["preimport"]
        )  # after namespaces, which a process with threads cannot enter
        confinement.give_up()
    except Exception as error:
        control.send(json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode())
        return
    for name in [name for name in sys.modules if name.split(".")[0] == "harness"]:
        del sys.modules[name]  # out of the way of programs that patch whatever they find
    gc.collect()
    gc.freeze()
    control.send(b'{"ready": true}')
    serve(control, confinement, runs.run_job)


def _isolate(control: socket.socket, confinement: Confinement) -> None:
    """Enter new namespaces; the controller maps the user ids, since only a parent may."""
    is_root = os.geteuid() == 0
    if is_root:
        os.setgroups([])
    namespaces.unshare(namespaces.NEW_USER)
    control.send(json.dumps({"map": os.getpid()}).encode())
    reply = json.loads(control.recv(4096))
    if "failed" in reply:
        raise OSError(reply["failed"])
    namespaces.unshare(namespaces.NEW_OTHERS)
    pid = os.fork()
    if pid:
        # This process only waits: the first of the new process ids is the one that serves, and
        # when it ends the kernel ends all others in there.
        control.close()
        _, status = os.waitpid(pid, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    confinement.enter_namespaces()
    if is_root:
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    # Last, since another user id would clear it.
    die_with_parent()


def serve(control: socket.socket, confinement: Confinement, run_job: Callable[[int], None]) -> None:
    """Fork one child for each request, one after the other."""
    while True:
        data, descriptors = _receive(control)
        if not data:
            return
        request = json.loads(data)
        if "kill" in request:
            continue  # stale: that child has ended
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            _become_child(request, descriptors, confinement, run_job)
        for descriptor in descriptors:
            os.close(descriptor)
        report = _watch(control, pid, request, began)
        control.send(json.dumps(report).encode())


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    data, ancillary, _, _ = control.recvmsg(4096, socket.CMSG_SPACE(4 * 4))
    descriptors = array.array("i")
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(payload[: len(payload) - len(payload) % 4])
    return data, list(descriptors)


def _become_child(
    request: dict[str, Any],
    descriptors: list[int],
    confinement: Confinement,
    run_job: Callable[[int], None],
) -> None:
    """Confine this fork, then run what the job's socket says; never returns."""
    code = 70
    try:
        # The first descriptor is the job's socket; further ones are its standard streams.
        confinement.enter_child_domain()
        for place, descriptor in zip((0, 1), descriptors[1:], strict=False):
            os.dup2(descriptor, place)
        os.dup2(descriptors[0], JOB_FD)
        os.closerange(JOB_FD + 1, MAX_DESCRIPTORS)
        memory = request["memory"]
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        seconds = int(request["cpu"]) + 2  # a second line of defence; the zygote's is exact
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        confinement.filter_child()
        run_job(JOB_FD)
        code = 0
    finally:
        os._exit(code)


def _watch(
    control: socket.socket, pid: int, request: dict[str, Any], began: float
) -> dict[str, Any]:
    """Wait for the child; kill it at its wall or processor limit, or when asked by its id."""
    clock = (~pid << 3) | 2  # the kernel's name for the processor clock of a process
    watched = os.pidfd_open(pid)
    poller = select.poll()
    poller.register(watched, select.POLLIN)
    poller.register(control, select.POLLIN)
    killed = ""
    used = 0.0
    gone = False
    while True:
        left = request["wall"] - (time.monotonic() - began)
        if left <= 0:
            killed = "wall"
            break
        wait = min(left, request["cpu"] - used)
        events = poller.poll(max(wait + _GRACE_S, 0) * 1000)
        ready = {descriptor for descriptor, _ in events}
        if watched in ready:
            break
        if ready:
            message = control.recv(4096)
            if not message:
                killed, gone = "controller", True
                break
            if json.loads(message).get("kill") == request["id"]:
                killed = "asked"
                break
        used = time.clock_gettime(clock)
        if used >= request["cpu"]:
            killed = "cpu"
            break
    if killed:
        os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    os.close(watched)
    if gone:
        os._exit(0)
    return {
        "id": request["id"],
        "status": status,
        "cpu": usage.ru_utime + usage.ru_stime,
        "wall": time.monotonic() - began,
        "killed": killed,
    }
