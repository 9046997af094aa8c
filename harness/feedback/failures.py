"""How an exception or a returned value becomes a verdict."""

from __future__ import annotations

from typing import Any

from harness.nouns.errors import BudgetExceededError, ChatError, InputError, StorageError
from harness.nouns.outcomes import Status
from harness.nouns.raised import raised
from harness.nouns.redaction import redact
from harness.nouns.schema import Verdict, no_verdict

PASS_THROUGH = (BudgetExceededError, StorageError, InputError, GeneratorExit)
"""Errors that stop the run instead of becoming a row: they concern the run, not the request.

Whatever else a call raises in a task of its own costs its verdict only, ``SystemExit`` and
``KeyboardInterrupt`` too: a real Ctrl-C makes asyncio cancel the task of the run, which stops
listening to its calls.
"""


def verdict_of_exception(error: BaseException) -> Verdict:
    """Return the typed failure that an exception stands for."""
    if isinstance(error, ChatError):
        return Verdict(error.status, rationale=error.reason)
    if isinstance(error, TimeoutError):
        return Verdict(Status.TIMEOUT, rationale=str(error) or "time limit reached")
    return Verdict(Status.ERROR, rationale=redact(raised(error)))


def verdict_of_value(value: Any) -> Verdict:
    """Return the verdict for what a verifier function returned.

    None means that the verifier abstains; a Verdict is taken as it is; NaN and other types are
    errors of the plugin, never a score.
    """
    if isinstance(value, Verdict):
        return value
    if value is None:
        return Verdict(Status.ABSTAINED, rationale="cannot be checked")
    if isinstance(value, bool):
        return Verdict(Status.OK, value)
    if isinstance(value, int | float):
        if 0.0 <= value <= 1.0:
            return Verdict(Status.OK, float(value))
        return Verdict(Status.ERROR, rationale=f"score {value!r} is not between 0 and 1")
    return Verdict(Status.ERROR, rationale=no_verdict(value))
