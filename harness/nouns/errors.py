"""Every exception that the harness raises on purpose.

HarnessError
├── InputError           the user's input is wrong; the command line exits with 2
│   ├── ConfigError      the experiment file
│   ├── DataError        a table, a JSONL file, a label file
│   ├── RubricError      a rubric or constitution file
│   ├── ScaleError       a statistic that the level of measurement forbids
│   └── PluginError      unknown, duplicate or broken plugin
├── MissingExtraError    an optional dependency is not installed; exits with 2
├── ChatError            a call to a language model failed (carries a Status)
├── BudgetExceededError  the next call would pass the run's budget; the run can be resumed
├── EngineError          a server that samples for a training failed, or has other weights than it
├── StorageError         what was paid for cannot be kept: the disk is full, or cannot be written
├── SandboxError         the host cannot offer the isolation that was asked for
└── GateStopError        an agreement gate with action "stop" was not met
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.nouns.chat_messages import ChatReply
    from harness.nouns.outcomes import Status


class HarnessError(Exception):
    """Root of the tree: everything the harness raises on purpose."""

    exit_code = 1


class InputError(HarnessError):
    """The user's input is wrong.

    Args:
        what: One sentence that says what is wrong and with which value.
        where: File, and row or key inside it.
        hint: What to do about it.
        details: One line for each further problem of the same input, so that a whole file is
            reported at once.
    """

    exit_code = 2

    def __init__(
        self, what: str, *, where: str = "", hint: str = "", details: Sequence[str] = ()
    ) -> None:
        self.what = what
        self.where = where
        self.hint = hint
        self.details = tuple(details)
        super().__init__(what)

    def __str__(self) -> str:
        """Return the message with its place, details and hint, one a line."""
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        lines += [f"  - {line}" for line in self.details]
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class ConfigError(InputError):
    """The experiment file is wrong."""


class DataError(InputError):
    """A table, a JSONL file or a label file is wrong."""


class RubricError(InputError):
    """A rubric or constitution file is wrong."""


class ScaleError(InputError):
    """A statistic was asked for that the level of measurement forbids."""


class PluginError(InputError):
    """A plugin is unknown, registered twice, or could not be loaded."""


class MissingExtraError(HarnessError):
    """An optional dependency is not installed.

    Args:
        module: The module that could not be imported.
        extra: The extra of the distribution that brings it.
    """

    exit_code = 2

    def __init__(self, module: str, extra: str) -> None:
        self.module = module
        self.extra = extra
        super().__init__(
            f"{module} is not installed.\n  hint: pip install 'feedback-harness[{extra}]'"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross process pools whole: an exception is otherwise rebuilt of its message alone."""
        return type(self), (self.module, self.extra)


class ChatError(HarnessError):
    """A call to a language model failed.

    Args:
        status: What the judgment that needed the call becomes: ERROR, TIMEOUT or REFUSED.
        reason: One line for the table of failures.
        retryable: Whether the same call may succeed later.
        reply: What was paid for all the same, such as a refusal.
    """

    def __init__(
        self,
        status: Status,
        reason: str,
        *,
        retryable: bool = False,
        reply: ChatReply | None = None,
    ) -> None:
        self.status = status
        self.reason = reason
        self.retryable = retryable
        self.reply = reply
        super().__init__(f"{status.value}: {reason}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross process pools whole."""
        build = partial(type(self), retryable=self.retryable, reply=self.reply)
        return build, (self.status, self.reason)


class BudgetExceededError(HarnessError):
    """The next call would pass the run's budget; what was paid for is kept and the run resumes."""


class StorageError(HarnessError):
    """What was paid for cannot be kept, so nothing more is asked; the run can be resumed."""


class EngineError(HarnessError):
    """A server that samples for a training failed, or has other weights; the training can go on.

    Args:
        what: One sentence that says what is wrong.
        where: The server.
        hint: What to do about it.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        place, advice = f"{where}: " if where else "", f"\n  hint: {hint}" if hint else ""
        super().__init__(f"{place}{what}{advice}")


class SandboxError(HarnessError):
    """The host cannot offer the isolation level that was asked for."""

    exit_code = 2


class GateStopError(HarnessError):
    """An agreement gate whose action is "stop" was not met."""
