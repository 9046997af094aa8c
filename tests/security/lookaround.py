"""What a hostile program may damage, read, connect to or leave, and whether it did.

Shared by the programs that try them, each of which may run as another user.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

PORT = 18999
SECRET = "secret-" + secrets.token_hex(12)
API_KEY = "sk-canary-" + secrets.token_hex(12)
FOLDERS = ("home", "tmp", "loot", "cwd")
_OUTSIDE = ("/tmp/zz_state", "/dev/shm/zz_state", "/tmp/zz_l")


def fill(arena: Path, answers: Mapping[int, str]) -> None:
    """Make everything that a program might damage or read, open to this user.

    Folders stay what they are: one of them may be the current folder of a process.
    """
    for folder in FOLDERS:
        (arena / folder).mkdir(parents=True, exist_ok=True)
        for left in (arena / folder).iterdir():
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    (arena / "home" / "letter.txt").write_text("dear")
    (arena / "secret.txt").write_text(SECRET)
    (arena / "canary.txt").write_text("alive")
    (arena / "canary.txt").chmod(0o644)
    os.utime(arena / "canary.txt", (1_000_000_000, 1_000_000_000))
    (arena / "tests.json").write_text(json.dumps({str(n): a for n, a in answers.items()}))


def damage(arena: Path, connections: list[str]) -> list[str]:
    """Say what is not as ``fill`` left it."""
    found = list(connections)
    connections.clear()
    canary = arena / "canary.txt"
    if not canary.exists() or canary.read_text() != "alive":
        found.append("canary gone or changed")
    elif canary.stat().st_mode & 0o777 != 0o644 or canary.stat().st_mtime != 1_000_000_000:
        found.append("canary's mode or time changed")
    if not (arena / "home" / "letter.txt").exists():
        found.append("home destroyed")
    found += [f"loot: {path.name}" for path in (arena / "loot").iterdir()]
    found += [f"left behind: {path}" for path in _OUTSIDE if os.path.lexists(path)]
    if found:
        for left in _OUTSIDE:
            Path(left).unlink(missing_ok=True)
    return found


def leaked(text: str) -> bool:
    """Whether a text holds what no program may read."""
    return SECRET in text or API_KEY in text


def listen(connections: list[str]) -> None:
    """Accept whatever a program may manage to connect to."""
    servers: list[tuple[str, socket.socket]] = []
    for name, family, address in (
        ("tcp", socket.AF_INET, ("127.0.0.1", PORT)),
        ("abstract socket", socket.AF_UNIX, "\0zarena"),
    ):
        server = socket.socket(family)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(address)
        except OSError:
            continue  # another run of this program listens
        server.listen()
        servers.append((name, server))

    def serve(name: str, server: socket.socket) -> None:
        while True:
            client, _ = server.accept()
            connections.append(f"connected: {name}")
            client.close()

    for name, server in servers:
        threading.Thread(target=serve, args=(name, server), daemon=True).start()


def children_of(pid: int | str) -> list[int]:
    """Processes that a process started and that still run."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def descendants() -> list[int]:
    """Processes that this one started and that still run; orphans come to it."""
    return children_of("self")


class MemoryWatch:
    """Keeps the most memory that this process and its descendants held, and kills the greediest.

    Args:
        cap_mb: A descendant above this is killed, so that no case can take the machine's memory.
    """

    def __init__(self, cap_mb: int) -> None:
        self.peak_mb = 0
        self._cap_mb = cap_mb
        self._done = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def reset(self) -> None:
        self.peak_mb = 0

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            held = {pid: _resident_mb(pid) for pid in _tree(os.getpid())}
            self.peak_mb = max(self.peak_mb, *held.values())
            for pid, size in held.items():
                if size > self._cap_mb and pid != os.getpid():
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)


def _tree(pid: int) -> Iterable[int]:
    yield pid
    for child in children_of(pid):
        yield from _tree(child)


def _resident_mb(pid: int) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) >> 10
    return 0
