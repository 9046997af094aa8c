"""How a piece of work ended, and what one payload of a worker became."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a verdict ended; everything but OK carries no value."""

    OK = "ok"
    ABSTAINED = "abstained"
    REFUSED = "refused"
    UNPARSEABLE = "unparseable"
    TIMEOUT = "timeout"
    ERROR = "error"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class WorkOutcome:
    """What one payload of a worker became: a value with status OK, or a failure with its reason.

    Args:
        status: How it ended.
        value: What the function returned.
        reason: Why there is no value.
        spent: Whether it used up its processor time, its memory or the stack, or ended its worker.
    """

    status: Status
    value: Any = None
    reason: str = ""
    spent: bool = False
