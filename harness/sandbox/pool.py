"""A pool of zygotes, each served by a thread of its own that blocks on it."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from harness.nouns.errors import SandboxError
from harness.sandbox import probes
from harness.sandbox.claims import exchange
from harness.sandbox.guest.confine import LEVELS
from harness.sandbox.launch import LostError
from harness.sandbox.lending import Lender
from harness.sandbox.result import Integrity, RunLimits, SandboxResult
from harness.sandbox.slot import Slot

RECYCLE_AFTER = 2000


@dataclass(frozen=True, slots=True)
class ZygoteOptions:
    """What zygotes are started with, see ``Sandbox``."""

    min_isolation: str
    max_isolation: str
    extra_paths: tuple[str, ...] = ()
    preimport: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Isolation:
    """What was found out when the sandbox started.

    Args:
        level: Isolation level in force.
        blocked: For each attempt that a confined child made, whether it was blocked.
        refused: Stronger levels that the host does not offer, with the reason.
    """

    level: str
    blocked: Mapping[str, bool]
    refused: Mapping[str, str] = field(default_factory=dict)


class Pool:
    """Starts so many zygotes at most, lends them, and replaces those that are lost or worn out."""

    def __init__(self, processes: int, wanted: ZygoteOptions) -> None:
        self.wanted = wanted
        self._lock = threading.Lock()
        self._isolation: Isolation | None = None
        self._slots: Lender[Slot] = Lender(processes, "sandbox", SandboxError)

    @property
    def isolation(self) -> Isolation:
        """What is in force; starts the first zygote where there is none.

        Raises:
            SandboxError: The host does not offer ``min_isolation``.
        """
        with self._lock:
            if self._isolation is None:
                self._isolation = self._start()
            return self._isolation

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the zygotes that run."""
        return tuple(slot.pid for slot in self._slots.running)

    def close(self) -> None:
        """End every zygote; work that waits ends with an error."""
        self._slots.close()

    def _start(self) -> Isolation:
        """Take the strongest level that starts and whose probes are blocked."""
        if sys.platform != "linux":
            raise SandboxError(
                f"programs run on Linux only, not on {sys.platform}; use a Linux container there"
            )
        refused: dict[str, str] = {}
        wanted = self.wanted
        strongest = LEVELS.index(wanted.max_isolation)
        weakest = LEVELS.index(wanted.min_isolation)
        for level in reversed(LEVELS[weakest : strongest + 1]):
            # A fresh zygote for each attempt: half of an unshare would poison the process.
            try:
                slot, blocked = self._probed(level)
            except (SandboxError, LostError) as error:
                refused[level] = str(error)
                continue
            self._slots.fill(slot)
            return Isolation(level, blocked, refused)
        reasons = "".join(f"\n  - {level}: {reason}" for level, reason in refused.items())
        raise SandboxError(
            f"this host does not offer isolation level {wanted.min_isolation} or above{reasons}\n"
            "  hint: run on Linux 5.13 or later with Landlock, or lower min_isolation and accept"
            " what docs/security.md lists"
        )

    async def submit(
        self, work: Callable[[Slot], SandboxResult], total: int, integrity: Integrity
    ) -> SandboxResult:
        """Run work in the next slot that is free; a lost zygote is replaced and the work redone.

        Args:
            work: Blocks on the slot and returns the result.
            total: Tests there are, for the result of work that could not be done.
            integrity: Where the answers are kept, for the same.

        Raises:
            SandboxError: The pool is closed, or the host does not offer the isolation.
        """
        if self._isolation is None:
            await asyncio.get_running_loop().run_in_executor(None, lambda: self.isolation)
        return await asyncio.wrap_future(self._slots.submit(self._work, work, total, integrity))

    def _work(
        self, work: Callable[[Slot], SandboxResult], total: int, integrity: Integrity
    ) -> SandboxResult:
        """Run in a slot; a lost zygote is replaced and the run tried once more."""
        began = time.perf_counter()
        slot = self._slots.take()
        try:
            for attempt in (1, 2):
                try:
                    if slot is None:
                        slot = self._slots.add(self._slot(self.isolation.level))
                    result = work(slot)
                    return replace(result, wall_s=time.perf_counter() - began)
                except (LostError, SandboxError) as error:
                    self._slots.drop(slot)
                    slot, reason = None, str(error)
                    if attempt == 2 or self._slots.closed:
                        break
            return SandboxResult(
                "error", 0, total, f"sandbox: {reason}", self.isolation.level, integrity
            )
        finally:
            if slot is not None and slot.jobs >= RECYCLE_AFTER:
                self._slots.drop(slot)
                slot = None
            self._slots.give_back(slot)

    def _probed(self, level: str) -> tuple[Slot, dict[str, bool]]:
        """Return a zygote that keeps what its level promises, and what its children tried."""
        slot = self._slot(level)
        try:
            blocked = _probe(slot)
            missing = [name for name in sorted(probes.REQUIRED[level]) if not blocked[name]]
            if missing:
                raise LostError(f"a confined child could {', '.join(missing)}")
        except LostError:
            slot.close()
            raise
        return slot, blocked

    def _slot(self, level: str) -> Slot:
        return Slot(level, self.wanted.extra_paths, self.wanted.preimport)


def _probe(slot: Slot) -> dict[str, bool]:
    """Let confined children try what they must not be able to do."""
    limits = RunLimits(cpu_s=2.0, wall_s=10.0)
    blocked = {}
    with tempfile.TemporaryDirectory() as scratch:
        values = {
            "file": __file__,
            "folder": os.path.dirname(__file__),
            "scratch": os.path.join(scratch, "written"),
            "python": os.path.realpath("/proc/self/exe"),
        }
        for name, body in probes.PROBES.items():
            source = probes.program(body, **values)
            job = {"mode": "functions", "source": source, "entry": "attempt", "calls": [[[], {}]]}
            claims = exchange(slot, job, limits)
            blocked[name] = claims.frames != [{"v": True}]
    return blocked
