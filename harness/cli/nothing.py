"""A command whose every call failed has failed: it says how often and why, and exits with 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.experiment.failures import failures_of
from harness.nouns.errors import HarnessError


def refuse_nothing(
    what: str, outcomes: Iterable[tuple[str, str]], members: Sequence[str] = ()
) -> None:
    """Refuse to call it done when every outcome is a failure.

    Args:
        what: Of which none came about, such as "judgments"; outcomes are of these.
        outcomes: Status and reason of each.
        members: Who gave each, of a source of several voices.

    Raises:
        HarnessError: All failed; it says how often each status and the commonest reasons came.
    """
    found = failures_of(outcomes, members=members)
    if not found.is_everything:
        return
    lines = [found.told(what), *(f"  - {line}" for line in found.told_reasons())]
    if found.hint:
        lines.append(f"  hint: {found.hint}")
    lines.append("  hint: the same command tries errors and timeouts again, and pays for no other")
    raise HarnessError("\n".join(lines))
