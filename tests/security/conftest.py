"""What the host offers, found out without the code under test, and a copy that all can read."""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hostile_runs import copy_for_all

NEW_USER_AND_MOUNT = 0x10000000 | 0x20000


def host_offers(level: str, user: int | None = None) -> bool:
    """Whether a level can be had here; a sandbox that says no where this says yes is broken."""
    libc = ctypes.CDLL(None, use_errno=True)
    if level in ("namespaces", "landlock") and libc.syscall(444, None, 0, 1) < 1:
        return False
    if level != "namespaces":
        return True
    pid = os.fork()
    if pid == 0:
        try:
            if user is not None:
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
            os._exit(0 if libc.unshare(NEW_USER_AND_MOUNT) == 0 else 1)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


@pytest.fixture(scope="session")
def offers() -> Callable[..., bool]:
    """Whether the host offers an isolation level, to this user or another."""
    return host_offers


@pytest.fixture(scope="session")
def readable_copy() -> Iterator[Path]:
    """The harness and what it imports where every user can read it."""
    folder = Path(tempfile.mkdtemp(prefix="harness-readable-"))
    copy_for_all(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=["auto", "litellm"])
def transport(request):
    return request.param


@pytest.fixture
def at_once(monkeypatch):
    """No wait between the client's tries; the server's own waits are real."""
    here, real = threading.current_thread(), asyncio.sleep

    async def sleep(delay, *result):
        return await real(min(delay, 0.001) if threading.current_thread() is here else delay)

    monkeypatch.setattr(asyncio, "sleep", sleep)
