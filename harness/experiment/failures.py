"""What failed of what was asked: how often, the commonest reasons, and the way out of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from harness.judging.stated import CUT, MORE_ROOM
from harness.nouns.counted import counted
from harness.nouns.outcomes import Status
from harness.nouns.schema import Judgment

WORKED = (Status.OK.value, Status.ABSTAINED.value)
"""An abstention is an answer: the source worked."""

_LONG, _END = 300, 60
"""Characters of a reason that are told, and those of its end: where an exception was raised."""
_TOLD = 3
"""Reasons, and members of a jury, that are told at most."""


@dataclass(frozen=True, slots=True)
class Failures:
    """What failed.

    Attributes:
        total: How many there were.
        counts: Status and how often, of those that failed, the commonest first.
        reasons: The commonest reasons and how often.
        hint: What to do about the commonest one; empty where nobody knows.
        whose: Of each reason, which members of a source it met, and how often; empty where the
            source is one voice, or it met all alike.
        silent: The members that gave no verdict at all where others did, and why.
    """

    total: int
    counts: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, int], ...]
    hint: str = ""
    whose: tuple[tuple[tuple[str, int], ...], ...] = ()
    silent: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = ()

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
        """Return a line for each of the commonest reasons, with the members that it met."""
        whose = self.whose or [()] * len(self.reasons)
        return [
            f"{counted(count, 'time')}{_members(who)}: {reason}"
            for (reason, count), who in zip(self.reasons, whose, strict=True)
        ]

    def told_members(self) -> list[str]:
        """Return a warning for each member without any verdict."""
        lines = [
            f"warning: {name} gave no verdict at all: {', '.join(f'{n} {s}' for s, n in counts)}"
            for name, counts in self.silent[:_TOLD]
        ]
        more = self.silent[_TOLD:]
        if more:
            lines.append(f"warning: {len(more)} more of its members gave no verdict at all")
        return lines


def _members(who: Sequence[tuple[str, int]]) -> str:
    if not who:
        return ""
    alone = len(who) == 1
    names = [name if alone else f"{name} {count}" for name, count in who[:_TOLD]]
    more = len(who) - _TOLD
    return f" ({', '.join(names)}{f' and {more} more' if more > 0 else ''})"


def failures_of(
    outcomes: Iterable[tuple[str, str]],
    worked: Collection[str] = WORKED,
    members: Sequence[str] = (),
) -> Failures:
    """Count what failed, by status and by reason.

    Args:
        outcomes: Status and reason of each.
        worked: The statuses that are no failure.
        members: Who gave each, of a source of several voices; none where it is one.
    """
    found = list(outcomes)
    bad = [(status, reason) for status, reason in found if status not in worked]
    cut = [reason for _, reason in bad if CUT in reason]

    def kind(reason: str) -> str:
        whole = cut[0] if CUT in reason else reason
        return (
            whole if len(whole) <= _LONG else f"{whole[:-_END][: _LONG - _END]} ... {whole[-_END:]}"
        )

    reasons = Counter(kind(reason) for _, reason in bad if reason)
    told = tuple(reasons.most_common(_TOLD))
    is_cut = bool(told) and CUT in told[0][0]
    hint = f"{len(cut)} replies were {CUT}: {MORE_ROOM}" if is_cut else ""
    counts = tuple(Counter(s for s, _ in bad).most_common())
    if len(set(members)) < 2:
        return Failures(len(found), counts, told, hint)
    whose: dict[str, Counter[str]] = {}
    said: dict[str, Counter[str]] = {}
    for name, (status, reason) in zip(members, found, strict=True):
        said.setdefault(name, Counter())[status] += 1
        if status not in worked and reason:
            whose.setdefault(kind(reason), Counter())[name] += 1
    silent = {name: each for name, each in said.items() if not each[Status.OK.value]}
    if len(silent) == len(said):
        silent = {}  # nobody gave one, which is told of the source
    return Failures(
        len(found),
        counts,
        told,
        hint,
        tuple(_named(whose[reason], len(said)) for reason, _ in told),
        tuple((name, tuple(each.most_common())) for name, each in silent.items()),
    )


def _named(met: Counter[str], members: int) -> tuple[tuple[str, int], ...]:
    """Return whom a reason met, how often; nobody where it met all alike."""
    alike = len(met) == members and len(set(met.values())) == 1
    return () if alike else tuple(met.most_common())


def failures_among(judgments: Iterable[Judgment], worked: Collection[str] = WORKED) -> Failures:
    """Count the judgments that failed, and say whose they are where a source has several voices."""
    made = list(judgments)
    outcomes = [(each.verdict.status.value, each.verdict.rationale) for each in made]
    return failures_of(outcomes, worked, [each.annotator for each in made])
