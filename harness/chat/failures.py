"""What went wrong with a call, by class: whether to try again, when, and what the row says."""

from __future__ import annotations

import asyncio
import math
import random
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum

from harness.nouns.chat_messages import ChatReply
from harness.nouns.outcomes import Status
from harness.nouns.redaction import redact


class Failure(StrEnum):
    """Classes of failed calls."""

    LIMITED = "rate limit"
    SERVER = "server error"
    CONNECTION = "connection lost"
    MALFORMED = "malformed answer"
    OVERSIZED = "oversized answer"
    EMPTY = "empty answer"
    THOUGHT = "no answer after the thought"
    TIMEOUT = "time limit"
    REFUSED = "refusal"
    CREDENTIALS = "credentials"
    REDIRECT = "redirect"
    BAD_REQUEST = "bad request"
    OWN = "error of the harness"


TRIES = {
    Failure.LIMITED: 12,
    Failure.SERVER: 5,
    Failure.CONNECTION: 5,
    Failure.MALFORMED: 4,
    Failure.EMPTY: 3,
    Failure.THOUGHT: 1,
    Failure.OVERSIZED: 2,
    Failure.TIMEOUT: 2,
    Failure.REFUSED: 1,
    Failure.CREDENTIALS: 1,
    Failure.REDIRECT: 1,
    Failure.BAD_REQUEST: 1,
    Failure.OWN: 1,
}
"""Requests sent at most for one call that keeps failing in this way."""

STATUS = {
    Failure.TIMEOUT: Status.TIMEOUT,
    Failure.REFUSED: Status.REFUSED,
    Failure.EMPTY: Status.UNPARSEABLE,
    Failure.THOUGHT: Status.UNPARSEABLE,
}
"""Status of the row; ERROR for the others."""

KEPT = (Failure.REFUSED, Failure.THOUGHT)
"""Outcomes of a call that are kept like its reply: asking again would pay for the same again."""

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 20.0


@dataclass(slots=True)
class CallError(Exception):
    """One request that failed; the client decides whether there is another.

    Args:
        failure: Its class.
        reason: One line for the table of failures.
        retry_after_s: What the server asked to wait, None when it did not say.
        reply: What was paid for all the same.
        waited_s: What was waited already, with the call's place kept.
        paid: Whether an answer came and may have been paid for, though nobody can read it.
    """

    failure: Failure
    reason: str
    retry_after_s: float | None = None
    reply: ChatReply | None = field(default=None)
    waited_s: float = 0.0
    paid: bool = False

    def __str__(self) -> str:
        """Return class and reason."""
        return f"{self.failure.value}: {self.reason}"


def wait_before_retry(error: CallError, tries: int) -> float:
    """Return seconds to wait before the next try, with full jitter (exponential from 0.25 s)."""
    backoff = random.uniform(0.0, min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (tries - 1)))
    if error.retry_after_s is None:
        return backoff
    # More than asked, so that those who were told the same time do not come together.
    return min(max(error.retry_after_s, 0.0), 60.0) + min(backoff, 1.0)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the headers of a 429 or 503 ask to wait, the most exact ones first.

    A header that says no time that can be waited, such as a negative one, says nothing.

    Args:
        headers: With lower-case names.
    """
    milliseconds = _seconds(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000.0
    if headers.get("x-ratelimit-remaining-requests") == "0":
        wait = _duration(headers.get("x-ratelimit-reset-requests", ""))
        if wait is not None:
            return wait
    told = headers.get("retry-after", "")
    seconds = _seconds(told)
    return _until(told) if seconds is None else seconds


def _seconds(text: str) -> float | None:
    """Read a number that can be waited; None for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 <= value < math.inf else None


def _until(text: str) -> float | None:
    """Return the seconds until a date as HTTP writes it; 0 for one that is over."""
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, parsedate_to_datetime(text[:64]).timestamp() - time.time())
    return None


def _duration(text: str) -> float | None:
    """Read "350ms", "6s" or "1m30s" as seconds; None for anything else."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    if len(text) > 40:  # finding is quadratic, and the text a server's
        return None
    parts = re.findall(r"(\d*\.?\d+)(ms|s|m|h)", text)
    whole = bool(parts) and "".join(map("".join, parts)) == text
    return sum(float(number) * units[unit] for number, unit in parts) if whole else None


def one_line(text: str) -> str:
    """Return what a server or library said as one line of at most 300 letters, without secrets."""
    return " ".join(redact(text[:20_000]).split())[:300]


def of_status(code: int, message: str, headers: Mapping[str, str], provider: str = "") -> CallError:
    """Return the failure that an HTTP status stands for."""
    reason = one_line(f"{code} {message}")
    if code in (429, 529):
        return CallError(Failure.LIMITED, reason, retry_after(headers))
    if code in (408, 504):
        return CallError(Failure.TIMEOUT, reason)
    if code in (401, 403):
        return CallError(Failure.CREDENTIALS, reason)
    if code >= 500 or code in (409, 425):  # a twin in flight, or one too early: both pass
        return CallError(Failure.SERVER, reason, retry_after(headers))
    return CallError(Failure.BAD_REQUEST, reason)


def of_exception(error: Exception) -> CallError:
    """Return the failure that an exception of a transport stands for."""
    if isinstance(error, CallError):
        return error
    if isinstance(error, asyncio.TimeoutError | TimeoutError):
        return CallError(Failure.TIMEOUT, "no answer within the time limit")
    reason = one_line(f"{type(error).__name__}: {error}")
    return CallError(Failure.CONNECTION, reason)
