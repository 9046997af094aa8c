"""A command whose every call failed has failed: it says how often and why, and exits with 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from harness.nouns.errors import HarnessError
from harness.nouns.outcomes import Status

WORKED = (Status.OK.value, Status.ABSTAINED.value)
"""An abstention is an answer: the source worked."""

_TOLD = 3


def refuse_nothing(what: str, outcomes: Iterable[tuple[str, str]]) -> None:
    """Refuse to call it done when every outcome is a failure.

    Args:
        what: Of which none came about, such as "judgments"; outcomes are of these.
        outcomes: Status and reason of each.

    Raises:
        HarnessError: All failed; it says how often each status and the commonest reasons came.
    """
    found = list(outcomes)
    if not found or any(status in WORKED for status, _ in found):
        return
    counts = Counter(status for status, _ in found).most_common()
    lines = [f"all {len(found)} {what} failed: {', '.join(f'{n} {s}' for s, n in counts)}"]
    reasons = Counter(reason[:300] for _, reason in found if reason).most_common(_TOLD)
    lines += [f"  - {count} times: {reason}" for reason, count in reasons]
    lines.append("  hint: the same command tries errors and timeouts again, and pays for no other")
    raise HarnessError("\n".join(lines))
