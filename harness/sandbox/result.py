"""What the sandbox says of one run, and the limits of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Outcome = Literal[
    "pass",
    "fail",
    "timeout",
    "memory",
    "output",
    "crash",
    "violation",
    "error",
    "unsupported",
    "undecided",
]
"""pass, or why not. ``error`` is a failure of the sandbox, of tests that are broken, or of a limit
that a right program cannot keep; ``unsupported`` that of tests which cannot be run apart from the
program, ``undecided`` that of tests which have come to no assertion that involves it: none of them
says that the program is wrong."""

Integrity = Literal["isolated-oracle", "isolated-tests", "in-process"]
"""Where the answers were kept: with the controller; with tests in a process of their own; or in the
process of the program itself, which can then forge its result."""


@dataclass(frozen=True, slots=True)
class RunLimits:
    """Hard limits of one run, over all of its tests.

    Args:
        cpu_s: Seconds of processor time, exact to about 2 ms.
        wall_s: Seconds on the clock; three times ``cpu_s`` and one more by default, since a busy
            machine must not fail a right program.
        memory_bytes: Address space of the program.
        output_bytes: Everything that the program may send back.
    """

    cpu_s: float = 5.0
    wall_s: float | None = None
    memory_bytes: int = 1 << 30
    output_bytes: int = 8 << 20

    @property
    def wall(self) -> float:
        """The wall limit in force, in seconds."""
        return 3 * self.cpu_s + 1 if self.wall_s is None else self.wall_s


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """What came of one program.

    Args:
        outcome: How it ended; only ``pass`` is a success.
        passed: Tests passed.
        total: Tests there were.
        detail: The first thing that went wrong, in one line.
        isolation: Isolation level in force.
        integrity: Where the answers were kept.
        wall_s: Seconds on the clock.
        cpu_s: Processor seconds of the program.
    """

    outcome: Outcome
    passed: int
    total: int
    detail: str
    isolation: str
    integrity: Integrity
    wall_s: float = 0.0
    cpu_s: float = 0.0


def told_apart(result: SandboxResult, with_room: SandboxResult, limits: RunLimits) -> SandboxResult:
    """Return what to say of a program that has passed its limit of output.

    A right one whose answer is too large is no wrong one; what babbles fails with more room, too.

    Args:
        result: That of the run within its limits.
        with_room: That of the same program with more room.
        limits: Those that it has passed.
    """
    if with_room.outcome != "pass":
        return result
    if with_room.integrity == "in-process":
        return with_room
    size = f"{limits.output_bytes / (1 << 20):g} MiB"
    reason = f"the program is right, but its answers have more than the {size} of output_mb"
    return replace(with_room, outcome="error", passed=0, detail=reason)
