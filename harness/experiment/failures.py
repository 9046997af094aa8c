"""What failed of what was asked: how often, the commonest reasons, and the way out of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from harness.judging.stated import CUT, MORE_ROOM
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment

WORKED = (Status.OK.value, Status.ABSTAINED.value)
"""An abstention is an answer: the source worked."""

_TOLD = 3


@dataclass(frozen=True, slots=True)
class Failures:
    """What failed.

    Attributes:
        total: How many there were.
        counts: Status and how often, of those that failed, the commonest first.
        reasons: The commonest reasons and how often.
        hint: What to do about the commonest one; empty where nobody knows.
    """

    total: int
    counts: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, int], ...]
    hint: str = ""

    @property
    def failed(self) -> int:
        """How many failed."""
        return sum(count for _, count in self.counts)

    @property
    def is_everything(self) -> bool:
        """Whether nothing worked."""
        return self.failed == self.total > 0

    def told(self, what: str) -> str:
        """Return it as one line: what, how many of them, by status."""
        number = f"all {self.total}" if self.is_everything else f"{self.failed} of {self.total}"
        return f"{number} {what} failed: {', '.join(f'{n} {s}' for s, n in self.counts)}"

    def told_reasons(self) -> list[str]:
        """Return a line for each of the commonest reasons."""
        return [f"{count} times: {reason}" for reason, count in self.reasons]


def failures_of(outcomes: Iterable[tuple[str, str]], worked: Collection[str] = WORKED) -> Failures:
    """Count what failed, by status and by reason.

    Args:
        outcomes: Status and reason of each.
        worked: The statuses that are no failure.
    """
    found = list(outcomes)
    bad = [(status, reason) for status, reason in found if status not in worked]
    cut = [reason for _, reason in bad if CUT in reason]
    reasons = Counter(cut[0][:300] if CUT in r else r[:300] for _, r in bad if r)
    told = tuple(reasons.most_common(_TOLD))
    is_cut = bool(told) and CUT in told[0][0]
    hint = f"{len(cut)} replies were {CUT}: {MORE_ROOM}" if is_cut else ""
    return Failures(len(found), tuple(Counter(s for s, _ in bad).most_common()), told, hint)


def failures_among(judgments: Iterable[Judgment]) -> Failures:
    """Count the judgments that failed."""
    verdicts = (judgment.verdict for judgment in judgments)
    return failures_of((verdict.status.value, verdict.rationale) for verdict in verdicts)
